//! One try of one account.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use crate::{domain::Account, provider::Provider};

/// Who an attempt is made for.
#[derive(Clone, Debug)]
pub enum Target {
    /// This account; its credential replaces the client's.
    Account(Arc<Account>),
    /// Nobody: no account is configured, and the client's own credentials go on.
    Anonymous,
}

impl Target {
    /// The account, if it is one.
    #[must_use]
    pub fn account(&self) -> Option<&Arc<Account>> {
        match self {
            Self::Account(account) => Some(account),
            Self::Anonymous => None,
        }
    }
}

/// In an answer's extensions: which generation of the account's tokens it was asked with. Keys have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentWith {
    /// [`TokenSet::generation`](crate::domain::TokenSet::generation).
    pub generation: u64,
}

/// One request on its way to one account.
#[derive(Debug)]
pub struct Attempt {
    /// Whose credential it gets.
    pub target: Target,
    /// 1 for the first try of a request, then counting up.
    pub number: u32,
    /// The generation of the account's tokens that the API has just refused: it has to be another one now.
    pub refused: Option<u64>,
    /// Who speaks the API.
    pub provider: Arc<dyn Provider>,
    /// The client's request, unchanged; all attempts share it.
    pub request: Arc<Request<Bytes>>,
}
