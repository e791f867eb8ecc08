//! What happens, told to whoever listens while it happens.
//!
//! [`Events`] is handed to everybody who has something to tell. Telling never waits: it costs one atomic load while
//! nobody listens, and a place in a bounded queue while somebody does. [`Observer`]s are told on the spot, and of fewer
//! things; they count.
//!
//! ```
//! use std::sync::Arc;
//! use ccflare_core::{clock::SystemClock, record::{EventKind, Events}};
//!
//! let (events, mut told) = Events::new(Arc::new(SystemClock::new()), Vec::new());
//! events.emit(EventKind::LoginNeeded { account: "work".into(), why: "the token was withdrawn".into() });
//! assert!(told.try_recv().is_err(), "nobody listened");
//!
//! let watching = events.watch();
//! events.emit(EventKind::LoginNeeded { account: "work".into(), why: "the token was withdrawn".into() });
//! assert!(told.try_recv().is_ok());
//! # drop(watching);
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    clock::Clock,
    domain::{Exchange, Timestamp},
    store::{StoreError, StoreWatch},
};

mod kind;
mod phase;
mod topic;

pub use kind::{AccountNews, EventKind, Renewal};
pub use phase::Phase;
pub use topic::{Topic, Topics};

/// Events that wait to be shown; more are counted as lost.
const QUEUE: usize = 8192;

/// So long events are still kept for a listener that has gone, and may come back to hear what it missed.
const LINGER: Duration = Duration::from_secs(300);

/// One thing that happened. It carries no body and no secret.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// An exchange that was just settled, for those who count.
#[derive(Debug)]
#[non_exhaustive]
pub struct Settled<'a> {
    /// All there is to know of it.
    pub exchange: &'a Exchange,
    /// How long it waited for a place in the ledger's queue before it was sent.
    pub queued: Duration,
    /// The W3C `traceparent` that the client sent.
    pub traceparent: Option<&'a str>,
    /// The span of ours that went upstream as the parent, in the place of the client's.
    pub span: Option<u64>,
    /// Whether the answer broke off because the upstream fell silent.
    pub silent: bool,
}

impl<'a> Settled<'a> {
    pub(super) const fn new(exchange: &'a Exchange, queued: Duration) -> Self {
        Self { exchange, queued, traceparent: None, span: None, silent: false }
    }
}

/// Counts what happens. It is told on the spot by whoever has just served a request, so it must not wait or dawdle.
pub trait Observer: std::fmt::Debug + Send + Sync + 'static {
    /// An exchange was settled. Told exactly once of each.
    fn settled(&self, _: &Settled<'_>) {}

    /// The line has spent so much time of its own on a part of a request. What can be read from an exchange
    /// ([`Phase::Queue`], [`Phase::Route`], [`Phase::Retry`], [`Phase::FirstByte`]) is not told again.
    fn spent(&self, _: Phase, _: Duration) {}

    /// The store has worked: which operation, how long, and whether the store failed at it.
    fn stored(&self, _: &'static str, _: Duration, _: bool) {}

    /// Whether it makes spans of what is settled. Then a client's trace goes upstream with a span of ours as the parent.
    fn has_spans(&self) -> bool {
        false
    }

    /// Something else happened: not the steps of requests, which are in what is settled.
    fn happened(&self, _: &EventKind) {}
}

/// Where everybody tells what happens. Cheap to clone; the default tells nobody.
#[derive(Clone, Debug, Default)]
pub struct Events(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    queue: mpsc::Sender<Event>,
    observers: Vec<Arc<dyn Observer>>,
    watchers: AtomicUsize,
    /// In microseconds of the clock's monotonic time: until when events are wanted.
    wanted_until: AtomicI64,
    lost: AtomicU64,
}

impl Events {
    /// Tells `observers`, and whoever reads the queue's other end while [`watch`](Self::watch) says that somebody does.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, observers: Vec<Arc<dyn Observer>>) -> (Self, mpsc::Receiver<Event>) {
        let (queue, told) = mpsc::channel(QUEUE);
        let (watchers, wanted_until, lost) = (AtomicUsize::new(0), AtomicI64::new(i64::MIN), AtomicU64::new(0));
        (Self(Some(Arc::new(Shared { clock, queue, observers, watchers, wanted_until, lost }))), told)
    }

    /// Something happened.
    pub fn emit(&self, kind: EventKind) {
        let Some(shared) = &self.0 else { return };
        for observer in &shared.observers {
            observer.happened(&kind);
        }
        shared.queue(|| kind);
    }

    /// A step of a request, which observers are not told; it is put together only if somebody listens.
    pub fn step(&self, kind: impl FnOnce() -> EventKind) {
        if let Some(shared) = &self.0 {
            shared.queue(kind);
        }
    }

    /// A request has ended.
    pub fn settled(&self, settled: &Settled<'_>) {
        let Some(shared) = &self.0 else { return };
        for observer in &shared.observers {
            observer.settled(settled);
        }
        shared.queue(|| EventKind::Finished(Arc::new(settled.exchange.clone())));
    }

    /// Does some work of a phase, and tells how long it took.
    pub fn timed<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let Some(begun) = self.stopwatch() else { return work() };
        let done = work();
        self.spent(phase, self.stopwatch().unwrap_or_default().saturating_sub(begun));
        done
    }

    /// The same for work that waits.
    pub async fn timing<T>(&self, phase: Phase, work: impl Future<Output = T>) -> T {
        let Some(begun) = self.stopwatch() else { return work.await };
        let done = work.await;
        self.spent(phase, self.stopwatch().unwrap_or_default().saturating_sub(begun));
        done
    }

    /// The time to measure from, if anybody counts.
    fn stopwatch(&self) -> Option<Duration> {
        self.0.as_ref().filter(|shared| !shared.observers.is_empty()).map(|shared| shared.clock.monotonic())
    }

    /// So much time was spent on a phase.
    pub fn spent(&self, phase: Phase, took: Duration) {
        for observer in self.0.iter().flat_map(|shared| &shared.observers) {
            observer.spent(phase, took);
        }
    }

    /// Whether anybody counts.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| !shared.observers.is_empty())
    }

    /// Whether somebody makes spans of what is settled.
    pub(super) fn has_spans(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.observers.iter().any(|observer| observer.has_spans()))
    }

    /// Somebody listens, until this is dropped; for some minutes more events are kept for their return.
    #[must_use]
    pub fn watch(&self) -> Watching {
        if let Some(shared) = &self.0 {
            shared.watchers.fetch_add(1, Ordering::AcqRel);
            shared.wanted_until.store(i64::MAX, Ordering::Release);
        }
        Watching(self.0.clone())
    }

    /// How many events found no place since this was last asked.
    #[must_use]
    pub fn take_lost(&self) -> u64 {
        self.0.as_ref().map_or(0, |shared| shared.lost.swap(0, Ordering::Relaxed))
    }
}

impl StoreWatch for Events {
    fn ended(&self, op: &'static str, took: Duration, error: Option<&StoreError>) {
        for observer in self.0.iter().flat_map(|shared| &shared.observers) {
            observer.stored(op, took, error.is_some_and(StoreError::is_failure));
        }
    }
}

impl Shared {
    fn queue(&self, kind: impl FnOnce() -> EventKind) {
        if self.is_wanted() && self.queue.try_send(Event { at: self.clock.now(), kind: kind() }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn is_wanted(&self) -> bool {
        match self.wanted_until.load(Ordering::Acquire) {
            i64::MIN => false,
            i64::MAX => true,
            until if micros(self.clock.monotonic()) < until => true,
            // The clock need not be asked again. Somebody may have come meanwhile; their word stands.
            until => {
                let never = i64::MIN;
                let _ = self.wanted_until.compare_exchange(until, never, Ordering::AcqRel, Ordering::Acquire);
                false
            }
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX - 1)
}

/// Somebody listens while this lives.
#[derive(Debug)]
pub struct Watching(Option<Arc<Shared>>);

impl Drop for Watching {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else { return };
        if shared.watchers.fetch_sub(1, Ordering::AcqRel) == 1 {
            let until = micros(shared.clock.monotonic() + LINGER);
            shared.wanted_until.store(until, Ordering::Release);
            // Somebody who came between the two lines must not be taken for gone.
            if shared.watchers.load(Ordering::Acquire) > 0 {
                shared.wanted_until.store(i64::MAX, Ordering::Release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::{clock::ManualClock, domain::Timestamp};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn login() -> EventKind {
        EventKind::LoginNeeded { account: "a".into(), why: "".into() }
    }

    #[test]
    fn nothing_is_put_together_while_nobody_listens() {
        let (events, mut told) = Events::new(Arc::new(ManualClock::new(NOW)), Vec::new());
        events.step(|| unreachable!("nobody listens"));
        Events::default().step(|| unreachable!("there is nobody to tell"));
        let watching = events.watch();
        events.step(login);
        assert!(told.try_recv().is_ok());
        drop(watching);
    }

    #[test]
    fn a_listener_that_comes_back_soon_finds_what_happened_meanwhile() {
        let clock = Arc::new(ManualClock::new(NOW));
        let (events, mut told) = Events::new(Arc::clone(&clock) as _, Vec::new());
        drop(events.watch());
        clock.advance(LINGER / 2);
        events.emit(login());
        assert!(told.try_recv().is_ok());
        clock.advance(LINGER);
        events.emit(login());
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn what_finds_no_place_is_counted_and_nobody_waits() {
        let (events, told) = Events::new(Arc::new(ManualClock::new(NOW)), Vec::new());
        let _watching = events.watch();
        for _ in 0..QUEUE + 3 {
            events.emit(login());
        }
        assert_eq!((events.take_lost(), events.take_lost()), (3, 0));
        drop(told);
    }

    #[derive(Debug, Default)]
    struct Counts(Mutex<u32>);

    impl Observer for Counts {
        fn happened(&self, _: &EventKind) {
            *self.0.lock() += 1;
        }
    }

    #[test]
    fn observers_are_told_whether_or_not_somebody_listens() {
        let counts = Arc::new(Counts::default());
        let (events, _told) = Events::new(Arc::new(ManualClock::new(NOW)), vec![Arc::clone(&counts) as _]);
        events.emit(login());
        events.step(login);
        assert_eq!(*counts.0.lock(), 1);
    }
}
