//! The queue between the line and the store: a request never waits for a disk, and no record is ever dropped.
//!
//! A request takes room for its intent and its settlement before it is sent ([`WriteBehind::reserve`] waits while the
//! queue is full, which is how a slow disk pushes back), so the settlement, made wherever the request happens to end,
//! finds its place without waiting. One task takes all that is queued and appends it in one commit.
//!
//! What is queued is in memory only: a process that is killed loses what came in the last linger and commit.
//! [`WriteBehind::last_commit`] says how long commits take here.
//!
//! The queue is a vector behind a lock that is held for a push or a swap, and a semaphore that counts the room. A
//! channel would wake its receiver and pass a semaphore for every entry; here the writer is woken once a batch.

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinHandle,
    time,
};
use tokio_util::sync::CancellationToken;

use self::afterwards::Afterwards;
use super::{LedgerEntry, LedgerStore};
use crate::domain::{AccountChange, AccountId, Exchange, ExchangeId, Intent, Timestamp};

mod afterwards;

pub(crate) use self::afterwards::Remains;

/// The most entries in one commit: enough to make the commit's own cost vanish, and a pause of some milliseconds.
const BATCH: usize = 4096;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// How the queue behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteBehindOptions {
    /// Entries of requests that may be queued; a request takes two. At least 2.
    pub capacity: usize,
    /// How long the first entry of a batch waits for others.
    pub linger: Duration,
    /// How long the writer goes on trying to write the rest once it was told to finish.
    pub drain: Duration,
}

impl Default for WriteBehindOptions {
    fn default() -> Self {
        Self { capacity: 16_384, linger: Duration::from_millis(50), drain: Duration::from_secs(10) }
    }
}

/// The queue's front end. Cheap to clone.
#[derive(Clone)]
pub struct WriteBehind {
    queue: Arc<Queue>,
    afterwards: Afterwards,
}

/// The queue's back end: the task that writes. Dropping it closes the queue too, but nobody hears how it ended.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    task: Option<JoinHandle<()>>,
}

/// Room for one request's intent and settlement.
#[derive(Debug)]
#[must_use = "room that is dropped is given back"]
pub struct Slots {
    room: Room,
}

/// Room for the settlement of a request whose intent is queued. Dropped without one, the intent stays open, and the
/// next start finds it interrupted.
#[derive(Debug)]
#[must_use = "a request that is never settled is found interrupted at the next start"]
pub struct SettleSlot {
    room: Room,
    id: ExchangeId,
}

/// The queue takes no more requests: the process is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is closed: the process is shutting down")]
pub struct Closed;

/// One commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Queued entries that it made durable.
    pub entries: usize,
    /// How long the store took.
    pub took: Duration,
}

impl WriteBehind {
    /// Starts the writing task on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn LedgerStore>, options: WriteBehindOptions) -> (Self, Writer) {
        let queue = Arc::new(Queue::new(options));
        let task = tokio::spawn(write(Arc::clone(&queue), store));
        (Self { queue: Arc::clone(&queue), afterwards: Afterwards::default() }, Writer { queue, task: Some(task) })
    }

    /// Takes room for a request; waits while there is none. Those who wait are served in order.
    ///
    /// # Errors
    /// [`Closed`] once [`Writer::finish`] was called.
    pub async fn reserve(&self) -> Result<Slots, Closed> {
        let permits = self.queue.room.acquire_many(2).await.map_err(|_| Closed)?;
        permits.forget();
        Ok(Slots { room: Room { queue: Arc::clone(&self.queue), entries: 2 } })
    }

    /// Leaves something to be queued once answers that are ready have gone out. Whoever asks for [`queued`](Self::queued) or
    /// [`flushed`](Self::flushed) finds it done.
    pub(crate) fn afterwards(&self, remains: Box<dyn Remains>) {
        self.afterwards.leave(remains);
    }

    /// Does what was left for afterwards.
    pub(crate) fn settle(&self) {
        self.afterwards.settle();
    }

    /// Queues what happened to an account. These need no room: the line makes at most a few for each request, which
    /// has room, and those that the next one outdates are left out of the batch.
    pub fn change(&self, id: AccountId, change: AccountChange, at: Timestamp) {
        if self.queue.push(LedgerEntry::AccountChanged { id, change, at }, 0).is_err() {
            tracing::error!(account = %id, "the ledger is closed: what happened to the account is not written down");
        }
    }

    /// How many entries are not yet durable.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.afterwards.settle();
        self.queue.queued()
    }

    /// Waits until all that is queued now is durable, without lingering. Also returns when the writer gave up; then
    /// [`queued`](Self::queued) says how many entries are lost.
    pub async fn flushed(&self) {
        self.afterwards.settle();
        let target = self.queue.pushed();
        let mut durable = self.queue.durable.subscribe();
        if *durable.borrow() < target {
            self.queue.hurry.notify_one();
        }
        tokio::select! {
            // The sender lives in `self`.
            _ = durable.wait_for(|durable| *durable >= target) => {}
            () = self.queue.ended.cancelled() => {}
        }
    }

    /// Waits until no request holds room any more: each one that was opened is settled, and its settlement on its way to
    /// the store. Nobody else gets room meanwhile.
    pub async fn settled(&self) {
        let all = u32::try_from(self.queue.options.capacity.clamp(2, u32::MAX as usize)).unwrap_or(u32::MAX);
        // Closed: the writer is finishing, and there is nothing left to wait for.
        let _ = self.queue.room.acquire_many(all).await;
        // Answers may have left what needs no room.
        self.afterwards.settle();
    }

    /// Why the store does not take what is queued, if it does not; it is tried again and again.
    #[must_use]
    pub fn failing(&self) -> Option<String> {
        let state = self.queue.state.lock();
        if state.ended && !self.queue.closing.is_cancelled() {
            return Some("its writer is gone".to_owned());
        }
        state.failing.clone()
    }

    /// The part of the room that is left; 1 is all of it.
    #[must_use]
    pub fn room_left(&self) -> f64 {
        self.queue.room.available_permits() as f64 / self.queue.options.capacity.max(2) as f64
    }

    /// How many entries were given up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.state.lock().dropped
    }

    /// The last commit, if there was one.
    #[must_use]
    pub fn last_commit(&self) -> Option<Commit> {
        self.queue.state.lock().last_commit
    }
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Writer {
    /// Closes the queue, writes what is in it, and returns how many entries became durable in the writer's life. No
    /// request gets room from now on; settlements of those that have some are taken until the queue is empty. What
    /// can't be written within [`drain`](WriteBehindOptions::drain) is given up, and logged.
    pub async fn finish(mut self) -> u64 {
        self.queue.close();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            let lost = self.queue.queued();
            tracing::error!(%error, lost, "the ledger's writer failed");
        }
        *self.queue.durable.borrow()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Slots {
    /// Queues the intent and keeps the room for its settlement.
    pub fn open(mut self, intent: Arc<Intent>) -> SettleSlot {
        let id = intent.id;
        if self.room.push(LedgerEntry::Opened(intent)).is_err() {
            tracing::error!(request = %id, "the ledger is closed: the request is not written down");
        }
        SettleSlot { room: self.room, id }
    }
}

impl SettleSlot {
    /// Queues the settlement. Never waits.
    pub fn settle(mut self, exchange: Box<Exchange>) {
        if self.room.push(LedgerEntry::Settled(exchange)).is_err() {
            tracing::error!(request = %self.id, "the ledger is closed: how the request ended is not written down");
        }
    }
}

/// Room taken from the queue, given back when dropped.
struct Room {
    queue: Arc<Queue>,
    entries: usize,
}

impl Room {
    /// Fills one place; from then on its room is the entry's.
    fn push(&mut self, entry: LedgerEntry) -> Result<(), Closed> {
        self.queue.push(entry, 1)?;
        self.entries -= 1;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.entries > 0 {
            self.queue.room.add_permits(self.entries);
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({})", self.entries)
    }
}

struct Queue {
    options: WriteBehindOptions,
    room: Semaphore,
    state: Mutex<State>,
    /// The queue is empty no more.
    filled: Notify,
    /// Somebody waits for the commit, or a batch is full: linger no longer.
    hurry: Notify,
    /// No more requests; write the rest.
    closing: CancellationToken,
    /// Nobody writes any more.
    ended: CancellationToken,
    /// How many entries were made durable.
    durable: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    entries: Vec<LedgerEntry>,
    /// How many of `entries` hold room.
    roomy: usize,
    /// How many entries there have been.
    pushed: u64,
    ended: bool,
    last_commit: Option<Commit>,
    /// Why the latest try to write came to nothing.
    failing: Option<String>,
    /// Entries that came too late or were given up.
    dropped: u64,
}

impl Queue {
    fn new(options: WriteBehindOptions) -> Self {
        Self {
            options,
            room: Semaphore::new(options.capacity.clamp(2, Semaphore::MAX_PERMITS)),
            state: Mutex::default(),
            filled: Notify::new(),
            hurry: Notify::new(),
            closing: CancellationToken::new(),
            ended: CancellationToken::new(),
            durable: watch::Sender::new(0),
        }
    }

    fn push(&self, entry: LedgerEntry, room: usize) -> Result<(), Closed> {
        let length = {
            let mut state = self.state.lock();
            if state.ended {
                state.dropped += 1;
                return Err(Closed);
            }
            state.entries.push(entry);
            state.roomy += room;
            state.pushed += 1;
            state.entries.len()
        };
        // Only the writer takes entries out, so exactly one push sees each of these lengths.
        match length {
            1 => self.filled.notify_one(),
            BATCH => self.hurry.notify_one(),
            _ => {}
        }
        Ok(())
    }

    /// Moves at most [`BATCH`] entries into `batch`, which is empty, and frees their room.
    fn take(&self, batch: &mut Vec<LedgerEntry>) {
        let roomy = {
            let mut state = self.state.lock();
            if state.entries.len() <= BATCH {
                // The vectors change places, so both keep what they have grown to.
                std::mem::swap(&mut state.entries, batch);
                std::mem::take(&mut state.roomy)
            } else {
                batch.extend(state.entries.drain(..BATCH));
                let taken = batch.iter().filter(|entry| !matches!(entry, LedgerEntry::AccountChanged { .. })).count();
                state.roomy -= taken;
                taken
            }
        };
        self.room.add_permits(roomy);
    }

    fn commit(&self, entries: usize, took: Duration) {
        {
            let mut state = self.state.lock();
            (state.last_commit, state.failing) = (Some(Commit { entries, took }), None);
        }
        self.durable.send_modify(|durable| *durable += entries as u64);
    }

    fn length(&self) -> usize {
        self.state.lock().entries.len()
    }

    fn pushed(&self) -> u64 {
        self.state.lock().pushed
    }

    fn queued(&self) -> u64 {
        // Durable first: an entry between the two readings counts as queued, never as minus one.
        let durable = *self.durable.borrow();
        self.pushed() - durable
    }

    fn close(&self) {
        self.room.close();
        self.closing.cancel();
    }

    /// Refuses everything from now on, if nothing is left to write.
    fn end_if_empty(&self) -> bool {
        let mut state = self.state.lock();
        state.ended = state.entries.is_empty();
        state.ended
    }

    fn end(&self) {
        self.close();
        self.state.lock().ended = true;
        self.ended.cancel();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("queued", &self.queued()).finish_non_exhaustive()
    }
}

/// Ends the queue with its writer, also when a store panics: nobody shall wait for a writer that is gone.
struct Ending<'a>(&'a Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The writer's life.
async fn write(queue: Arc<Queue>, store: Arc<dyn LedgerStore>) {
    let _ended = Ending(&queue);
    let too_late = async {
        queue.closing.cancelled().await;
        time::sleep(queue.options.drain).await;
    };
    tokio::select! {
        () = write_until_closed(&queue, &*store) => {}
        () = too_late => {
            queue.end();
            let lost = queue.queued();
            queue.state.lock().dropped += lost;
            tracing::error!(lost, waited = ?queue.options.drain, "gave up writing the ledger; these entries are lost");
        }
    }
}

async fn write_until_closed(queue: &Queue, store: &dyn LedgerStore) {
    let mut batch = Vec::new();
    loop {
        linger(queue).await;
        queue.take(&mut batch);
        let entries = batch.len();
        if entries > 0 {
            drop_outdated(&mut batch);
            let took = append(queue, store, &batch).await;
            queue.commit(entries, took);
            batch.clear();
        } else if queue.closing.is_cancelled() && queue.end_if_empty() {
            return;
        }
    }
}

/// Waits for a first entry and then a little for more; not at all once the queue is closing.
async fn linger(queue: &Queue) {
    let filled = async {
        while queue.length() == 0 {
            queue.filled.notified().await;
        }
        if queue.length() >= BATCH {
            return;
        }
        tokio::select! {
            () = time::sleep(queue.options.linger) => {}
            () = queue.hurry.notified() => {}
        }
    };
    let _ = queue.closing.run_until_cancelled(filled).await;
}

/// Leaves out what an account's answers stated before the last one in the batch stated it anew.
fn drop_outdated(batch: &mut Vec<LedgerEntry>) {
    let mut seen = HashSet::new();
    let mut outdated = Vec::new();
    for (index, entry) in batch.iter().enumerate().rev() {
        let LedgerEntry::AccountChanged { id, change, .. } = entry else { continue };
        if matches!(change, AccountChange::Observed(_)) && !seen.insert(*id) {
            outdated.push(index);
        }
    }
    let mut index = 0;
    batch.retain(|_| {
        let keep = outdated.last() != Some(&index);
        if !keep {
            outdated.pop();
        }
        index += 1;
        keep
    });
}

/// Appends the batch, however often it takes, and says how long the time that worked took.
async fn append(queue: &Queue, store: &dyn LedgerStore, batch: &[LedgerEntry]) -> Duration {
    let mut retry = FIRST_RETRY;
    loop {
        let begun = Instant::now();
        match store.append(batch).await {
            Ok(()) => return begun.elapsed(),
            Err(error) => {
                tracing::error!(%error, entries = batch.len(), ?retry, "the ledger can't be written; trying again");
                queue.state.lock().failing = Some(error.to_string());
            }
        }
        pause(queue, retry).await;
        retry = (retry * 2).min(LAST_RETRY);
    }
}

/// Waits before the next try. Being told to finish ends the wait once, not the waiting between tries.
async fn pause(queue: &Queue, retry: Duration) {
    if queue.closing.is_cancelled() {
        time::sleep(retry).await;
    } else {
        let _ = queue.closing.run_until_cancelled(time::sleep(retry)).await;
    }
}

#[cfg(test)]
mod tests;
