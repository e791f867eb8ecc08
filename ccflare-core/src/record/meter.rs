//! Reads along in an answer for what it used.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use parking_lot::Mutex;

use super::decode::Decoder;
use crate::{
    provider::{Interest, Provider, Reading},
    sse::{Scanner, Sink},
};

/// An answer in one piece is kept up to this size to be read; the longest the API gives are a tenth of it.
const BODY: usize = 4 * 1024 * 1024;

/// Somebody else who reads along in an answer, for something that is not its usage.
pub trait Listener: fmt::Debug + Send {
    /// Whether the data of a stream's event of this name is wanted.
    fn wants(&mut self, event: &[u8]) -> bool;

    /// A stream's event that was wanted by this or another listener, or that the meter itself reads.
    fn event(&mut self, event: &[u8], data: &[u8]);

    /// The whole body of an answer that is no stream.
    fn body(&mut self, body: &[u8]);
}

/// In a request's extensions: who wants to read along in its answer. It may turn out only while the request is under way.
#[derive(Clone, Debug, Default)]
pub struct Listening(Arc<Mutex<Option<Box<dyn Listener>>>>);

impl Listening {
    /// `listener` reads along, if the answer has not come yet.
    pub fn begin(&self, listener: impl Listener + 'static) {
        *self.0.lock() = Some(Box::new(listener));
    }

    pub(super) fn take(&self) -> Option<Box<dyn Listener>> {
        self.0.lock().take()
    }
}

/// Reads one answer's body, frame by frame, on behalf of a provider. A stream costs a search for line ends and nothing
/// is copied of its content; an answer in one piece is kept by reference until its end.
pub struct Meter {
    provider: Arc<dyn Provider>,
    decoder: Decoder,
    body: Body,
    reading: Reading,
    saw_content: bool,
    listeners: Vec<Box<dyn Listener>>,
}

/// What the body is, and so how it is read.
enum Body {
    Stream(Box<Scanner>),
    Json {
        pieces: Vec<Bytes>,
        length: usize,
    },
    /// Not understood, or too long, or not encoded as it says.
    Unread,
}

impl Meter {
    /// A meter for an answer with this head.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, status: StatusCode, headers: &HeaderMap) -> Self {
        let kind = headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        let (decoder, body) = match Decoder::new(headers) {
            None => (Decoder::Identity, Body::Unread),
            Some(decoder) if kind.starts_with(b"text/event-stream") => (decoder, Body::Stream(Box::default())),
            Some(decoder) if kind.starts_with(b"application/json") || !status.is_success() => {
                (decoder, Body::Json { pieces: Vec::new(), length: 0 })
            }
            Some(_) => (Decoder::Identity, Body::Unread),
        };
        Self { provider, decoder, body, reading: Reading::default(), saw_content: false, listeners: Vec::new() }
    }

    /// Lets somebody else read along, too.
    #[must_use]
    pub fn heard_by(mut self, listener: Option<Box<dyn Listener>>) -> Self {
        self.listeners.extend(listener);
        self
    }

    /// Reads one more frame.
    pub fn feed(&mut self, frame: &Bytes) {
        let Self { provider, decoder, body, reading, saw_content, listeners } = self;
        let kept = match body {
            Body::Stream(scanner) => {
                let mut ears = Ears { provider: &**provider, reading, saw_content, listeners };
                decoder.feed(frame, |piece| scanner.feed(piece, &mut ears)).is_ok()
            }
            Body::Json { pieces, length } => keep(frame, decoder, pieces, length),
            Body::Unread => true,
        };
        if !kept {
            *body = Body::Unread;
        }
    }

    /// Whether a stream's first content has come. When an answer in one piece was begun, nobody knows.
    #[must_use]
    pub const fn saw_content(&self) -> bool {
        self.saw_content
    }

    /// Whether it reads a stream, so that [`Reading::complete`] tells a whole one from one that was cut.
    #[must_use]
    pub const fn reads_stream(&self) -> bool {
        matches!(self.body, Body::Stream(_))
    }

    /// The body is over, properly or not: tells those who read along.
    pub(super) fn tell(&mut self) {
        if let (Body::Json { pieces, .. }, false) = (&mut self.body, self.listeners.is_empty()) {
            let whole = join(pieces);
            self.listeners.drain(..).for_each(|mut listener| listener.body(&whole));
        }
    }

    /// The same, and what it said.
    #[must_use]
    pub fn finish(mut self) -> Reading {
        self.tell();
        if let Body::Json { mut pieces, .. } = self.body {
            self.provider.read_body(&join(&mut pieces), &mut self.reading);
        }
        self.reading
    }
}

/// Makes one of the pieces.
fn join(pieces: &mut Vec<Bytes>) -> Bytes {
    if let [whole] = &**pieces {
        return whole.clone();
    }
    let whole = Bytes::from(pieces.concat());
    *pieces = vec![whole.clone()];
    whole
}

/// Keeps a frame of an answer in one piece: by reference, unless it has to be decoded. `false` if it can't be kept.
fn keep(frame: &Bytes, decoder: &mut Decoder, pieces: &mut Vec<Bytes>, length: &mut usize) -> bool {
    if decoder.is_identity() {
        *length += frame.len();
        pieces.push(frame.clone());
    } else {
        let mut decoded = Vec::new();
        let room = BODY - *length;
        // One byte over the limit is enough to know.
        let take =
            |piece: &[u8]| decoded.extend_from_slice(&piece[..piece.len().min(room + 1 - decoded.len().min(room))]);
        if decoder.feed(frame, take).is_err() {
            return false;
        }
        *length += decoded.len();
        pieces.push(decoded.into());
    }
    *length <= BODY
}

struct Ears<'a> {
    provider: &'a dyn Provider,
    reading: &'a mut Reading,
    saw_content: &'a mut bool,
    listeners: &'a mut [Box<dyn Listener>],
}

impl Sink for Ears<'_> {
    fn wants(&mut self, event: &[u8]) -> bool {
        let interest = self.provider.interest(event);
        *self.saw_content |= interest == Interest::Content;
        let heard = self.listeners.iter_mut().any(|listener| listener.wants(event));
        heard || interest == Interest::Read
    }

    fn event(&mut self, event: &[u8], data: &[u8]) {
        if self.provider.interest(event) == Interest::Read {
            self.provider.read_event(event, data, self.reading);
        }
        self.listeners.iter_mut().for_each(|listener| listener.event(event, data));
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("reading", &self.reading).finish_non_exhaustive()
    }
}
