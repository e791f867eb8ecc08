//! Where a conversation lives.

use std::{sync::Arc, time::Duration};

use super::{AccountId, Fingerprint, ModelFamily, SessionKey, Timestamp};

/// A session and the accounts its caches are on. Caches belong to a model and limits to a family of models, so each
/// family that a session asks for has a lane of its own. They run side by side; only an account that can't serve one of
/// them parts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The session.
    pub session: SessionKey,
    /// What its conversation begins with, if that is known: those who fork it begin alike.
    pub prefix: Option<Fingerprint>,
    /// At most one for each family.
    pub lanes: Vec<Lane>,
    /// The family that the session itself asked for last, not one of its sub-agents; `None` if it never did.
    pub main: Option<ModelFamily>,
}

/// Where a session's requests for one family of models go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// The family.
    pub family: ModelFamily,
    /// The account.
    pub account: AccountId,
    /// The model asked for last, if it was named.
    pub model: Option<Arc<str>>,
    /// Tokens of the prompt that were in the account's cache after the last turn; `None` until a turn has ended.
    pub cached: Option<u64>,
    /// Whether they are kept for an hour instead of five minutes.
    pub hour: bool,
    /// When the last turn was answered: from then on the cache's life counts.
    pub used: Timestamp,
}

impl Lane {
    /// How long its cache lives when nobody uses it.
    #[must_use]
    pub const fn life(&self) -> Duration {
        if self.hour { Duration::from_secs(60 * 60) } else { Duration::from_secs(5 * 60) }
    }

    /// Whether its cache, if it has one, is still there.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now.since(self.used) <= self.life()
    }
}

impl Binding {
    /// The lane of a family.
    #[must_use]
    pub fn lane(&self, family: ModelFamily) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.family == family)
    }

    /// The lane that the session itself used last: where it is at home, and its sub-agents with it.
    #[must_use]
    pub fn home(&self) -> Option<&Lane> {
        self.main.and_then(|main| self.lane(main)).or_else(|| self.latest())
    }

    /// When it was used last.
    #[must_use]
    pub fn used(&self) -> Timestamp {
        self.latest().map(|lane| lane.used).unwrap_or_default()
    }

    /// Whether any of its caches, if it has some, is still there.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.lanes.iter().any(|lane| lane.is_alive(now))
    }

    fn latest(&self) -> Option<&Lane> {
        self.lanes.iter().max_by_key(|lane| lane.used)
    }
}
