//! Everything received, and the ticket that follows one request to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::Notify;

use crate::received::{credential, pairs};
use crate::{Disposition, MockConfig, Received, Totals, Usage};

/// What the mock knows of its requests.
pub(crate) struct Ledger {
    keep: bool,
    keep_bodies: bool,
    capacity: usize,
    seq: AtomicU64,
    stopping: AtomicBool,
    totals: Mutex<Totals>,
    entries: Mutex<VecDeque<Arc<Entry>>>,
    identified: Mutex<Vec<Identified>>,
    changed: Arc<Notify>,
}

/// What became of a request that named itself by `x-mock-id`.
#[derive(Clone, Debug, Serialize)]
pub struct Identified {
    /// The value of `x-mock-id`.
    pub id: String,
    /// The key it came with.
    pub key: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub disposition: Disposition,
}

struct Entry {
    /// Without disposition and sent bytes.
    request: Received,
    live: Mutex<Live>,
}

struct Live {
    disposition: Disposition,
    sent: Vec<Bytes>,
}

impl Ledger {
    pub(crate) fn new(config: &MockConfig, changed: Arc<Notify>) -> Self {
        Self {
            keep: config.keep_requests,
            keep_bodies: config.keep_bodies,
            capacity: config.capacity.max(1),
            seq: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            totals: Mutex::default(),
            entries: Mutex::default(),
            identified: Mutex::default(),
            changed,
        }
    }

    /// Notes a request. What becomes of it is told to the ticket.
    pub(crate) fn open(self: &Arc<Self>, parts: &Parts, body: &Bytes, connection: u64) -> Ticket {
        let seq = self.seq.fetch_add(1, Ordering::Relaxed) + 1;
        let key = credential(&parts.headers).map(str::to_owned);
        let mock_id = parts.headers.get("x-mock-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        self.totals.lock().open(key.as_deref().unwrap_or_default());
        let entry = self.keep.then(|| self.keep(seq, key.clone(), parts, body, connection));
        self.changed.notify_waiters();
        Ticket { ledger: Arc::clone(self), seq, key, mock_id, entry, told: Told::default(), settled: false }
    }

    fn keep(&self, seq: u64, key: Option<String>, parts: &Parts, body: &Bytes, connection: u64) -> Arc<Entry> {
        let request = Received {
            seq,
            key,
            method: parts.method.clone(),
            path_and_query: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            version: parts.version,
            headers: pairs(&parts.headers),
            body: if self.keep_bodies { body.clone() } else { Bytes::new() },
            at: std::time::Instant::now(),
            connection,
            disposition: Disposition::Pending,
            sent: Bytes::new(),
        };
        let live = Mutex::new(Live { disposition: Disposition::Pending, sent: Vec::new() });
        let entry = Arc::new(Entry { request, live });
        let mut entries = self.entries.lock();
        while entries.len() >= self.capacity {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        entry
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        let entries: Vec<_> = self.entries.lock().iter().cloned().collect();
        entries.iter().map(|entry| entry.snapshot()).collect()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }

    pub(crate) fn identified(&self) -> Vec<Identified> {
        self.identified.lock().clone()
    }

    /// From now on what is dropped is the mock's own doing.
    pub(crate) fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Forgets all ended requests; those under way are still counted as pending.
    pub(crate) fn reset(&self) {
        {
            let mut totals = self.totals.lock();
            *totals = Totals { pending: totals.pending, ..Totals::default() };
        }
        self.entries.lock().clear();
        self.identified.lock().clear();
        self.changed.notify_waiters();
    }
}

impl Entry {
    fn snapshot(&self) -> Received {
        let live = self.live.lock();
        let mut sent = BytesMut::with_capacity(live.sent.iter().map(Bytes::len).sum());
        live.sent.iter().for_each(|piece| sent.extend_from_slice(piece));
        Received { disposition: live.disposition.clone(), sent: sent.freeze(), ..self.request.clone() }
    }
}

/// What the client has been told so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) status: Option<u16>,
    pub(crate) usage: Option<Usage>,
    pub(crate) model: Option<String>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Answered,
    ResetBefore,
    Cut,
    ClientLeft,
}

/// Follows one request. Dropped without an end, it notes that the client left.
pub(crate) struct Ticket {
    ledger: Arc<Ledger>,
    pub(crate) seq: u64,
    pub(crate) key: Option<String>,
    mock_id: Option<String>,
    entry: Option<Arc<Entry>>,
    pub(crate) told: Told,
    settled: bool,
}

impl Ticket {
    /// For answers that are not on record.
    pub(crate) fn void(ledger: &Arc<Ledger>) -> Self {
        let told = Told::default();
        Self { ledger: Arc::clone(ledger), seq: 0, key: None, mock_id: None, entry: None, told, settled: true }
    }

    /// Notes bytes of the answer.
    pub(crate) fn sent(&self, bytes: &Bytes) {
        if let Some(entry) = &self.entry
            && self.ledger.keep_bodies
        {
            entry.live.lock().sent.push(bytes.clone());
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Notes the end; only the first one counts.
    pub(crate) fn settle(&mut self, end: End) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let Told { status, usage, model } = self.told.clone();
        let disposition = match end {
            End::Answered => Disposition::Answered { status: status.unwrap_or_default(), usage, model },
            End::ResetBefore => Disposition::ResetBefore,
            End::Cut => Disposition::Cut { status, usage, model },
            End::ClientLeft => Disposition::ClientLeft { status, usage, model },
        };
        self.ledger.totals.lock().settle(self.key.as_deref().unwrap_or_default(), &disposition);
        if let Some(id) = self.mock_id.take() {
            let line = Identified { id, key: self.key.clone(), disposition: disposition.clone() };
            self.ledger.identified.lock().push(line);
        }
        if let Some(entry) = &self.entry {
            entry.live.lock().disposition = disposition;
        }
        self.ledger.changed.notify_waiters();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let stopping = self.ledger.stopping.load(Ordering::Acquire);
        self.settle(if stopping { End::Cut } else { End::ClientLeft });
    }
}
