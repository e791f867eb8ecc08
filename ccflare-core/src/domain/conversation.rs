//! Who asks, and in which conversation.

use std::{fmt, sync::Arc};

/// Names a session: all requests of one key share a prompt cache and a line of thought. A hash of what the client calls
/// it by, or of what it always sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(pub u128);

/// What a conversation begins with, as a hash: one that was forked from another begins as that one did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u128);

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({self})")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Who asks, as far as the request tells. All of it is the client's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The session as the client calls it; of a client that names none, its [`SessionKey`].
    pub session: Arc<str>,
    /// The conversation in it, by what it begins with: a main thread, a sub-agent's, or an errand of the client's own.
    pub conversation: Fingerprint,
    /// The sub-agent's own id, if it has one.
    pub subagent: Option<Arc<str>>,
    /// Whether another agent gave the order.
    pub is_subagent: bool,
    /// The id of the sub-agent that gave it; of an order of the main thread there is none.
    pub parent: Option<Arc<str>>,
    /// The agent's name.
    pub agent: Option<Arc<str>>,
    /// The directory that it works in.
    pub workspace: Option<Arc<str>>,
}

/// The model that an operator prefers for the agent that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The model.
    pub model: Arc<str>,
    /// Why the request went on with the model it asks for all the same.
    pub refused: Option<Arc<str>>,
}
