//! What an account proves itself with.

use std::sync::Arc;

use super::{Secret, Timestamp};

/// One kind of credential; exactly one is sent upstream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credential {
    /// A long-lived key, sent the way its provider wants keys (Anthropic: `x-api-key`).
    ApiKey(Secret),
    /// Short-lived tokens of an authorization server, sent as `Authorization: Bearer`.
    OAuth(TokenSet),
}

impl Credential {
    /// Which in a row of renewals it is. Whoever replaces a credential says which one it was made from, so that of two
    /// replacements one fails instead of losing the other's tokens.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        match self {
            Self::ApiKey(_) => 0,
            Self::OAuth(tokens) => tokens.generation,
        }
    }

    /// The tokens, if it has any.
    #[must_use]
    pub const fn tokens(&self) -> Option<&TokenSet> {
        match self {
            Self::ApiKey(_) => None,
            Self::OAuth(tokens) => Some(tokens),
        }
    }
}

/// What an authorization server gave for an account.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// The configured authorization server that gave it and renews it.
    pub server: Arc<str>,
    /// What is sent to the API.
    pub access: Secret,
    /// What buys the next set, once: servers give a new one with it.
    pub refresh: Option<Secret>,
    /// When `access` ends; `None` if the server did not say.
    pub expires: Option<Timestamp>,
    /// Counts the sets of this account, from 1.
    pub generation: u64,
}

impl Credential {
    /// Every secret in it.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::ApiKey(key) => vec![key],
            Self::OAuth(tokens) => [&tokens.access].into_iter().chain(&tokens.refresh).collect(),
        }
    }

    /// A text of somebody else's without this credential in it: an upstream may quote what it refuses.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        self.secrets().into_iter().fold(text.to_owned(), |text, secret| secret.hide_in(&text))
    }
}
