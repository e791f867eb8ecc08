//! Writes bindings down, so that a restart does not tear conversations from their caches.
//!
//! A binding changes with every turn and is read once, at start. So it is not written with the turn: every few seconds
//! one commit takes all that has changed since. A process that is killed loses those seconds, and the conversations that
//! began in them are placed anew.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Bindings;
use crate::{clock::Clock, store::BindingStore};

/// Between two commits.
const EVERY: Duration = Duration::from_secs(2);

/// The task that writes.
#[derive(Debug)]
pub struct BindingWriter {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl BindingWriter {
    /// Starts the task on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(bindings: Arc<Bindings>, store: Arc<dyn BindingStore>, clock: Arc<dyn Clock>) -> Self {
        bindings.journal();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while stopped.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
                write(&bindings, &*store, &*clock).await;
            }
            write(&bindings, &*store, &*clock).await;
        });
        Self { stop, task }
    }

    /// Writes the rest and ends.
    pub async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the bindings' writer failed");
        }
    }
}

async fn write(bindings: &Bindings, store: &dyn BindingStore, clock: &dyn Clock) {
    let (kept, gone) = bindings.take_changes(clock.now());
    if kept.is_empty() && gone.is_empty() {
        return;
    }
    if let Err(error) = store.keep_bindings(&kept, &gone).await {
        tracing::error!(%error, sessions = kept.len(), "where conversations live can't be written; trying again");
        bindings.give_back(&kept, &gone);
    }
}
