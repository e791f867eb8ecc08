//! Time as an argument: the library asks a [`Clock`] and never the system.

use std::{
    fmt,
    time::{Duration, Instant, SystemTime},
};

use crate::domain::Timestamp;

/// Tells the time. Binaries hand in [`SystemClock`], tests a manual one.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The moment by the calendar: for records and for comparing with resets that others state.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point, never running backwards: for measuring.
    fn monotonic(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until it is told otherwise.
#[cfg(any(test, feature = "test-support"))]
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    passed: std::sync::atomic::AtomicU64,
}

#[cfg(any(test, feature = "test-support"))]
impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { start, passed: std::sync::atomic::AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.passed.fetch_add(micros, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "test-support"))]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.passed.load(std::sync::atomic::Ordering::SeqCst))
    }
}
