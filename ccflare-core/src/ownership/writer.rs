//! Writes down what is learned, behind the requests' backs.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::{domain::OwnedId, store::OwnershipStore};

/// So many notes wait at most; a list of the API has a thousand ids.
const QUEUE: usize = 8192;

/// So many go into one commit.
const BATCH: usize = 1024;

/// A failed write is tried again this often, each time after twice as long.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long the writer goes on once it was told to finish.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) enum Note {
    Seen(OwnedId),
    Gone(Arc<str>),
}

/// The way to the writer. It holds nobody back: what does not fit is not written down.
#[derive(Debug)]
pub(super) struct Notes {
    sender: mpsc::Sender<Note>,
    lost: AtomicU64,
}

impl Notes {
    pub(super) fn push(&self, note: Note) {
        if self.sender.try_send(note).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::warn!(lost, "ids are learned faster than they are written down; a restart will forget some");
            }
        }
    }
}

/// The task that writes.
#[derive(Debug)]
pub struct OwnershipWriter {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl OwnershipWriter {
    /// Writes what is queued and ends.
    pub async fn finish(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            tracing::error!("gave up writing down which account owns what");
            self.task.abort();
        }
    }
}

pub(super) fn start(store: Arc<dyn OwnershipStore>) -> (Notes, OwnershipWriter) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(run(store, receiver, stopping));
    (Notes { sender, lost: AtomicU64::new(0) }, OwnershipWriter { stop, task })
}

async fn run(store: Arc<dyn OwnershipStore>, mut receiver: mpsc::Receiver<Note>, mut stopping: watch::Receiver<bool>) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            taken = receiver.recv_many(&mut batch, BATCH) => {
                if taken == 0 {
                    return;
                }
            }
            // What is in the queue is still handed out.
            _ = stopping.wait_for(|stop| *stop), if !receiver.is_closed() => receiver.close(),
        }
        let (seen, gone) = last_words(batch.drain(..));
        if !seen.is_empty() || !gone.is_empty() {
            write(&*store, &seen, &gone).await;
        }
    }
}

/// Of several notes about one id the last one holds.
fn last_words(notes: impl Iterator<Item = Note>) -> (Vec<OwnedId>, Vec<Arc<str>>) {
    let mut last: HashMap<Arc<str>, Option<OwnedId>> = HashMap::new();
    for note in notes {
        match note {
            Note::Seen(owned) => last.insert(Arc::clone(&owned.id), Some(owned)),
            Note::Gone(id) => last.insert(id, None),
        };
    }
    let (mut seen, mut gone) = (Vec::new(), Vec::new());
    for (id, owned) in last {
        match owned {
            Some(owned) => seen.push(owned),
            None => gone.push(id),
        }
    }
    (seen, gone)
}

async fn write(store: &dyn OwnershipStore, seen: &[OwnedId], gone: &[Arc<str>]) {
    let mut wait = FIRST_WAIT;
    for tries in 1..=TRIES {
        match store.note_owned_ids(seen, gone).await {
            Ok(()) => return,
            Err(error) if tries == TRIES => {
                tracing::error!(%error, ids = seen.len(), "which account owns what can't be written down; given up");
            }
            Err(error) => {
                tracing::warn!(%error, "which account owns what can't be written down; trying again");
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ownership;
    use crate::{
        domain::{AccountId, OwnedId, Timestamp},
        store::{OwnershipStore, RedbStore},
    };
    use std::sync::Arc;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[tokio::test]
    async fn what_was_learned_is_known_after_a_restart_and_what_was_forgotten_is_not() {
        let store: Arc<dyn OwnershipStore> = Arc::new(RedbStore::in_memory());
        let account = AccountId::new(NOW);
        let (ownership, writer) = Ownership::start(Arc::clone(&store)).await.expect("an empty store");
        for id in ["file_1", "file_2", "file_3"] {
            ownership.learn(OwnedId { id: id.into(), account, seen: NOW, until: None });
        }
        ownership.forget("file_2");
        writer.finish().await;

        let (ownership, writer) = Ownership::start(store).await.expect("the same store");
        let owners = ["file_1", "file_2", "file_3"].map(|id| ownership.owner(id, NOW));
        assert_eq!(owners, [Some(account), None, Some(account)]);
        writer.finish().await;
    }
}
