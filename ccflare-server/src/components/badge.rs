//! One word about how something stands.

use maud::{Markup, html};

/// What a word means, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Accent,
    Good,
    Warning,
    Bad,
    Blue,
    Purple,
}

impl Tone {
    /// Its class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Accent => "accent",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Blue => "blue",
            Self::Purple => "purple",
        }
    }
}

/// Draws one.
pub(crate) fn badge(tone: Tone, text: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}

/// A status code; the class of it is the colour.
pub(crate) fn status(code: Option<u16>) -> Markup {
    let tone = match code {
        Some(200..=399) => Tone::Good,
        Some(429) => Tone::Warning,
        Some(400..=499) => Tone::Blue,
        Some(_) => Tone::Bad,
        None => Tone::Plain,
    };
    let text = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    badge(tone, &text)
}

/// How a request ended.
pub(crate) fn outcome(outcome: &str) -> Markup {
    let tone = match outcome {
        "answered" => Tone::Good,
        "cancelled" => Tone::Plain,
        "cut" | "interrupted" => Tone::Warning,
        _ => Tone::Bad,
    };
    badge(tone, outcome)
}

/// How an account stands.
pub(crate) fn account_state(state: &str) -> Markup {
    let (tone, text) = match state {
        "active" => (Tone::Good, "ready"),
        "rate_limited" => (Tone::Warning, "limited"),
        "paused" => (Tone::Plain, "paused"),
        "needs_login" => (Tone::Bad, "log in again"),
        "on_hold" => (Tone::Bad, "on hold"),
        other => (Tone::Plain, other),
    };
    badge(tone, text)
}
