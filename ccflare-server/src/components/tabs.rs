//! One of several.

use maud::{Markup, html};

/// Links side by side, of which one is where we are: `(address, text, whether it is this one)`.
pub(crate) fn tabs(about: &str, tabs: &[(String, impl AsRef<str>, bool)]) -> Markup {
    html! {
        nav.tabs aria-label=(about) {
            @for (address, text, here) in tabs {
                a href=(address) aria-current=[here.then_some("true")] { (text.as_ref()) }
            }
        }
    }
}
