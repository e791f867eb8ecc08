//! What operators changed: who, what, when, from where. Never a secret.

use super::{AuditId, Timestamp};

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program in the server's own process, or the command line straight on the database.
    Local,
    /// Somebody with the admin token, at this address.
    Token(String),
    /// A browser that is logged in, at this address.
    Browser(String),
}

impl Actor {
    /// The kind of actor as the JSON API names it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Token(_) => "admin_token",
            Self::Browser(_) => "browser",
        }
    }

    /// Where it came from, if not from this process.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Local => None,
            Self::Token(source) | Self::Browser(source) => Some(source),
        }
    }
}

/// One change, or the refusal of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; their order is the order of the changes.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who, from where.
    pub actor: Actor,
    /// What was done: `account.add`, `key.revoke`, …
    pub action: String,
    /// To what: a name or an id.
    pub subject: String,
    /// Why it was refused; `None` if it was done.
    pub refused: Option<String>,
}
