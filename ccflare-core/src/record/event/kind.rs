//! The things that happen.

use std::{sync::Arc, time::Duration};

use super::Topic;
use crate::{
    domain::{AccountId, Exchange, ExchangeId, Intent, Leaving, Mark, NanoUsd},
    logs::LogLine,
};

/// One thing that happens. No variant has a place for a body or a secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A request has arrived.
    Started(Arc<Intent>),
    /// An account's answer to it has begun.
    Headers {
        /// The request.
        intent: Arc<Intent>,
        /// The account's id and name; `None` for the client's own credentials.
        account: Option<(AccountId, Arc<str>)>,
        /// The status of the answer.
        status: u16,
        /// Since the request arrived.
        elapsed: Duration,
    },
    /// Its first content has come.
    FirstToken {
        /// The request.
        request: ExchangeId,
        /// Since it arrived.
        elapsed: Duration,
    },
    /// It has ended, one way or another.
    Finished(Arc<Exchange>),
    /// A request was turned away before it was written down.
    TurnedAway {
        /// Why, as [`Refusal::reason`](crate::error::Refusal::reason) names it.
        reason: &'static str,
        /// The status it was answered with.
        status: u16,
    },
    /// An account is not what it was.
    Account {
        /// Its id.
        id: AccountId,
        /// Its name, as it is now.
        name: Arc<str>,
        /// What has changed.
        news: AccountNews,
    },
    /// An account was closed, for everything or for some models.
    Limit {
        /// Its id.
        id: AccountId,
        /// Its name.
        name: Arc<str>,
        /// Why, for what, and until when.
        mark: Mark,
    },
    /// Somebody has to log an account in again.
    LoginNeeded {
        /// Its name.
        account: Arc<str>,
        /// Why.
        why: Arc<str>,
    },
    /// An account's tokens were to be renewed.
    Renewal {
        /// Its name.
        account: Arc<str>,
        /// What came of it.
        result: Renewal,
    },
    /// A conversation goes on at another account.
    Moved {
        /// The session that it belongs to, as the client calls it.
        conversation: Arc<str>,
        /// The account that had it.
        from: Option<Arc<str>>,
        /// The account that has it now.
        to: Arc<str>,
        /// Why.
        reason: Leaving,
        /// The tokens of the prompt cache that it leaves behind.
        cache_lost: u64,
        /// What writing them anew costs more than reading them; `None` if the model's prices are unknown.
        price: Option<NanoUsd>,
    },
    /// Settings were read anew.
    Config {
        /// The settings that have changed.
        changed: Vec<Arc<str>>,
        /// Those of them that count from the next start on.
        needs_restart: Vec<Arc<str>>,
        /// Why nothing has changed.
        error: Option<Arc<str>>,
    },
    /// A line was logged.
    Log(Arc<LogLine>),
}

impl EventKind {
    /// What it belongs to.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Started(_)
            | Self::Headers { .. }
            | Self::FirstToken { .. }
            | Self::Finished(_)
            | Self::TurnedAway { .. } => Topic::Requests,
            Self::Account { .. } | Self::Limit { .. } | Self::LoginNeeded { .. } | Self::Renewal { .. } => {
                Topic::Accounts
            }
            Self::Moved { .. } => Topic::Moves,
            Self::Config { .. } => Topic::Config,
            Self::Log(_) => Topic::Logs,
        }
    }
}

/// What has become of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountNews {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// The operator took it out.
    Paused,
    /// The operator put it back.
    Resumed,
    /// It has another name.
    Renamed,
    /// It has another place in the order.
    Prioritized,
    /// It has another size.
    Tiered,
    /// It is the active account now.
    Activated,
    /// It has other credentials.
    Renewed,
}

impl AccountNews {
    /// The news in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Renamed => "renamed",
            Self::Prioritized => "prioritized",
            Self::Tiered => "tiered",
            Self::Activated => "activated",
            Self::Renewed => "renewed",
        }
    }
}

/// What came of renewing tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// There are new ones.
    Renewed,
    /// The authorization server refused: somebody has to log in.
    Refused,
    /// It could not be done now.
    Failed,
}

impl Renewal {
    /// The result in a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Renewed => "renewed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}
