//! Boxes with a heading, and boxes with one number.

use std::{cmp::Ordering, fmt::Display};

use ccflare_core::report::Change;
use maud::{Markup, html};

use super::text::whole;

/// A part of a page.
pub(crate) fn card(title: &str, body: &Markup) -> Markup {
    card_with(title, &html! {}, body)
}

/// The same with something beside the heading: a link, a switch.
pub(crate) fn card_with(title: &str, beside: &Markup, body: &Markup) -> Markup {
    html! {
        section.card {
            header { h2 { (title) } (beside) }
            (body)
        }
    }
}

/// Whether more of it is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
    Neither,
}

/// One number, what it is, and how it stands to the period before.
pub(crate) struct Figure {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// The exact value, where the short one rounds.
    pub(crate) exact: Option<String>,
    pub(crate) change: Option<(Change, Better)>,
    /// What else there is to say, in a few words.
    pub(crate) note: Option<String>,
}

impl Figure {
    /// A number alone.
    pub(crate) fn new(label: &'static str, value: impl Display) -> Self {
        Self { label, value: whole(value), exact: None, change: None, note: None }
    }

    pub(crate) fn exactly(self, exact: impl ToString) -> Self {
        Self { exact: Some(exact.to_string()), ..self }
    }

    pub(crate) fn against(self, change: Change, better: Better) -> Self {
        Self { change: Some((change, better)), ..self }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// Numbers in a row.
pub(crate) fn figures(figures: &[Figure]) -> Markup {
    html! {
        dl.figures {
            @for figure in figures {
                div.figure {
                    dt { (figure.label) }
                    dd.value title=[figure.exact.as_deref()] { (figure.value) }
                    @if let Some((change, better)) = figure.change.as_ref().filter(|(change, _)| change.direction().is_some()) { dd { (trend(*change, *better)) } }
                    @if let Some(note) = &figure.note { dd.note { (note) } }
                }
            }
        }
    }
}

/// A change, coloured by whether it is a good one.
fn trend(change: Change, better: Better) -> Markup {
    let class = match (change.direction(), better) {
        (Some(Ordering::Greater), Better::More) | (Some(Ordering::Less), Better::Less) => "trend good",
        (Some(Ordering::Less), Better::More) | (Some(Ordering::Greater), Better::Less) => "trend bad",
        _ => "trend",
    };
    html! { span class=(class) { (whole(change)) " " span.unseen { "than in the period before" } } }
}

/// Facts as a list of terms.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (term, value) in facts { div { dt { (term) } dd { (value) } } }
        }
    }
}
