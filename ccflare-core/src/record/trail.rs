//! The attempts of one exchange, as they are made, and the decision behind them.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::{
    clock::Clock,
    domain::{Account, AttemptRecord, Choice, Decision, Move, Usage, exchange::VerdictKind},
};

/// Where a balancer notes its attempts. It travels in the request's extensions when somebody records; a client that
/// leaves in the middle of an attempt leaves that attempt noted.
#[derive(Clone, Debug)]
pub struct Trail(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    began: Duration,
    attempts: Mutex<Vec<AttemptRecord>>,
    decision: Mutex<Option<Box<Decision>>>,
    listener: Mutex<Option<Listener>>,
}

/// Somebody who wants to know what the answer used.
struct Listener(Box<dyn FnOnce(&Usage) + Send>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

impl Trail {
    /// A trail that begins now.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let began = clock.monotonic();
        Self(Arc::new(Shared {
            clock,
            began,
            attempts: Mutex::default(),
            decision: Mutex::default(),
            listener: Mutex::default(),
        }))
    }

    /// Time since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.clock.monotonic().saturating_sub(self.0.began)
    }

    /// Notes that an attempt begins.
    pub fn begin(&self, account: Option<&Account>, choice: Choice) {
        self.0.attempts.lock().push(AttemptRecord {
            account: account.map(|account| (account.id, Arc::clone(&account.name))),
            choice,
            started: self.elapsed(),
            took: Duration::ZERO,
            status: None,
            verdict: VerdictKind::Abandoned,
            detail: None,
        });
    }

    /// Notes how the latest attempt ended.
    pub fn end(&self, status: Option<u16>, verdict: VerdictKind, detail: Option<Box<str>>) {
        let now = self.elapsed();
        if let Some(attempt) = self.0.attempts.lock().last_mut() {
            attempt.took = now.saturating_sub(attempt.started);
            attempt.status = status;
            attempt.verdict = verdict;
            attempt.detail = detail;
        }
    }

    /// Notes whom the strategy wants to be asked, and why.
    pub fn decided(&self, decision: Decision) {
        *self.0.decision.lock() = Some(Box::new(decision));
    }

    /// Notes that the conversation has left its account.
    pub fn moved(&self, moved: Move) {
        if let Some(decision) = &mut *self.0.decision.lock() {
            decision.moved = Some(moved);
        }
    }

    /// Calls `listener` once it is known what the answer used. Only the last listener is called, and none if the answer
    /// is never read to an end.
    pub fn when_used(&self, listener: impl FnOnce(&Usage) + Send + 'static) {
        *self.0.listener.lock() = Some(Listener(Box::new(listener)));
    }

    /// Tells what the answer used.
    pub(crate) fn used(&self, usage: &Usage) {
        let listener = self.0.listener.lock().take();
        if let Some(Listener(listener)) = listener {
            listener(usage);
        }
    }

    /// Takes the decision.
    pub(crate) fn take_decision(&self) -> Option<Box<Decision>> {
        self.0.decision.lock().take()
    }

    /// Takes the attempts; one that has not ended took until now.
    pub(crate) fn take(&self) -> Vec<AttemptRecord> {
        let mut attempts = std::mem::take(&mut *self.0.attempts.lock());
        if let Some(last) = attempts.last_mut()
            && last.verdict == VerdictKind::Abandoned
        {
            last.took = self.elapsed().saturating_sub(last.started);
        }
        attempts
    }
}
