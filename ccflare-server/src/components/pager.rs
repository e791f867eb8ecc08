//! From one page of a list to the next.

use maud::{Markup, html};

use super::icon::{Icon, icon};

/// Links to the newest and to older entries; nothing if this is all there is.
pub(crate) fn pager(newest: Option<&str>, older: Option<&str>) -> Markup {
    html! {
        @if newest.is_some() || older.is_some() {
            nav.pager aria-label="Pages" {
                @if let Some(newest) = newest { a.button.quiet href=(newest) { "Newest" } }
                @if let Some(older) = older { a.button.quiet href=(older) rel="next" { "Older " (icon(Icon::Next)) } }
            }
        }
    }
}

/// `path` with these parameters, those that are not empty.
pub(crate) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let given: Vec<_> = parameters.iter().filter(|(_, value)| !value.is_empty()).collect();
    if given.is_empty() {
        return path.to_owned();
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(given);
    format!("{path}?{}", query.finish())
}

/// A name as one segment of a path, whatever is in it.
pub(crate) fn segment(name: &str) -> String {
    let text: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    text.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::link;

    #[test]
    fn a_link_has_what_is_given_and_nothing_else() {
        assert_eq!(link("/a", &[("x", ""), ("y", "")]), "/a");
        assert_eq!(link("/a", &[("x", "1 & 2"), ("y", ""), ("z", "ü")]), "/a?x=1+%26+2&z=%C3%BC");
    }
}
