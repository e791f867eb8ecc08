//! Those who listen to live events: how many there may be, and how they are sent on their way.

use std::sync::{Arc, OnceLock};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

/// So many may listen at a time; each costs a task and what is on its way to it.
pub(crate) const MOST: usize = 256;

/// The places for listeners. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

/// A listener's place, its own until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    stop: CancellationToken,
}

impl Default for Readers {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(MOST)), stop: CancellationToken::new() }
    }
}

impl Readers {
    /// A place, if there is one left.
    pub(crate) fn enter(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _permit: permit, stop: self.stop.clone() })
    }

    /// The server stops: nobody waits for those who would listen for ever.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }
}

impl Place {
    /// Comes true when the server stops.
    pub(crate) async fn ended(&self) {
        self.stop.cancelled().await;
    }
}

/// Lets whoever waits for the processor have it before the next listener is served. Hundreds in a row would take it for
/// milliseconds, and the system makes a request wait for that though another processor is idle.
pub(crate) fn give_way() {
    std::thread::yield_now();
}

/// Ends a connection whose other side takes nothing any more: a body can't, once nobody asks it for more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(Arc<OnceLock<AbortHandle>>);

impl Hangup {
    /// This is the task of the connection.
    pub(crate) fn belongs_to(&self, connection: AbortHandle) {
        let _ = self.0.set(connection);
    }

    /// Ends it.
    pub(crate) fn hang_up(&self) {
        if let Some(connection) = self.0.get() {
            connection.abort();
        }
    }
}
