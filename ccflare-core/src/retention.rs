//! What is old is deleted: in the background, a little at a time, so that nobody waits for it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    clock::Clock,
    domain::Timestamp,
    live::Live,
    store::{PayloadStore, StoreError},
};

/// So many are deleted in one transaction; others get their turn in between.
const AT_ONCE: usize = 64;

/// How often it is looked what has become old.
const PAUSE: Duration = Duration::from_secs(3600);

/// Deletes what is older than allowed, until it is told to stop.
#[derive(Debug)]
pub struct Retention {
    task: JoinHandle<()>,
}

impl Retention {
    /// Starts on the current tokio runtime. Payloads are kept for as long as `live` says.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn PayloadStore>, clock: Arc<dyn Clock>, live: Live) -> Self {
        let task = tokio::spawn(async move {
            loop {
                // Asked for first, so that a change during the sweep is not missed.
                let changed = live.changed();
                match sweep(&*store, clock.now() - live.now().payload_age).await {
                    Ok(0) => {}
                    Ok(swept) => tracing::info!(swept, "old payloads were deleted"),
                    Err(error) => tracing::warn!(%error, "old payloads can't be deleted; trying again in an hour"),
                }
                let _ = tokio::time::timeout(PAUSE, changed).await;
            }
        });
        Self { task }
    }

    /// Stops, in the middle if need be: each transaction stands for itself.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Deletes all payloads of exchanges that began before `before`, and says how many there were.
///
/// # Errors
/// If the store fails; what was deleted by then is gone.
pub async fn sweep(store: &dyn PayloadStore, before: Timestamp) -> Result<usize, StoreError> {
    let mut all = 0;
    loop {
        let swept = store.sweep_payloads(before, AT_ONCE).await?;
        all += swept;
        if swept < AT_ONCE {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{ExchangeId, Payload, PayloadSide},
        store::RedbStore,
    };

    #[tokio::test]
    async fn what_is_old_goes_however_much_it_is_and_nothing_else() {
        let store = RedbStore::in_memory();
        let now = Timestamp::from_seconds(1_800_000_000);
        let payload =
            |at| Payload { id: ExchangeId::new(at), request: PayloadSide::default(), answer: PayloadSide::default() };
        let old: Vec<_> = (0..AT_ONCE * 2 + 3).map(|_| payload(now - Duration::from_millis(1))).collect();
        let fresh = payload(now);
        store.keep_payloads(&old).await.expect("kept");
        store.keep_payloads(std::slice::from_ref(&fresh)).await.expect("kept");
        assert_eq!(sweep(&store, now).await.expect("a sweep"), old.len());
        assert_eq!(store.payload(old[0].id).await.expect("readable"), None);
        assert_eq!(store.payload(fresh.id).await.expect("readable"), Some(fresh));
        assert_eq!(sweep(&store, now).await.expect("another"), 0);
    }
}
