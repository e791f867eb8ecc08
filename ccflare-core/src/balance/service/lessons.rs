//! What an answer teaches: the pool of its account, the strategy of its conversation, the operator of a move.

use std::{ptr, sync::Arc};

use http::{HeaderValue, Response};

use super::Walk;
use crate::{
    balance::{
        Candidate, Stake, Turn,
        layer::Shared,
        mark::mark,
        ownership::{ACCOUNT, Home},
    },
    domain::{
        Account, AccountChange, AccountId, ClosureReason, Credential, Leaving, Move, RequestFacts, Timestamp,
        exchange::VerdictKind,
    },
    ownership::Learner,
    provider::{Observation, Served, Tells, Verdict},
    record::EventKind,
};

impl<S> Walk<S> {
    /// Notes and tells what it costs that somebody else serves a conversation than the account where its cache is.
    pub(super) fn note_move<T>(&self, candidate: &Candidate, response: &Response<T>) {
        let Some(stake) = self.left(candidate.account.id).filter(|_| response.status().is_success()) else { return };
        let moved = Move {
            from: stake.account,
            from_name: stake.name.clone(),
            // The plan says why it leaves, and so does what came of asking.
            reason: stake.leaving.unwrap_or(Leaving::Gone),
            cached_tokens: stake.cached_tokens,
            price: stake.price,
        };
        self.shared.pool.events().emit(EventKind::Moved {
            conversation: self.conversation(),
            from: moved.from_name.clone(),
            to: Arc::clone(&candidate.account.name),
            reason: moved.reason,
            cache_lost: moved.cached_tokens,
            price: moved.price,
        });
        if let Some(trail) = &self.trail {
            trail.moved(moved);
        }
    }

    /// What is at stake elsewhere, if `account` serves.
    fn left(&self, account: AccountId) -> Option<&Stake> {
        self.stake.as_ref().filter(|stake| stake.account != account)
    }

    /// Whether `account` serves somebody who only steps around a throttle, beside the main thread: that one's cache stays where
    /// it is, and so does the conversation.
    fn is_detour(&self, account: AccountId) -> bool {
        let is_throttle = |leaving| {
            matches!(leaving, Leaving::Closed(ClosureReason::Throttled) | Leaving::Refused(VerdictKind::Throttle))
        };
        self.left(account).is_some_and(|stake| stake.cached_tokens > 0 && stake.leaving.is_some_and(is_throttle))
            && !self.facts.is_main()
    }

    /// What the client calls the session, or the name that it was given here.
    fn conversation(&self) -> Arc<str> {
        let RequestFacts { asker, session, .. } = &*self.facts;
        let named = asker.as_ref().map(|asker| Arc::clone(&asker.session));
        named.unwrap_or_else(|| session.map(|session| session.to_string()).unwrap_or_default().into())
    }

    /// Lets whoever reads a good answer along the way learn what it tells of things that live on its account. A list is
    /// marked as the list of that account.
    pub(super) fn tell_of_things<T>(&self, response: &mut Response<T>, served: &Served) {
        let Some(account) = &served.account else { return };
        if self.named.tells == Tells::Nothing || !response.status().is_success() {
            return;
        }
        if let (true, Ok(name)) = (self.named.lists, HeaderValue::from_str(&account.name)) {
            response.headers_mut().insert(ACCOUNT, name);
        }
        response.extensions_mut().insert(Learner {
            ownership: Arc::clone(&self.shared.ownership),
            provider: Arc::clone(&served.provider),
            clock: Arc::clone(&self.shared.clock),
            account: account.id,
            tells: self.named.tells,
        });
    }

    /// What an answer tells of its account, and that it served if it did.
    pub(super) fn learn(&self, account: &Account, observation: Observation, verdict: &Verdict, now: Timestamp) {
        let Shared { pool, strategy, .. } = &*self.shared;
        let Observation { limits, organization } = observation;
        let organization = organization.filter(|seen| account.organization.as_ref() != Some(seen));
        let served = matches!(verdict, Verdict::Success | Verdict::Request);
        // Where a request had to go says nothing about where others should.
        let chosen = served && self.home == Home::Anywhere;
        let session = chosen.then(|| strategy.served(&pool.standings(), account.id, &self.facts, now)).flatten();
        let steering = [organization.map(AccountChange::OrganizationSeen), session];
        if steering.iter().any(Option::is_some) {
            pool.apply(account.id, steering.into_iter().flatten(), now);
        }
        // What is counted, and how full windows are, keeps nobody from being asked: the answer goes out first.
        let limits = limits.map(|limits| AccountChange::Observed(Arc::new(limits)));
        let counted = [limits, served.then_some(AccountChange::Served)];
        pool.apply_afterwards(account.id, counted.into_iter().flatten(), now);
        if *verdict == Verdict::Success && !self.named.is_aside && !self.is_detour(account.id) {
            self.follow(account.id, now);
        }
    }

    /// Tells the strategy that the conversation goes on here, and in the end what it used.
    pub(super) fn follow(&self, account: AccountId, now: Timestamp) {
        let strategy = &self.shared.strategy;
        strategy.notice(Turn::Answered, account, &self.facts, now);
        if let Some(trail) = self.trail.as_ref().filter(|_| self.facts.session.is_some()) {
            let (strategy, facts) = (Arc::clone(strategy), self.facts.clone());
            trail.when_used(move |usage| strategy.notice(Turn::Ended(usage), account, &facts, now));
        }
    }

    /// Marks the account that was asked, if the verdict asks for it. `sent` is the generation of the tokens it was asked with.
    pub(super) fn remember(&self, account: &Account, verdict: &Verdict, sent: Option<u64>) {
        let (pool, now) = (&self.shared.pool, self.now());
        let Some(mark) = mark(verdict, self.facts.model.as_deref(), now) else { return };
        tracing::warn!(account = %account.name, reason = mark.reason.as_str(), evidence = %mark.evidence, "account closed");
        if mark.reason == ClosureReason::NeedsLogin {
            // Somebody may have logged in while the answer was under way.
            let was_sent = |credential: &Credential| match sent {
                Some(generation) => credential.generation() == generation,
                None => ptr::eq(credential, &*account.credential),
            };
            pool.refuse(account.id, was_sent, &mark, now);
        } else {
            pool.close(account.id, &mark, now);
        }
    }
}
