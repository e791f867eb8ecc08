//! The two errors of the line, one for each decision: [`AttemptError`] means "try the next account",
//! [`ProxyError`] means "answer the client".

use std::time::Duration;

use http::StatusCode;

use crate::{domain::ExchangeId, provider::PrepareError};

/// A boxed error of somebody else's body or service.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an attempt came to no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// No connection: the request was not sent.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The connection broke before the first byte of an answer; the request may have arrived.
    #[error("the connection broke before an answer: {0}")]
    Reset(String),
    /// No first byte in time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The account has no fresh tokens, and none could be had.
    #[error("{0}")]
    Credential(String),
    /// No request for the wire could be made for this account.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
}

impl AttemptError {
    /// Whether the upstream may have seen the request.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Reset(_) | Self::Timeout(_))
    }
}

/// Why a body broke off. The client's connection is aborted then: a polite end would hide that something is missing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The upstream's connection broke.
    #[error("the upstream broke off its answer: {0}")]
    Broken(String),
    /// The upstream fell silent.
    #[error("the upstream has been silent for {} s", .0.as_secs())]
    Silence(Duration),
}

/// An answer of our own to the client, and the record it belongs to.
#[derive(Debug, thiserror::Error)]
#[error("{refusal}")]
pub struct ProxyError {
    /// What the client is told.
    pub refusal: Refusal,
    /// The exchange it ended, once there is one.
    pub exchange: Option<ExchangeId>,
}

impl From<Refusal> for ProxyError {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, exchange: None }
    }
}

/// Why the client gets an answer of our own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The path is not one that is forwarded.
    #[error("{0} is not a path that is forwarded")]
    NotPermitted(String),
    /// Nobody knows who asks.
    #[error("{message}")]
    NotAuthenticated {
        /// What is wrong with the key, and what to do.
        message: String,
    },
    /// The client key may not do that.
    #[error("{message}")]
    NotAllowed {
        /// What it may not, and what to do.
        message: String,
    },
    /// What is asked for lives on an account that is gone.
    #[error("{message}")]
    Gone {
        /// What it is, and what can be done.
        message: String,
    },
    /// The body is longer than is taken.
    #[error("the request body is over the limit of {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body broke off or was badly framed.
    #[error("the request body could not be read")]
    BodyUnreadable,
    /// A bound of the whole proxy is reached.
    #[error("too busy: {what}; try again shortly")]
    Busy {
        /// Which bound.
        what: &'static str,
    },
    /// The proxy is stopping.
    #[error("shutting down; try again shortly")]
    ShuttingDown,
    /// Every account is closed.
    #[error("{message}")]
    AllClosed {
        /// Until the first of them opens; `None` if none does by itself.
        retry_after: Option<Duration>,
        /// Each account with its reason, for people.
        message: String,
    },
    /// No account came to an answer.
    #[error("{message}")]
    AllFailed {
        /// What happened, for people.
        message: String,
    },
    /// The upstream did not answer in time.
    #[error("{message}")]
    UpstreamTimeout {
        /// What happened, for people.
        message: String,
    },
}

impl Refusal {
    /// The status it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotPermitted(_) | Self::Gone { .. } => StatusCode::NOT_FOUND,
            Self::NotAuthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::NotAllowed { .. } => StatusCode::FORBIDDEN,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyUnreadable => StatusCode::BAD_REQUEST,
            Self::AllClosed { retry_after: Some(_), .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UpstreamTimeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Busy { .. } | Self::ShuttingDown | Self::AllClosed { .. } | Self::AllFailed { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The reason in a word, for those who count.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotPermitted(_) => "not_permitted",
            Self::Gone { .. } => "gone",
            Self::NotAuthenticated { .. } => "not_authenticated",
            Self::NotAllowed { .. } => "not_allowed",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyUnreadable => "body_unreadable",
            Self::Busy { .. } => "busy",
            Self::ShuttingDown => "shutting_down",
            Self::AllClosed { .. } => "all_closed",
            Self::AllFailed { .. } => "all_failed",
            Self::UpstreamTimeout { .. } => "upstream_timeout",
        }
    }

    /// The error type in the API's own words (anthropic-wire §5).
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotPermitted(_) | Self::Gone { .. } => "not_found_error",
            Self::NotAuthenticated { .. } => "authentication_error",
            Self::NotAllowed { .. } => "permission_error",
            Self::BodyTooLarge { .. } => "request_too_large",
            Self::BodyUnreadable => "invalid_request_error",
            Self::AllClosed { retry_after: Some(_), .. } => "rate_limit_error",
            Self::UpstreamTimeout { .. } => "timeout_error",
            Self::Busy { .. } => "overloaded_error",
            Self::ShuttingDown | Self::AllClosed { .. } | Self::AllFailed { .. } => "api_error",
        }
    }

    /// When it makes sense to ask again, in whole seconds, rounded up: clients really wait that long.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::AllClosed { retry_after: Some(wait), .. } => Some(wait.as_millis().div_ceil(1000).max(1) as u64),
            Self::Busy { .. } | Self::ShuttingDown => Some(1),
            _ => None,
        }
    }
}
