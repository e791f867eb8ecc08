//! What a request for a page says about how it is to be shown.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// As the cookie and the page name it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// By its name; what is no theme is the system's.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// How a page is to be shown, and where it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    /// The colours.
    pub(crate) theme: Theme,
    /// Path and query of the page.
    pub(crate) address: String,
    /// What was just done, by its code.
    pub(crate) done: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Look {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let query = parts.uri.query().unwrap_or_default();
        let done = query.split('&').find_map(|pair| pair.strip_prefix("done=")).map(str::to_owned);
        Ok(Self { theme: theme(&parts.headers), address, done })
    }
}

/// The theme in the cookies.
pub(crate) fn theme(headers: &HeaderMap) -> Theme {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == "theme").map_or(Theme::System, |(_, name)| Theme::named(name))
}

/// A path of this very server to go back to; anything else becomes the front page.
pub(crate) fn own_path(path: &str) -> &str {
    let is_own =
        path.starts_with('/') && !path.starts_with("//") && !path.contains(|c: char| c == '\\' || c.is_control());
    if is_own { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_in_its_cookie_or_the_systems() {
        for (cookie, expected) in [
            ("theme=dark", Theme::Dark),
            ("ccflare=x; theme=light", Theme::Light),
            ("theme=pink", Theme::System),
            ("xtheme=dark", Theme::System),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().expect("a value"));
            assert_eq!(theme(&headers), expected, "{cookie}");
        }
        assert_eq!(theme(&HeaderMap::new()), Theme::System);
    }

    #[test]
    fn nobody_is_sent_back_to_another_site() {
        for path in ["/", "/accounts?x=//y", "/requests/1"] {
            assert_eq!(own_path(path), path);
        }
        for path in ["//evil.example", "https://evil.example", "", "/\\evil.example", "accounts", "/\u{1}"] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
    }
}
