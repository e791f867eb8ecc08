//! An answer's body, as it comes.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::{
    causes,
    connection::Connection,
    idle::{Idle, Origin},
};
use crate::error::BodyError;

/// Frames up to this size are joined when several are ready. Copying so little costs less than writing each by itself.
pub(super) const SMALL: usize = 2 * 1024;

/// Room for the first few frames that are joined; it grows with them.
const FIRST_ROOM: usize = 2 * 1024;

/// So much is joined at the most.
const JOINED: usize = 16 * 1024;

/// A connection while an answer is read from it, and where it rests afterwards.
pub(super) struct Lent {
    pub(super) connection: Box<Connection>,
    pub(super) idle: Arc<Idle>,
    pub(super) origin: Origin,
}

/// An answer's body: its bytes as they come, broken off when the upstream falls silent for too long. Dropped before its end,
/// it closes the connection, so that the upstream stops.
///
/// hyper hands over one frame at a time, and a burst of deltas would go to the client in as many writes. Small frames that
/// are there are joined; nothing ever waits for one that is not there yet.
#[derive(Debug)]
pub struct UpstreamBody(
    /// In a box, because answers are handed on from stage to stage.
    Box<Reading>,
);

struct Reading {
    inner: Incoming,
    /// Until the end has been read.
    lent: Option<Lent>,
    joined: BytesMut,
    first: Option<Bytes>,
    /// What came behind the joined frames: a frame too large to join, an error, or the end.
    next: Option<Option<Result<Frame<Bytes>, BodyError>>>,
    idle: Duration,
    /// Since when nothing has come; known once it was waited for.
    silent_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl UpstreamBody {
    pub(super) fn new(inner: Incoming, lent: Lent, idle: Duration) -> Self {
        let (joined, first, next) = (BytesMut::new(), None, None);
        let reading = Reading { inner, lent: Some(lent), joined, first, next, idle, silent_since: None, alarm: None };
        let mut body = Self(Box::new(reading));
        if body.0.inner.is_end_stream() {
            body.0.give_back();
        }
        body
    }
}

impl Reading {
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let polled = match &mut self.lent {
            Some(lent) => lent.connection.poll_frame(&mut self.inner, cx),
            None => Pin::new(&mut self.inner).poll_frame(cx),
        };
        if polled.is_ready() {
            self.silent_since = None;
        }
        // A body of known length says with its last frame that it is over, another one behind it.
        if matches!(polled, Poll::Ready(None)) || polled.is_ready() && self.inner.is_end_stream() {
            self.give_back();
        }
        polled
    }

    /// All has been read, so the connection can serve another request.
    fn give_back(&mut self) {
        if let Some(mut lent) = self.lent.take()
            && lent.connection.rest()
        {
            lent.idle.keep(&lent.origin, lent.connection);
        }
    }

    /// One small frame more. The first is kept as it is: most often it stays the only one.
    fn join(&mut self, data: Bytes) {
        if self.first.is_none() && self.joined.is_empty() {
            self.first = Some(data);
            return;
        }
        if let Some(first) = self.first.take() {
            self.joined.reserve(FIRST_ROOM.max(first.len() + data.len()));
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&data);
    }

    fn holds_frames(&self) -> bool {
        self.first.is_some() || !self.joined.is_empty()
    }

    fn take_joined(&mut self) -> Frame<Bytes> {
        // With all its room: a stream that pauses holds none.
        Frame::data(self.first.take().unwrap_or_else(|| std::mem::take(&mut self.joined).freeze()))
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        // A frame that is there at once costs no look at the clock.
        let due = *self.silent_since.get_or_insert_with(Instant::now) + self.idle;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        // Set anew only when it rings, not for each frame.
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(BodyError::Silence(self.idle));
            }
            alarm.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(next);
        }
        loop {
            let next = match self.poll_inner(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.len() <= SMALL => {
                        self.join(data);
                        if self.joined.len() >= JOINED || self.inner.is_end_stream() {
                            return Poll::Ready(Some(Ok(self.take_joined())));
                        }
                        continue;
                    }
                    Ok(data) => Some(Ok(Frame::data(data))),
                    Err(trailers) => Some(Ok(trailers)),
                },
                Poll::Ready(Some(Err(error))) => Some(Err(BodyError::Broken(causes(&error)))),
                Poll::Ready(None) => None,
                Poll::Pending if self.holds_frames() => return Poll::Ready(Some(Ok(self.take_joined()))),
                Poll::Pending => return self.poll_silence(cx).map(|silence| Some(Err(silence))),
            };
            if self.holds_frames() {
                self.next = Some(next);
                return Poll::Ready(Some(Ok(self.take_joined())));
            }
            return Poll::Ready(next);
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.holds_frames() && self.next.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = (self.joined.len() + self.first.as_ref().map_or(0, Bytes::len)) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(held + inner.lower());
        if let Some(upper) = inner.upper() {
            hint.set_upper(held + upper);
        }
        hint
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("inner", &self.inner).finish_non_exhaustive()
    }
}
