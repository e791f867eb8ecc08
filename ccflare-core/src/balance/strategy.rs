//! Who is tried, in which order.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    domain::{
        Account, AccountChange, AccountId, Choice, Closure, ClosureReason, Facts, Headroom, Leaving, NanoUsd,
        Timestamp, Usage,
    },
    pool::Standing,
};

/// Orders the accounts for a request.
///
/// Pure but for what it remembers of conversations: the same standings, facts, memory and moment give the same plan, so
/// a decision can be explained and replayed. Planning alone changes nothing.
pub trait Strategy: fmt::Debug + Send + Sync + 'static {
    /// Its name in configuration and records.
    fn name(&self) -> &'static str;

    /// The accounts to try for a request, best first. `standings` come in the order in which the accounts were added.
    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan;

    /// What it means that `account` has answered a request: a change to remember, such as the start of a session.
    fn served(
        &self,
        standings: &[Standing],
        account: AccountId,
        facts: &Facts,
        now: Timestamp,
    ) -> Option<AccountChange> {
        let _ = (standings, account, facts, now);
        None
    }

    /// A turn of a conversation on `account` has come so far, at `at`. That it begins is told to the strategy that planned
    /// it; what comes of it to every one that may be switched to, so that it knows its way then.
    fn notice(&self, turn: Turn<'_>, account: AccountId, facts: &Facts, at: Timestamp) {
        let _ = (turn, account, facts, at);
    }
}

/// How far a turn of a conversation has come.
#[derive(Clone, Copy, Debug)]
pub enum Turn<'a> {
    /// It is about to be asked.
    Begins,
    /// A good answer has begun.
    Answered,
    /// The answer is over, whole or not; it was answered at the moment given. This is what it used.
    Ended(&'a Usage),
}

/// What a strategy makes of the accounts.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The name of the strategy that made it; empty until it is known.
    pub by: &'static str,
    /// Whom to try, best first, each with the reason it stands there.
    pub candidates: Vec<Candidate>,
    /// Who can't serve now, and why.
    pub closed: Vec<(Arc<Account>, Closure)>,
    /// What is lost where anybody else serves than the account that the conversation lives on.
    pub stake: Option<Stake>,
}

/// An account that may be tried.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Which.
    pub account: Arc<Account>,
    /// Why it stands where it stands.
    pub choice: Choice,
    /// How much room it has, if that was measured.
    pub headroom: Option<Headroom>,
    /// It is throttled, but worth waiting so long for.
    pub wait: Duration,
}

/// A conversation's cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stake {
    /// The account that it is on.
    pub account: AccountId,
    /// What that is called, if it is there.
    pub name: Option<Arc<str>>,
    /// Why the plan leaves that account, if it does.
    pub leaving: Option<Leaving>,
    /// Tokens that would have to be written anew.
    pub cached_tokens: u64,
    /// What that costs more than reading them; `None` if the model's prices are unknown.
    pub price: Option<NanoUsd>,
    /// How long a throttle of that account is waited for, rather than paying that.
    pub patience: Duration,
}

impl Candidate {
    /// A candidate of which nothing was measured.
    #[must_use]
    pub const fn new(account: Arc<Account>, choice: Choice) -> Self {
        Self { account, choice, headroom: None, wait: Duration::ZERO }
    }
}

impl Plan {
    /// Parts the accounts into those that can serve and those that can't, in the order given.
    ///
    /// If all that keeps anybody from serving is a model they are not entitled to, those accounts stay candidates after
    /// all: the client should read the upstream's own refusal.
    #[must_use]
    pub fn of(accounts: impl IntoIterator<Item = Arc<Account>>, facts: &Facts, now: Timestamp) -> Self {
        let accounts = accounts.into_iter();
        let candidates = Vec::with_capacity(accounts.size_hint().0);
        let mut plan = Self { candidates, ..Self::default() };
        for account in accounts {
            match account.closed_for(|| facts.model.as_deref(), now) {
                None => plan.candidates.push(Candidate::new(account, Choice::FailOver)),
                Some(closure) => plan.closed.push((account, closure)),
            }
        }
        if plan.candidates.is_empty() {
            let refused = |closure: &Closure| closure.reason == ClosureReason::NotEntitled;
            let (last_resort, closed) = plan.closed.into_iter().partition(|(_, closure)| refused(closure));
            plan.closed = closed;
            let stay = |(account, _)| Candidate::new(account, Choice::FailOver);
            plan.candidates = Vec::into_iter(last_resort).map(stay).collect();
        }
        plan
    }
}
