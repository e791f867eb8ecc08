//! Why a request went where it went: what the strategy made of the accounts, and what came of it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{Account, AccountId, Choice, ClosureReason, NanoUsd, Timestamp, VerdictKind};

/// A decision as it is written down, so that it can be explained and replayed: everything that the order follows from
/// is in it. Bounded: of very many accounts the first are named, and the others counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The strategy that decided.
    pub strategy: Cow<'static, str>,
    /// Whom to try, best first.
    pub candidates: Vec<Ranked>,
    /// Who could not serve.
    pub excluded: Vec<Excluded>,
    /// How many candidates and excluded accounts are not named.
    pub unnamed: u32,
    /// The conversation left the account where its cache is.
    pub moved: Option<Move>,
}

impl Decision {
    /// So many candidates, and as many excluded accounts, are named.
    pub const NAMED: usize = 256;
}

/// An account by name, as it was called then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Which.
    pub id: AccountId,
    /// What it was called.
    pub name: Arc<str>,
}

impl From<&Account> for Named {
    fn from(account: &Account) -> Self {
        Self { id: account.id, name: Arc::clone(&account.name) }
    }
}

/// A candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// Which account.
    pub account: Named,
    /// Lower goes first.
    pub priority: u32,
    /// Why it stands where it stands.
    pub choice: Choice,
    /// What was measured of it, if the strategy measures.
    pub headroom: Option<Headroom>,
    /// For so long it is waited before it is asked.
    pub wait: Duration,
}

/// How much room an account has for one more conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Headroom {
    /// How much the account may use, compared to the smallest.
    pub size: u8,
    /// The part that is left of its tightest window: 0.0 is none, 1.0 all.
    pub left: f64,
    /// The name of that window; `None` if no window is known.
    pub window: Option<Cow<'static, str>>,
    /// Conversations that live on it, or on another account of its organisation, and whose cache is alive.
    pub conversations: u32,
    /// Requests that it, or another account of its organisation, is serving or that wait for it.
    pub in_flight: u32,
    /// When the longest of its windows is full again, and what is left of it expires.
    pub expires: Option<Timestamp>,
}

impl Headroom {
    /// Its size times what is left, shared by all who are there and the one who comes. What candidates are ordered by.
    #[must_use]
    pub fn score(&self) -> f64 {
        f64::from(self.size) * self.left / (f64::from(self.conversations) + f64::from(self.in_flight) + 1.0)
    }
}

/// An account that could not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Which account.
    pub account: Named,
    /// Why.
    pub reason: ClosureReason,
    /// Until when; `None` waits for the operator.
    pub until: Option<Timestamp>,
    /// What the upstream said of it, for people; at most a line.
    pub evidence: Arc<str>,
}

/// A conversation left the account where its cache is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where it was; the name is unknown if the account is gone.
    pub from: AccountId,
    /// What that account was called.
    pub from_name: Option<Arc<str>>,
    /// Why.
    pub reason: Leaving,
    /// Tokens of its cache that are of no use on another account.
    pub cached_tokens: u64,
    /// What it costs to write them anew instead of reading them; `None` if the model's prices are unknown.
    pub price: Option<NanoUsd>,
}

/// Why a conversation leaves its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The account is closed.
    Closed(ClosureReason),
    /// The account is gone, or whoever asks may not use it.
    Gone,
    /// It was asked, and this came of it.
    Refused(VerdictKind),
    /// The conversation begins anew after a compaction: nothing of the old cache is of use.
    Compacted,
    /// It has been idle beyond the life of its cache.
    Idle,
    /// It has nothing in the cache.
    Uncached,
}

impl Leaving {
    /// The reason as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed(reason) => reason.as_str(),
            Self::Gone => "gone",
            Self::Refused(verdict) => verdict.as_str(),
            Self::Compacted => "compacted",
            Self::Idle => "idle",
            Self::Uncached => "uncached",
        }
    }

    /// Whether nothing was lost by it, so that it was done by choice.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Compacted | Self::Idle | Self::Uncached)
    }
}
