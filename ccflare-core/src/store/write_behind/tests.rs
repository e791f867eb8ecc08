//! Time is tokio's and stands still unless everybody waits, so every moment here is exact.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::{
    domain::{Account, Credential, Limits, Outcome, Secret, Tier},
    store::{PageRequest, StoreError},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LINGER: Duration = Duration::from_millis(20);

/// Remembers what it was given and when, fails as often as it is told, and writes only while its gate is open.
#[derive(Debug)]
struct FakeStore {
    appended: Mutex<Vec<(time::Instant, Vec<LedgerEntry>)>>,
    tries: Mutex<Vec<time::Instant>>,
    failures: AtomicU64,
    gate: watch::Sender<bool>,
}

impl FakeStore {
    fn new() -> Arc<Self> {
        Self::failing(0)
    }

    fn failing(failures: u64) -> Arc<Self> {
        Arc::new(Self {
            appended: Mutex::default(),
            tries: Mutex::default(),
            failures: failures.into(),
            gate: watch::Sender::new(true),
        })
    }

    fn batches(&self) -> Vec<Vec<LedgerEntry>> {
        self.appended.lock().iter().map(|(_, batch)| batch.clone()).collect()
    }
}

#[async_trait]
impl LedgerStore for FakeStore {
    async fn append(&self, batch: &[LedgerEntry]) -> Result<(), StoreError> {
        self.tries.lock().push(time::Instant::now());
        self.gate.subscribe().wait_for(|open| *open).await.map_err(StoreError::backend)?;
        let left = self.failures.load(Ordering::SeqCst);
        if left > 0 {
            self.failures.store(left - 1, Ordering::SeqCst);
            return Err(StoreError::backend("the disk is full"));
        }
        self.appended.lock().push((time::Instant::now(), batch.to_vec()));
        Ok(())
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn exchanges(&self, _: PageRequest) -> Result<Vec<Exchange>, StoreError> {
        Ok(Vec::new())
    }

    async fn exchange(&self, _: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        Ok(None)
    }
}

fn start(store: &Arc<FakeStore>, capacity: usize) -> (WriteBehind, Writer) {
    let options = WriteBehindOptions { capacity, linger: LINGER, drain: Duration::from_secs(10) };
    WriteBehind::start(Arc::clone(store) as Arc<dyn LedgerStore>, options)
}

fn intent(number: u8) -> Arc<Intent> {
    Arc::new(Intent {
        id: ExchangeId::from_bytes([number; 16]),
        at: NOW,
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: None,
        request_bytes: 1,
        client_key: None,
        asker: None,
        preference: None,
    })
}

fn exchange(number: u8) -> Box<Exchange> {
    Box::new(Exchange::unfinished(intent(number), Outcome::Answered))
}

async fn open(queue: &WriteBehind, number: u8) -> SettleSlot {
    queue.reserve().await.expect("an open queue").open(intent(number))
}

fn paused(queue: &WriteBehind) {
    queue.change(AccountId::from_bytes([1; 16]), AccountChange::Paused, NOW);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_first_entry_lingers_goes_into_its_commit() {
    let store = FakeStore::new();
    let (queue, writer) = start(&store, 16);
    let begun = time::Instant::now();
    let slot = open(&queue, 1).await;
    time::sleep(LINGER - Duration::from_millis(5)).await;
    slot.settle(exchange(1));
    time::sleep(Duration::from_millis(10)).await;
    let late = open(&queue, 2).await;
    drop(late);
    assert_eq!(writer.finish().await, 3);

    let appended = store.appended.lock().clone();
    let [(first_at, first), (_, second)] = &appended[..] else { panic!("two commits, not {}", appended.len()) };
    assert_eq!(*first_at - begun, LINGER);
    assert_eq!(*first, [LedgerEntry::Opened(intent(1)), LedgerEntry::Settled(exchange(1))]);
    assert_eq!(*second, [LedgerEntry::Opened(intent(2))]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_pushes_back_until_the_writer_took_something() {
    let store = FakeStore::new();
    store.gate.send_replace(false);
    let (queue, _writer) = start(&store, 4);
    let first = open(&queue, 1).await;
    let second = open(&queue, 2).await;
    let mut third = Box::pin(queue.reserve());
    assert!((&mut third).now_or_never().is_none(), "the room of all four entries is taken");

    time::sleep(LINGER * 2).await;
    assert_eq!(store.tries.lock().len(), 1, "both intents are with the store");
    assert!((&mut third).now_or_never().is_some(), "and their room is free");

    let mut fourth = Box::pin(queue.reserve());
    first.settle(exchange(1));
    second.settle(exchange(2));
    assert!((&mut fourth).now_or_never().is_some(), "the third gave back what it took");
    assert_eq!(queue.queued(), 4);
}

#[tokio::test(start_paused = true)]
async fn room_that_nobody_used_is_given_back() {
    let store = FakeStore::new();
    store.gate.send_replace(false);
    let (queue, _writer) = start(&store, 4);
    for number in 0..100 {
        drop(queue.reserve().now_or_never().expect("room").expect("an open queue"));
        let slot = open(&queue, number).await;
        time::sleep(LINGER * 2).await;
        drop(slot);
        store.gate.send_replace(true);
        queue.flushed().await;
        store.gate.send_replace(false);
    }
    assert_eq!(queue.queue.room.available_permits(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_finds_its_place_in_a_full_queue() {
    let store = FakeStore::new();
    store.gate.send_replace(false);
    let (queue, writer) = start(&store, 2);
    open(&queue, 1).await.settle(exchange(1));
    assert!(queue.reserve().now_or_never().is_none());
    store.gate.send_replace(true);
    assert_eq!(writer.finish().await, 2);
    assert_eq!(store.batches(), [[LedgerEntry::Opened(intent(1)), LedgerEntry::Settled(exchange(1))]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_tried_until_it_is_written() {
    let store = FakeStore::failing(8);
    let (queue, writer) = start(&store, 16);
    open(&queue, 1).await.settle(exchange(1));
    time::sleep(LINGER * 2).await;
    let later = open(&queue, 2).await;
    later.settle(exchange(2));
    time::sleep(Duration::from_secs(60)).await;

    let tries = store.tries.lock().clone();
    let pauses: Vec<_> = tries.windows(2).take(8).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    let expected = [1, 2].map(|number| [LedgerEntry::Opened(intent(number)), LedgerEntry::Settled(exchange(number))]);
    assert_eq!(store.batches(), expected, "each once, in order");
    assert_eq!(writer.finish().await, 4);
}

#[tokio::test(start_paused = true)]
async fn finishing_writes_the_rest_although_handles_are_alive() {
    let store = FakeStore::new();
    let (queue, writer) = start(&store, 16);
    let slot = open(&queue, 1).await;
    paused(&queue);
    let begun = time::Instant::now();
    assert_eq!(writer.finish().await, 2);
    assert_eq!(begun.elapsed(), Duration::ZERO, "nothing lingers at the end");

    assert_eq!(queue.reserve().await.err(), Some(Closed));
    slot.settle(exchange(1));
    paused(&queue);
    assert_eq!(queue.queued(), 0, "refused, not queued");
    assert_eq!(store.batches().concat().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_while_the_rest_is_written_is_written_too() {
    let store = FakeStore::new();
    store.gate.send_replace(false);
    let (queue, writer) = start(&store, 16);
    let slot = open(&queue, 1).await;
    let finished = tokio::spawn(writer.finish());
    time::sleep(Duration::from_secs(1)).await;
    assert_eq!(queue.reserve().await.err(), Some(Closed));
    slot.settle(exchange(1));
    store.gate.send_replace(true);
    assert_eq!(finished.await.expect("no panic"), 2);
    assert_eq!(store.batches().concat().last(), Some(&LedgerEntry::Settled(exchange(1))));
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_room_hear_that_there_will_be_none() {
    let store = FakeStore::new();
    let (queue, writer) = start(&store, 2);
    let _slots = queue.reserve().await.expect("an open queue");
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.reserve().await.err() }
    });
    time::sleep(LINGER).await;
    writer.finish().await;
    assert_eq!(waiting.await.expect("no panic"), Some(Closed));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_in_time_is_given_up_and_counted() {
    for hangs in [false, true] {
        let store = FakeStore::new();
        let (queue, writer) = start(&store, 16);
        paused(&queue);
        queue.flushed().await;

        store.failures.store(u64::MAX, Ordering::SeqCst);
        store.gate.send_replace(!hangs);
        paused(&queue);
        paused(&queue);
        time::sleep(LINGER).await;
        let begun = time::Instant::now();
        assert_eq!(writer.finish().await, 1);
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
        queue.flushed().await;
        assert_eq!(queue.queued(), 2, "the two that are lost");
    }
}

#[tokio::test(start_paused = true)]
async fn flushing_does_not_linger_and_waits_for_the_store() {
    let store = FakeStore::new();
    let options = WriteBehindOptions { linger: Duration::from_secs(3600), ..WriteBehindOptions::default() };
    let (queue, _writer) = WriteBehind::start(Arc::clone(&store) as Arc<dyn LedgerStore>, options);
    assert_eq!(queue.last_commit(), None);
    queue.flushed().await;

    let begun = time::Instant::now();
    paused(&queue);
    paused(&queue);
    assert_eq!(queue.queued(), 2);
    queue.flushed().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(queue.queued(), 0);
    assert_eq!(queue.last_commit().map(|commit| commit.entries), Some(2));

    store.gate.send_replace(false);
    paused(&queue);
    assert!(queue.flushed().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_left_for_afterwards_is_neither_overlooked_nor_done_twice() {
    let store = FakeStore::new();
    let (queue, _writer) = start(&store, 16);
    let pause = |queue: WriteBehind| Box::new(move || paused(&queue));
    queue.afterwards(pause(queue.clone()));
    assert_eq!(queue.queued(), 1);
    queue.afterwards(pause(queue.clone()));
    queue.flushed().await;
    assert_eq!(store.batches().iter().map(Vec::len).sum::<usize>(), 2);
    time::sleep(LINGER * 2).await;
    assert_eq!(store.batches().iter().map(Vec::len).sum::<usize>(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_an_upper_bound_and_does_not_linger_when_it_is_reached() {
    let store = FakeStore::new();
    let (queue, writer) = start(&store, 16);
    let begun = time::Instant::now();
    for _ in 0..BATCH + 10 {
        paused(&queue);
    }
    assert_eq!(writer.finish().await, BATCH as u64 + 10);
    let appended = store.appended.lock().clone();
    assert_eq!(appended.iter().map(|(_, batch)| batch.len()).collect::<Vec<_>>(), [BATCH, 10]);
    assert_eq!(appended[0].0, begun);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_writer_still_writes_the_rest() {
    let store = FakeStore::new();
    let (queue, writer) = start(&store, 16);
    paused(&queue);
    drop(writer);
    queue.flushed().await;
    assert_eq!(store.batches().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_writer_whose_store_panicked() {
    #[derive(Debug)]
    struct Panicking;

    #[async_trait]
    impl LedgerStore for Panicking {
        async fn append(&self, _: &[LedgerEntry]) -> Result<(), StoreError> {
            panic!("a store with a fault")
        }
        async fn recover(&self) -> Result<u64, StoreError> {
            pending().await
        }
        async fn exchanges(&self, _: PageRequest) -> Result<Vec<Exchange>, StoreError> {
            pending().await
        }
        async fn exchange(&self, _: ExchangeId) -> Result<Option<Exchange>, StoreError> {
            pending().await
        }
    }

    let (queue, writer) = WriteBehind::start(Arc::new(Panicking), WriteBehindOptions::default());
    paused(&queue);
    queue.flushed().await;
    assert_eq!(queue.reserve().await.err(), Some(Closed));
    assert_eq!(writer.finish().await, 0);
    assert_eq!(queue.queued(), 1);
}

fn any_change() -> impl Strategy<Value = AccountChange> {
    let limits = |tier_hint| AccountChange::Observed(Arc::new(Limits { tier_hint, ..Limits::default() }));
    prop_oneof![
        Just(AccountChange::Served),
        Just(AccountChange::SessionStarted(Timestamp::from_micros(7))),
        Just(AccountChange::Resumed),
        (0..3_u8).prop_map(|number| AccountChange::OrganizationSeen(number.to_string().into())),
        prop_oneof![Just(None), Just(Some(Tier::Five)), Just(Some(Tier::Twenty))].prop_map(limits),
    ]
}

/// What the accounts look like after a batch, as `Debug` shows it.
fn replay(batch: &[LedgerEntry]) -> Vec<String> {
    let mut accounts = BTreeMap::new();
    for entry in batch {
        let LedgerEntry::AccountChanged { id, change, at } = entry else { continue };
        let fresh = || Account { id: *id, ..Account::new("a", "p", Credential::ApiKey(Secret::new("k")), NOW) };
        accounts.entry(*id).or_insert_with(fresh).apply(change.clone(), *at);
    }
    accounts.values().map(|account| format!("{account:?}")).collect()
}

proptest! {
    #[test]
    fn leaving_out_what_is_outdated_changes_no_account(
        changes in proptest::collection::vec((0..3_u8, any_change()), 0..40)
    ) {
        let entries = (0..).zip(changes).map(|(second, (account, change))| LedgerEntry::AccountChanged {
            id: AccountId::from_bytes([account; 16]),
            change,
            at: NOW + Duration::from_secs(second),
        });
        let full: Vec<_> = [LedgerEntry::Opened(intent(1))].into_iter().chain(entries).collect();
        let mut reduced = full.clone();
        drop_outdated(&mut reduced);

        let replacing = |entry: &&LedgerEntry| matches!(
            entry,
            LedgerEntry::AccountChanged { change: AccountChange::Observed(_), .. }
        );
        prop_assert_eq!(&reduced[0], &full[0]);
        prop_assert!(reduced.iter().filter(replacing).count() <= 3, "one for each account");
        let others = |batch: &[LedgerEntry]| batch.iter().filter(|entry| !replacing(entry)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(others(&reduced), others(&full));
        prop_assert_eq!(replay(&reduced), replay(&full));
    }
}
