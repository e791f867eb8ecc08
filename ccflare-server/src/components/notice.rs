//! What a page has to say besides its content: that something was done, went wrong, is missing.

use maud::{Markup, html};

use super::{
    badge::Tone,
    icon::{Icon, icon},
};

/// A line that is to be seen. Bad ones are read out at once.
pub(crate) fn notice(tone: Tone, body: &Markup) -> Markup {
    let (mark, role) = match tone {
        Tone::Good => (Icon::Good, "status"),
        Tone::Warning => (Icon::Warning, "status"),
        Tone::Bad => (Icon::Bad, "alert"),
        _ => (Icon::Hint, "note"),
    };
    html! { div class={ "notice " (tone.class()) } role=(role) { (icon(mark)) div { (body) } } }
}

/// What stands where nothing is yet: what would be here, and how it comes.
pub(crate) fn empty(title: &str, body: &Markup) -> Markup {
    html! { div.empty { p.title { (title) } (body) } }
}
