//! A string nobody gets to see by accident.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A key or token: wiped from memory when dropped, never printed, never serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text in; surrounding white space (a pasted newline) is dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(SecretString::from(text.trim()))
    }

    /// The text itself. Called where a header is built, a token is exchanged and a record is sealed; nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// A text of somebody else's without this secret in it, nor the beginning of it where the text was cut (`…`).
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        if !self.is_hideable() {
            return text.to_owned();
        }
        let hidden = text.replace(self.expose(), "[secret]");
        let Some(cut) = hidden.strip_suffix('…') else { return hidden };
        let beginnings = self.expose().char_indices().skip(4).map(|(end, _)| &self.expose()[..end]);
        match beginnings.filter_map(|beginning| cut.strip_suffix(beginning)).last() {
            Some(rest) => format!("{rest}[secret]…"),
            None => hidden,
        }
    }

    /// Whether a text can do without it: shorter ones are parts of common words.
    #[must_use]
    pub fn is_hideable(&self) -> bool {
        self.expose().len() >= 8
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_reveals_nothing() {
        let secret = Secret::new(" sk-ant-api03-canary\n");
        assert_eq!(secret.expose(), "sk-ant-api03-canary");
        assert!(!format!("{secret:?}").contains("canary"));
    }

    #[test]
    fn what_others_say_of_it_can_be_kept() {
        let secret = Secret::new("open-sesame");
        assert_eq!(secret.hide_in("open-sesame is no key"), "[secret] is no key");
        assert_eq!(secret.hide_in("the key is open-ses…"), "the key is [secret]…");
        assert_eq!(secret.hide_in("the shop is open…"), "the shop is [secret]…");
        assert_eq!(secret.hide_in("what else…"), "what else…");
        assert_eq!(Secret::new("is").hide_in("as it is"), "as it is");
    }
}
