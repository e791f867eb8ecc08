//! Keeps what exchanges carried, if an operator wants that: capped, redacted, and behind a queue of its own.
//!
//! The ledger's queue holds requests back rather than lose a record; this one gives up captures rather than hold
//! requests back. Frames are kept by reference, up to the cap, and count against one budget for everybody from the
//! moment they come until they are written. Redaction is done by the writer, on a blocking thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinHandle,
};

use super::{Redaction, decode::Decoder, redact};
use crate::{
    domain::{Credential, ExchangeId, Payload, PayloadSide, Secret},
    live::Live,
    store::PayloadStore,
};
use zeroize::Zeroizing;

/// So many captures go into one commit.
const BATCH: usize = 32;

/// What every capture costs besides its bodies.
const OVERHEAD: usize = 4 * 1024;

/// How long the writer goes on once it was told to finish.
const DRAIN: Duration = Duration::from_secs(10);

/// Headers that are kept: what a request is, never who sent it. Where the name goes on, all that begin so.
const KEPT: &[&str] = &[
    "accept",
    "anthropic-beta",
    "anthropic-ratelimit-",
    "anthropic-version",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "request-id",
    "retry-after",
    "server",
    "user-agent",
    "x-app",
    "x-should-retry",
    "x-stainless-arch",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
];

/// The longest value of a header that is kept.
const VALUE: usize = 1024;

/// How captures are made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaptureOptions {
    /// Bytes of each body that are kept. 256 KiB.
    pub body_max: usize,
    /// What is taken out of them.
    pub redaction: Redaction,
    /// Bytes of all captures that are not written yet. 64 MiB.
    pub budget: usize,
}

impl CaptureOptions {
    /// The most of a body that can be kept.
    pub const BODY_LIMIT: usize = 448 * 1024;

    fn most(&self) -> usize {
        self.body_max.min(Self::BODY_LIMIT)
    }
}

impl Default for CaptureOptions {
    fn default() -> Self {
        Self { body_max: 256 * 1024, redaction: Redaction::default(), budget: 64 << 20 }
    }
}

/// The front end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Capture {
    shared: Arc<Shared>,
    sender: mpsc::UnboundedSender<Taken>,
}

#[derive(Debug)]
struct Shared {
    wanted: Wanted,
    budget: Arc<Semaphore>,
    pushed: AtomicU64,
    lost: AtomicU64,
    written: watch::Sender<u64>,
}

/// How captures are made now.
#[derive(Debug)]
enum Wanted {
    Always(Arc<CaptureOptions>),
    AsSet(Live),
}

impl Wanted {
    fn now(&self) -> Option<Arc<CaptureOptions>> {
        match self {
            Self::Always(options) => Some(Arc::clone(options)),
            Self::AsSet(live) => live.read(|options| options.capture.clone()),
        }
    }
}

/// The task that writes.
#[derive(Debug)]
pub struct CaptureWriter {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Capture {
    /// Starts the writing task on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn PayloadStore>, options: CaptureOptions) -> (Self, CaptureWriter) {
        let budget = options.budget;
        Self::begin(store, Wanted::Always(Arc::new(options)), budget)
    }

    /// The same, making captures as is set at the time, or none. Their budget stays what it was at the start.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn live(store: Arc<dyn PayloadStore>, live: Live) -> (Self, CaptureWriter) {
        let budget = live.now().capture.as_ref().map_or_else(|| CaptureOptions::default().budget, |it| it.budget);
        Self::begin(store, Wanted::AsSet(live), budget)
    }

    fn begin(store: Arc<dyn PayloadStore>, wanted: Wanted, budget: usize) -> (Self, CaptureWriter) {
        let shared = Arc::new(Shared {
            wanted,
            budget: Arc::new(Semaphore::new(budget.clamp(OVERHEAD, Semaphore::MAX_PERMITS))),
            pushed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            written: watch::Sender::new(0),
        });
        let (sender, receiver) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(false);
        let work = Work { shared: Arc::clone(&shared), store };
        let task = tokio::spawn(work.run(receiver, stopping));
        (Self { shared, sender }, CaptureWriter { stop, task })
    }

    /// Whether captures are made now.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.wanted.now().is_some()
    }

    /// Begins a capture; `None` if none is wanted, or the budget is used up.
    pub(super) fn open(&self, headers: &HeaderMap, body: &Bytes) -> Option<Box<OpenCapture>> {
        let options = self.shared.wanted.now()?;
        let room = Arc::clone(&self.shared.budget).try_acquire_many_owned(OVERHEAD as u32);
        let Ok(room) = room else {
            self.lose();
            return None;
        };
        let mut open = OpenCapture {
            capture: self.clone(),
            options,
            room,
            credentials: credentials(headers),
            request: Side::new(headers),
            answer: Side::default(),
        };
        // By reference if all of it is wanted; a reference to a little would hold all of it.
        let body_max = open.options.most();
        if body.len() <= body_max {
            OpenCapture::keep(&self.shared, body_max, &mut open.room, &mut open.request, body);
        } else {
            let beginning = Bytes::copy_from_slice(&body[..body_max]);
            OpenCapture::keep(&self.shared, body_max, &mut open.room, &mut open.request, &beginning);
            open.request.length = body.len() as u64;
            open.request.truncated = true;
        }
        Some(Box::new(open))
    }

    /// Waits until all that was captured so far is written.
    pub async fn flushed(&self) {
        let target = self.shared.pushed.load(Ordering::SeqCst);
        let mut written = self.shared.written.subscribe();
        tokio::select! {
            _ = written.wait_for(|written| *written >= target) => {}
            () = self.sender.closed() => {}
        }
    }

    fn lose(&self) {
        let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost.is_power_of_two() {
            tracing::warn!(lost, "payloads are captured faster than they are written; some are given up");
        }
    }
}

/// A capture under way.
#[derive(Debug)]
pub(super) struct OpenCapture {
    capture: Capture,
    options: Arc<CaptureOptions>,
    room: OwnedSemaphorePermit,
    credentials: Vec<Secret>,
    request: Side,
    answer: Side,
}

impl OpenCapture {
    /// The answer's head has come, from an account with this credential; it may quote it.
    pub(super) fn answered(&mut self, headers: &HeaderMap, credential: Option<&Credential>) {
        self.answer = Side::new(headers);
        let secrets = credential.iter().flat_map(|credential| credential.secrets());
        self.credentials.extend(secrets.filter(|secret| secret.is_hideable()).cloned());
    }

    /// One more frame of the answer.
    pub(super) fn hear(&mut self, frame: &Bytes) {
        let Self { capture, options, room, answer, .. } = self;
        Self::keep(&capture.shared, options.most(), room, answer, frame);
    }

    /// It is over: on to the writer.
    pub(super) fn finish(self, id: ExchangeId) {
        let Self { capture, options, room, credentials, request, answer } = self;
        let taken = Taken { id, options, credentials, request, answer, _room: room };
        capture.shared.pushed.fetch_add(1, Ordering::SeqCst);
        if capture.sender.send(taken).is_err() {
            capture.lose();
        }
    }

    fn keep(shared: &Shared, body_max: usize, room: &mut OwnedSemaphorePermit, side: &mut Side, frame: &Bytes) {
        side.length += frame.len() as u64;
        let wanted = frame.len().min(body_max - side.kept);
        if side.truncated || wanted == 0 {
            side.truncated |= !frame.is_empty();
            return;
        }
        // Bounded by `body_max`, so it fits.
        let Ok(more) = Arc::clone(&shared.budget).try_acquire_many_owned(wanted as u32) else {
            side.truncated = true;
            return;
        };
        room.merge(more);
        side.kept += wanted;
        side.truncated = wanted < frame.len();
        side.pieces.push(frame.slice(..wanted));
    }
}

/// One side as it came.
#[derive(Debug, Default)]
struct Side {
    headers: Vec<(Box<str>, Box<str>)>,
    content_type: String,
    encoding: Option<HeaderValue>,
    pieces: Vec<Bytes>,
    kept: usize,
    length: u64,
    truncated: bool,
}

impl Side {
    fn new(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_kept = |name: &str, kept: &str| name == kept || (kept.ends_with('-') && name.starts_with(kept));
        let kept = |name: &HeaderName| KEPT.iter().any(|kept| is_kept(name.as_str(), kept));
        let headers_kept = headers.iter().filter(|(name, _)| kept(name));
        let pair = |(name, value): (&HeaderName, &HeaderValue)| {
            let value = value.as_bytes();
            let value = redact::mask(value[..value.len().min(VALUE)].to_vec(), redact::KEY);
            (name.as_str().into(), String::from_utf8_lossy(&value).into())
        };
        Self {
            headers: headers_kept.map(pair).collect(),
            content_type: text(header::CONTENT_TYPE).to_owned(),
            encoding: headers.get(header::CONTENT_ENCODING).cloned(),
            ..Self::default()
        }
    }

    fn redacted(self, redaction: &Redaction, credentials: &[Secret], body_max: usize) -> PayloadSide {
        let (raw, unread) = self.decoded(body_max);
        let Self { headers, content_type, length, truncated, .. } = self;
        let mut body = redaction.body(&content_type, &raw);
        for credential in credentials {
            let word = credential.expose().as_bytes();
            body = redact::mask_end(redact::mask(body, word), word);
        }
        let truncated = truncated || unread || body.len() > body_max;
        body.truncate(body_max);
        PayloadSide { headers, body: body.into(), length, truncated }
    }

    /// The body as it was meant, up to the cap, and whether some of it could not be read.
    fn decoded(&self, body_max: usize) -> (Zeroizing<Vec<u8>>, bool) {
        let mut headers = HeaderMap::new();
        headers.extend(self.encoding.clone().map(|encoding| (header::CONTENT_ENCODING, encoding)));
        // Nobody can say what is in an encoding that is not known.
        let Some(mut decoder) = Decoder::new(&headers) else { return (Zeroizing::default(), true) };
        let mut body = Zeroizing::new(Vec::with_capacity(body_max.min(self.kept * 4)));
        let mut unread = false;
        for piece in &self.pieces {
            let fed = decoder.feed(piece, |decoded| {
                let room = body_max - body.len();
                unread |= decoded.len() > room;
                body.extend_from_slice(&decoded[..decoded.len().min(room)]);
            });
            if fed.is_err() {
                return (body, true);
            }
        }
        (body, unread)
    }
}

/// What the client proves itself with: it may stand in a body, too.
fn credentials(headers: &HeaderMap) -> Vec<Secret> {
    let names =
        [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, HeaderName::from_static("x-api-key")];
    let values = names.iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split([' ', ';', '='])).map(Secret::new).filter(Secret::is_hideable).collect()
}

/// A capture on its way.
#[derive(Debug)]
struct Taken {
    id: ExchangeId,
    options: Arc<CaptureOptions>,
    credentials: Vec<Secret>,
    request: Side,
    answer: Side,
    _room: OwnedSemaphorePermit,
}

impl Taken {
    fn redacted(self) -> Payload {
        let (redaction, body_max) = (&self.options.redaction, self.options.most());
        let request = self.request.redacted(redaction, &self.credentials, body_max);
        let answer = self.answer.redacted(redaction, &self.credentials, body_max);
        Payload { id: self.id, request, answer }
    }
}

struct Work {
    shared: Arc<Shared>,
    store: Arc<dyn PayloadStore>,
}

impl Work {
    async fn run(self, mut receiver: mpsc::UnboundedReceiver<Taken>, mut stopping: watch::Receiver<bool>) {
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
            if !batch.is_empty() {
                self.write(std::mem::take(&mut batch)).await;
            }
        }
    }

    async fn write(&self, batch: Vec<Taken>) {
        let taken = batch.len() as u64;
        let redacting = tokio::task::spawn_blocking(move || batch.into_iter().map(Taken::redacted).collect::<Vec<_>>());
        let written = match redacting.await {
            Ok(payloads) => self.store.keep_payloads(&payloads).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            tracing::error!(%error, lost = taken, "captured payloads can't be written; they are given up");
        }
        self.shared.written.send_modify(|written| *written += taken);
    }
}

impl CaptureWriter {
    /// Writes what is queued and ends. Captures that are still under way are given up.
    pub async fn finish(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            tracing::error!("gave up writing captured payloads");
            self.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::Timestamp, store::RedbStore};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    async fn captured(
        options: CaptureOptions,
        request: &[(&'static str, &'static str)],
        body: &'static [u8],
    ) -> Payload {
        let store = Arc::new(RedbStore::in_memory());
        let (capture, writer) = Capture::start(Arc::clone(&store) as _, options);
        let mut open = capture.open(&headers(request), &Bytes::from_static(body)).expect("room");
        open.answered(&headers(&[("content-type", "application/json"), ("set-cookie", "canary")]), None);
        for frame in ["{\"echo\":", "\"canary-token\"}"] {
            open.hear(&Bytes::from_static(frame.as_bytes()));
        }
        let id = ExchangeId::new(NOW);
        open.finish(id);
        capture.flushed().await;
        writer.finish().await;
        store.payload(id).await.expect("readable").expect("kept")
    }

    const REQUEST: [(&str, &str); 5] = [
        ("content-type", "application/json"),
        ("authorization", "Bearer canary-token"),
        ("cookie", "session=canary-cookie"),
        ("x-unknown", "canary"),
        ("user-agent", "test"),
    ];

    #[test]
    fn a_header_is_kept_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        for name in
            ["x-app", "x-app-token", "server-secret", "x-stainless-api-key", "anthropic-ratelimit-requests-limit"]
        {
            headers.insert(name, HeaderValue::from_static("text"));
        }
        let kept: Vec<_> = Side::new(&headers).headers.into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            kept.iter().map(|name| &**name).collect::<Vec<_>>(),
            ["x-app", "anthropic-ratelimit-requests-limit"]
        );
    }

    #[tokio::test]
    async fn headers_are_kept_by_a_list_and_credentials_not_even_in_bodies() {
        let payload = captured(CaptureOptions::default(), &REQUEST, b"{\"a\":\"canary-cookie\"}").await;
        let names: Vec<_> = payload.request.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["content-type", "user-agent"]);
        assert_eq!(payload.request.body, "{\"a\":\"[redacted]\"}");
        assert_eq!(payload.answer.body, "{\"echo\":\"[redacted]\"}");
        assert!(!payload.answer.truncated && payload.answer.headers.len() == 1);
    }

    #[tokio::test]
    async fn what_is_over_the_cap_is_cut_and_said_to_be() {
        let options = CaptureOptions { body_max: 10, ..CaptureOptions::default() };
        let payload = captured(options, &[("content-type", "text/plain")], b"0123456789abcdef").await;
        assert_eq!((&*payload.request.body, payload.request.length), (&b"0123456789"[..], 16));
        assert!(payload.request.truncated && payload.answer.truncated);
        assert_eq!((&*payload.answer.body, payload.answer.length), (&b"{\"echo\":\"c"[..], 23));
    }

    #[tokio::test]
    async fn what_is_encoded_is_decoded_or_not_kept() {
        for encoding in ["gzip", "no-encoding-we-know"] {
            let request = [("content-type", "application/json"), ("content-encoding", encoding)];
            let payload = captured(CaptureOptions::default(), &request, b"whatever it may be").await;
            assert!(payload.request.body.is_empty() && payload.request.truncated, "{encoding}");
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, b"{\"a\":\"sk-ant-canary\"}").expect("memory");
        let body = Vec::leak(gzip.finish().expect("memory"));
        let request = [("content-type", "application/json"), ("content-encoding", "gzip")];
        let payload = captured(CaptureOptions::default(), &request, body).await;
        assert_eq!(payload.request.body, "{\"a\":\"[redacted]\"}");
    }

    #[tokio::test]
    async fn a_credential_that_is_cut_in_two_is_taken_out_all_the_same() {
        let options = CaptureOptions { body_max: 12, ..CaptureOptions::default() };
        let payload = captured(options, &REQUEST, b"abc canary-token").await;
        assert_eq!(payload.request.body, "abc ");
    }

    #[tokio::test]
    async fn a_budget_that_is_used_up_gives_captures_up_and_holds_nobody_back() {
        let store = Arc::new(RedbStore::in_memory());
        let options = CaptureOptions { budget: OVERHEAD + 4, ..CaptureOptions::default() };
        let (capture, writer) = Capture::start(store, options);
        let mut open = capture.open(&HeaderMap::new(), &Bytes::from_static(b"1234")).expect("room for one");
        assert!(capture.open(&HeaderMap::new(), &Bytes::new()).is_none(), "and no other");
        open.hear(&Bytes::from_static(b"5"));
        assert!(open.answer.truncated && open.answer.pieces.is_empty());
        drop(open);
        assert!(capture.open(&HeaderMap::new(), &Bytes::new()).is_some(), "it is given back");
        writer.finish().await;
    }
}
