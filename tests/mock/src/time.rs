//! A clock that is told what time it is, so that hours pass in milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Microseconds since 1970 that stand still until they are changed. Clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct VirtualTime(Arc<AtomicU64>);

impl VirtualTime {
    /// Begins at this many seconds since 1970.
    pub fn at(epoch_seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(epoch_seconds * 1_000_000)))
    }

    /// Microseconds since 1970.
    pub fn micros(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves on to this moment, in microseconds since 1970. It never goes back.
    pub fn move_to(&self, micros: u64) {
        self.0.fetch_max(micros, Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros_of(by), Ordering::SeqCst);
    }
}

pub(crate) fn micros_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
