//! Moments, seen from now; the exact one is in the tooltip and in `datetime`.

use ccflare_core::{
    domain::Timestamp,
    report::{Ago, At, Known, UNKNOWN, Until},
};
use maud::{Markup, html};

/// How long ago; `never` if it never was.
pub(crate) fn ago(moment: Option<&str>, now: Timestamp) -> Markup {
    match moment {
        None => html! { "never" },
        Some(text) => time(text, &Known(Ago::parse(text, now)).to_string()),
    }
}

/// How long until then.
pub(crate) fn until(moment: &str, now: Timestamp) -> Markup {
    time(moment, &Known(Until::parse(moment, now)).to_string())
}

/// The moment itself, in UTC.
pub(crate) fn at(moment: &str) -> Markup {
    time(moment, &Known(At::parse(moment)).to_string())
}

fn time(moment: &str, text: &str) -> Markup {
    html! { time datetime=(moment) title=(moment) { (if text.is_empty() { UNKNOWN } else { text }) } }
}
