//! What is old, or too much, is deleted: in the background, a little at a time, so that nobody waits for it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    analytics::{Kept, Minute},
    clock::Clock,
    domain::Timestamp,
    live::Live,
    store::{AnalyticsStore, MaintenanceStore, PayloadStore, Store, StoreError},
};

/// So many are deleted in one transaction; others get their turn in between. Payloads are long, so they are fewer.
const PAYLOADS_AT_ONCE: usize = 64;
const EXCHANGES_AT_ONCE: usize = 500;
const SUMS_AT_ONCE: usize = 2000;

/// How often it is looked what has become old.
const PAUSE: Duration = Duration::from_secs(3600);

/// Between two transactions: as long as one takes or longer, so that the ledger's writer has most of the time.
const BREATH: Duration = Duration::from_millis(20);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what is kept, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// What exchanges carried. 7 days.
    pub payload_age: Duration,
    /// The same in bytes; the oldest go first. 4 GiB.
    pub payload_bytes: u64,
    /// Settled exchanges. 365 days.
    pub exchange_age: Duration,
    /// The same in bytes; the oldest go first. 8 GiB.
    pub exchange_bytes: u64,
    /// Sums by the minute. 2 days.
    pub minute_age: Duration,
    /// Sums by the hour. 92 days.
    pub hour_age: Duration,
    /// Sums by the day. Five years.
    pub day_age: Duration,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            payload_age: 7 * DAY,
            payload_bytes: 4 << 30,
            exchange_age: 365 * DAY,
            exchange_bytes: 8 << 30,
            minute_age: 2 * DAY,
            hour_age: 92 * DAY,
            day_age: 5 * 365 * DAY,
        }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Settled exchanges.
    pub exchanges: u64,
    /// What exchanges carried.
    pub payloads: u64,
    /// Sums.
    pub sums: u64,
}

/// A store that things are deleted from.
pub trait Sweepable: AnalyticsStore + PayloadStore + MaintenanceStore {}

impl<T: AnalyticsStore + PayloadStore + MaintenanceStore + ?Sized> Sweepable for T {}

/// Deletes what is older than allowed, until it is told to stop.
#[derive(Debug)]
pub struct Retention {
    task: JoinHandle<()>,
}

impl Retention {
    /// Starts on the current tokio runtime. Everything is kept for as long as `live` says.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>, live: Live) -> Self {
        let task = tokio::spawn(async move {
            loop {
                // Asked for first, so that a change during the sweep is not missed.
                let changed = live.changed();
                match sweep(&*store, &live.now().retention, clock.now()).await {
                    Ok(swept) if swept == Swept::default() => {}
                    Ok(swept) => tracing::info!(
                        requests = swept.exchanges,
                        payloads = swept.payloads,
                        sums = swept.sums,
                        "what is old was deleted"
                    ),
                    Err(error) => tracing::warn!(%error, "what is old can't be deleted; trying again in an hour"),
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

/// Deletes everything that is old or too much at `now`, and says how much there was.
///
/// # Errors
/// If the store fails; what was deleted by then is gone.
pub async fn sweep<S: Sweepable + ?Sized>(
    store: &S,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Result<Swept, StoreError> {
    let mut swept = Swept {
        payloads: sweep_payloads(store, now - policy.payload_age).await?,
        exchanges: sweep_exchanges(store, now - policy.exchange_age).await?,
        sums: sweep_sums(store, policy, now).await?,
    };
    let too_much = sweep_too_much(store, policy).await?;
    swept.payloads += too_much.payloads;
    swept.exchanges += too_much.exchanges;
    Ok(swept)
}

async fn sweep_payloads<S: Sweepable + ?Sized>(store: &S, before: Timestamp) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let swept = store.sweep_payloads(before, PAYLOADS_AT_ONCE).await?;
        all += swept as u64;
        if swept < PAYLOADS_AT_ONCE {
            return Ok(all);
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn sweep_exchanges<S: Sweepable + ?Sized>(store: &S, before: Timestamp) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let swept = store.sweep_exchanges(before, EXCHANGES_AT_ONCE).await?;
        all += swept as u64;
        if swept < EXCHANGES_AT_ONCE {
            return Ok(all);
        }
        tokio::time::sleep(BREATH).await;
    }
}

async fn sweep_sums<S: Sweepable + ?Sized>(
    store: &S,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let keep = Kept {
        minutes: Minute::of(now - policy.minute_age),
        hours: Minute::of(now - policy.hour_age),
        days: Minute::of(now - policy.day_age),
    };
    let mut all = 0;
    loop {
        let swept = store.sweep_sums(keep, SUMS_AT_ONCE).await?;
        all += swept as u64;
        if swept < SUMS_AT_ONCE {
            return Ok(all);
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// A store that can't tell how large it is has no bounds of size.
async fn sweep_too_much<S: Sweepable + ?Sized>(store: &S, policy: &RetentionPolicy) -> Result<Swept, StoreError> {
    let mut all = Swept::default();
    let ever = Timestamp::from_micros(i64::MAX);
    loop {
        let sizes = match store.sizes().await {
            Ok(sizes) => sizes,
            Err(StoreError::Unsupported(_)) => return Ok(all),
            Err(error) => return Err(error),
        };
        let mut swept = Swept::default();
        if sizes.payloads > policy.payload_bytes {
            swept.payloads = store.sweep_payloads(ever, PAYLOADS_AT_ONCE).await? as u64;
        }
        if sizes.exchanges > policy.exchange_bytes {
            swept.exchanges = store.sweep_exchanges(ever, EXCHANGES_AT_ONCE).await? as u64;
        }
        if swept == Swept::default() {
            return Ok(all);
        }
        all.payloads += swept.payloads;
        all.exchanges += swept.exchanges;
        tokio::time::sleep(BREATH).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Exchange, ExchangeId, Intent, Outcome, Payload, PayloadSide},
        store::{LedgerEntry, LedgerStore, PageRequest, RedbStore},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn payload(at: Timestamp) -> Payload {
        Payload { id: ExchangeId::new(at), request: PayloadSide::default(), answer: PayloadSide::default() }
    }

    fn settled(at: Timestamp) -> LedgerEntry {
        let intent = Intent {
            id: ExchangeId::new(at),
            at,
            method: http::Method::GET,
            path: "/v1/models".into(),
            model: None,
            request_bytes: 0,
            client_key: None,
            asker: None,
            preference: None,
        };
        LedgerEntry::Settled(Box::new(Exchange::unfinished(intent, Outcome::Cancelled)))
    }

    async fn count(store: &RedbStore) -> usize {
        store.exchanges(PageRequest { before: None, limit: 10_000 }).await.expect("a page").len()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_old_goes_however_much_it_is_and_nothing_else() {
        let store = RedbStore::in_memory();
        let policy = RetentionPolicy::default();
        let old = NOW - policy.payload_age - Duration::from_millis(1);
        let payloads: Vec<_> = (0..PAYLOADS_AT_ONCE * 2 + 3).map(|_| payload(old)).collect();
        let fresh = payload(NOW - policy.payload_age);
        store.keep_payloads(&payloads).await.expect("kept");
        store.keep_payloads(std::slice::from_ref(&fresh)).await.expect("kept");
        let old = NOW - policy.exchange_age - Duration::from_millis(1);
        let exchanges: Vec<_> = (0..EXCHANGES_AT_ONCE + 7).map(|_| settled(old)).chain([settled(NOW)]).collect();
        store.append(&exchanges).await.expect("settled");
        let swept = sweep(&store, &policy, NOW).await.expect("a sweep");
        // One minute and one hour are too old; the day is kept.
        let expected = Swept { exchanges: EXCHANGES_AT_ONCE as u64 + 7, payloads: payloads.len() as u64, sums: 2 };
        assert_eq!(swept, expected);
        assert_eq!(store.payload(payloads[0].id).await.expect("readable"), None);
        assert_eq!(store.payload(fresh.id).await.expect("readable"), Some(fresh));
        assert_eq!(count(&store).await, 1);
        assert_eq!(sweep(&store, &policy, NOW).await.expect("another"), Swept::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_too_much_goes_from_the_oldest_on() {
        let store = RedbStore::in_memory();
        let exchanges: Vec<_> = (0..3000).map(|ago| settled(NOW - Duration::from_secs(3000 - ago))).collect();
        store.append(&exchanges).await.expect("settled");
        let all = store.sizes().await.expect("sizes").exchanges;
        let policy = RetentionPolicy { exchange_bytes: all / 2, ..RetentionPolicy::default() };
        let swept = sweep(&store, &policy, NOW).await.expect("a sweep");
        assert_eq!((swept.exchanges, count(&store).await), (1500, 1500));
        let left = store.exchanges(PageRequest { before: None, limit: 1 }).await.expect("a page");
        assert_eq!(left[0].intent.at, NOW - Duration::from_secs(1));
        assert!(store.sizes().await.expect("sizes").exchanges <= all / 2);
    }
}
