//! The frame around every page.

use ccflare_core::{control::views::StatusView, report::Count};
use maud::{DOCTYPE, Markup, html};

use super::icon::{Icon, icon};
use crate::{
    assets,
    pages::{Look, Theme},
};

/// The places of the dashboard, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Analytics,
    Requests,
    Sessions,
    Accounts,
    Agents,
    Explain,
    Keys,
    Logs,
    Stats,
    Settings,
    Audit,
    /// None of these.
    Elsewhere,
}

/// What every narrow screen has room for.
const FIRST: [Place; 4] = [Place::Overview, Place::Requests, Place::Accounts, Place::Analytics];

impl Place {
    const ALL: [Self; 12] = [
        Self::Overview,
        Self::Analytics,
        Self::Requests,
        Self::Sessions,
        Self::Accounts,
        Self::Agents,
        Self::Explain,
        Self::Keys,
        Self::Logs,
        Self::Stats,
        Self::Settings,
        Self::Audit,
    ];

    const fn entry(self) -> (&'static str, &'static str, Icon) {
        match self {
            Self::Overview | Self::Elsewhere => ("/", "Overview", Icon::Overview),
            Self::Analytics => ("/analytics", "Analytics", Icon::Analytics),
            Self::Sessions => ("/sessions", "Sessions", Icon::Sessions),
            Self::Stats => ("/stats", "Stats", Icon::Stats),
            Self::Settings => ("/settings", "Settings", Icon::Settings),
            Self::Logs => ("/logs", "Logs", Icon::Logs),
            Self::Explain => ("/explain", "Placement", Icon::Move),
            Self::Agents => ("/agents", "Agents", Icon::Agents),
            Self::Requests => ("/requests", "Requests", Icon::Requests),
            Self::Accounts => ("/accounts", "Accounts", Icon::Accounts),
            Self::Keys => ("/keys", "Client keys", Icon::Keys),
            Self::Audit => ("/audit", "Audit log", Icon::Audit),
        }
    }
}

/// What pages are fetched again for; the script listens.
const EVENTS: &str = "/api/events?topics=requests,accounts,moves,config&every=1000";

/// What the frame shows.
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) here: Place,
    pub(crate) look: &'a Look,
    pub(crate) status: Option<&'a StatusView>,
    /// What is to be seen above the page's own content.
    pub(crate) notice: Option<Markup>,
}

/// A whole page.
pub(crate) fn page(frame: &Frame<'_>, body: &Markup) -> Markup {
    document(
        frame.title,
        frame.look.theme,
        true,
        &html! {
            a.skip href="#main" { "Skip to the content" }
            div.shell {
                aside.side {
                    a.brand href="/" { (mark()) "ccflare" }
                    nav aria-label="Main" { ul { @for place in Place::ALL { (entry(place, frame.here)) } } }
                    (foot(frame))
                }
                main id="main" tabindex="-1" {
                    div.stale id="stale" role="status" hidden { "Connection lost: what you see may be old. Trying again…" }
                    h1 { (frame.title) }
                    @if let Some(notice) = &frame.notice { (notice) }
                    (body)
                }
                nav.bottom aria-label="Main, short" {
                    ul {
                        @for place in FIRST { (entry(place, frame.here)) }
                        li {
                            details.more {
                                summary { (icon(Icon::More)) span { "More" } }
                                div.drawer {
                                    ul { @for place in Place::ALL { @if !FIRST.contains(&place) { (entry(place, frame.here)) } } }
                                    (foot(frame))
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// A page without a way around, for those who are not in yet. No script runs where a code may stand in the address.
pub(crate) fn bare(title: &str, theme: Theme, body: &Markup) -> Markup {
    document(
        title,
        theme,
        false,
        &html! {
            main.bare id="main" {
                p.brand { (mark()) "ccflare" }
                section.card { h1 { (title) } (body) }
            }
        },
    )
}

fn document(title: &str, theme: Theme, script: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · ccflare" }
                link rel="icon" href=(assets::ICON.path());
                link rel="stylesheet" href=(assets::STYLE.path());
                @if script { script src=(assets::SCRIPT.path()) defer {} }
            }
            body data-events=[script.then_some(EVENTS)] { (body) }
        }
    }
}

fn entry(place: Place, here: Place) -> Markup {
    let (path, text, mark) = place.entry();
    html! {
        li { a href=(path) aria-current=[(place == here).then_some("page")] { (icon(mark)) span { (text) } } }
    }
}

fn foot(frame: &Frame<'_>) -> Markup {
    html! {
        div.foot {
            form.themes method="post" action="/theme" {
                input type="hidden" name="back" value=(frame.look.address);
                @for (theme, text) in [(Theme::System, "System"), (Theme::Light, "Light"), (Theme::Dark, "Dark")] {
                    button.quiet type="submit" name="theme" value=(theme.as_str()) data-theme-choice=(theme.as_str())
                        aria-pressed=(if theme == frame.look.theme { "true" } else { "false" }) { (text) }
                }
            }
            @if let Some(status) = frame.status {
                p.version {
                    "ccflare " (status.version) ", " (status.strategy)
                    br;
                    (Count(status.in_flight)) " in flight"
                }
            }
            form method="post" action="/logout" { button.quiet type="submit" { (icon(Icon::Leave)) "Log out" } }
        }
    }
}

fn mark() -> Markup {
    html! { img.mark src=(assets::ICON.path()) width="24" height="24" alt=""; }
}
