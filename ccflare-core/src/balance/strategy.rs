//! Who is tried, in which order.

use std::{fmt, sync::Arc};

use crate::domain::{Account, AccountChange, AccountId, Choice, Closure, ClosureReason, RequestFacts, Timestamp};

/// Orders the accounts for a request.
///
/// Pure: the same snapshot, facts and moment give the same plan, so a decision can be explained and replayed.
pub trait Strategy: fmt::Debug + Send + Sync + 'static {
    /// Its name in configuration and records.
    fn name(&self) -> &'static str;

    /// The accounts to try for a request, best first. `accounts` come in the order in which they were added.
    fn plan(&self, accounts: &[Arc<Account>], facts: &RequestFacts, now: Timestamp) -> Plan;

    /// What it means that `account` has answered a request: a change to remember, such as the start of a session.
    fn served(
        &self,
        accounts: &[Arc<Account>],
        account: AccountId,
        facts: &RequestFacts,
        now: Timestamp,
    ) -> Option<AccountChange> {
        let _ = (accounts, account, facts, now);
        None
    }
}

/// What a strategy makes of the accounts.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Whom to try, best first, each with the reason it stands there.
    pub candidates: Vec<Candidate>,
    /// Who can't serve now, and why.
    pub closed: Vec<(Arc<Account>, Closure)>,
}

/// An account that may be tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which.
    pub account: Arc<Account>,
    /// Why it stands where it stands.
    pub choice: Choice,
}

impl Plan {
    /// Parts the accounts into those that can serve and those that can't, in the order given.
    ///
    /// If all that keeps anybody from serving is a model they are not entitled to, those accounts stay candidates after
    /// all: the client should read the upstream's own refusal.
    #[must_use]
    pub fn of(accounts: impl IntoIterator<Item = Arc<Account>>, facts: &RequestFacts, now: Timestamp) -> Self {
        let mut plan = Self::default();
        for account in accounts {
            match account.closed_for(facts.model.as_deref(), now) {
                None => plan.candidates.push(Candidate { account, choice: Choice::FailOver }),
                Some(closure) => plan.closed.push((account, closure)),
            }
        }
        if plan.candidates.is_empty() {
            let refused = |closure: &Closure| closure.reason == ClosureReason::NotEntitled;
            let (last_resort, closed) = plan.closed.into_iter().partition(|(_, closure)| refused(closure));
            plan.closed = closed;
            let stay = |(account, _)| Candidate { account, choice: Choice::FailOver };
            plan.candidates = Vec::into_iter(last_resort).map(stay).collect();
        }
        plan
    }
}
