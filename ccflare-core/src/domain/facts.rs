//! What is known of a request before it is placed.

use std::{
    ops::Deref,
    sync::{Arc, LazyLock},
};

use super::{Asker, Fingerprint, Preference, SessionKey};

/// Facts read from a request. Everything may be absent: a request is never refused for being odd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// The model it is sent with: the one it asks for, unless a preference has taken its place.
    pub model: Option<Arc<str>>,
    /// The model it asked for, where another one has taken its place.
    pub model_asked: Option<Arc<str>>,
    /// What the operator prefers for the agent that asks.
    pub preference: Option<Preference>,
    /// The session it belongs to.
    pub session: Option<SessionKey>,
    /// What its conversation begins with, if that is the session's main thread.
    pub prefix: Option<Fingerprint>,
    /// Whether it is the first of a session that is known already to begin in another way: after a compaction nothing
    /// of the old cache is of use.
    pub compacted: bool,
    /// Whether it asks beside the session's main thread, which has another prompt and other tools: for a title, for a search.
    pub aside: bool,
    /// Whether what it writes to the cache is kept for an hour instead of five minutes.
    pub hour_cache: bool,
    /// Whether it asks for a stream; unknown where the body was not read to its end.
    pub stream: Option<bool>,
    /// Who asks.
    pub asker: Option<Arc<Asker>>,
}

impl RequestFacts {
    /// Whether another agent gave the order.
    #[must_use]
    pub fn is_subagent(&self) -> bool {
        self.asker.as_ref().is_some_and(|asker| asker.is_subagent)
    }

    /// Whether it is the session's main thread that asks.
    #[must_use]
    pub fn is_main(&self) -> bool {
        !self.aside && !self.is_subagent()
    }
}

/// The facts of a request, read when somebody first looks at one of them: at most once, and not before the request goes
/// on if nothing about its way depends on them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Facts(Arc<Lazy>);

type Lazy = LazyLock<RequestFacts, Box<dyn FnOnce() -> RequestFacts + Send>>;

impl Facts {
    /// What `read` finds, once somebody looks.
    #[must_use]
    pub fn later(read: impl FnOnce() -> RequestFacts + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(read))))
    }
}

impl From<RequestFacts> for Facts {
    fn from(facts: RequestFacts) -> Self {
        Self::later(|| facts)
    }
}

impl Default for Facts {
    fn default() -> Self {
        RequestFacts::default().into()
    }
}

impl Deref for Facts {
    type Target = RequestFacts;

    fn deref(&self) -> &RequestFacts {
        &self.0
    }
}
