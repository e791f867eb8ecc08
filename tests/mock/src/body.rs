//! The body of an answer: its writes, its pace and its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::Usage;
use crate::conn::Conn;
use crate::events::Prepared;
use crate::ledger::{End, Ticket};

/// The mock gave up on a connection on purpose.
#[derive(Debug)]
pub(crate) struct Aborted;

impl std::fmt::Display for Aborted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("scripted abort")
    }
}

impl std::error::Error for Aborted {}

/// What comes after the last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The answer is whole.
    Whole,
    /// A polite end of an answer that is not whole.
    Clean,
    /// RST; in HTTP/2 of the stream.
    Reset,
    /// FIN without the terminating chunk; in HTTP/2 RST_STREAM.
    Close,
    /// Silence.
    Stall,
}

/// How the writes follow each other.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Every byte is a write of its own.
    pub(crate) per_byte: bool,
    /// Each write is flushed before the next.
    pub(crate) flush_each: bool,
    /// The wait before each delta but the first.
    pub(crate) pace: Duration,
    /// HTTP/2 has no flush to wait for that is a stream's own.
    pub(crate) http2: bool,
}

/// The body of an answer.
pub(crate) struct MockBody {
    writes: Writes,
    next: usize,
    /// What is left of the write under way.
    rest: Bytes,
    manner: Manner,
    /// Whether the next write has waited its time.
    released: bool,
    sleep: Option<Pin<Box<Sleep>>>,
    ending: Ending,
    /// Flushes at the time of the last write, once the end waits for the next.
    flushes: Option<u64>,
    length: Option<u64>,
    usage: Option<Usage>,
    conn: Arc<Conn>,
    ticket: Ticket,
}

/// The writes of a body and what is known of them.
pub(crate) struct Writes {
    pub(crate) prepared: Arc<Prepared>,
    /// Replaces the first write.
    pub(crate) first: Option<Bytes>,
    /// Replaces all writes.
    pub(crate) packed: Option<Vec<Bytes>>,
}

impl Writes {
    fn len(&self) -> usize {
        self.packed.as_ref().map_or(self.prepared.writes.len(), Vec::len)
    }

    fn get(&self, index: usize) -> Bytes {
        match (&self.packed, &self.first) {
            (Some(packed), _) => packed[index].clone(),
            (None, Some(first)) if index == 0 => first.clone(),
            _ => self.prepared.writes[index].clone(),
        }
    }

    fn bytes(&self) -> u64 {
        (0..self.len()).map(|index| self.get(index).len() as u64).sum()
    }
}

impl MockBody {
    /// A body of these writes. Usage is told as the writes go out.
    pub(crate) fn new(
        writes: Writes,
        manner: Manner,
        ending: Ending,
        usage: Option<Usage>,
        conn: Arc<Conn>,
        ticket: Ticket,
    ) -> Self {
        Self {
            writes,
            next: 0,
            rest: Bytes::new(),
            manner,
            released: true,
            sleep: None,
            ending,
            flushes: None,
            length: None,
            usage,
            conn,
            ticket,
        }
    }

    /// A body that is one write, of a known length.
    pub(crate) fn plain(bytes: Bytes, conn: Arc<Conn>, ticket: Ticket) -> Self {
        let prepared = Prepared { writes: vec![bytes], id_at: None, deltas: 0..0, start_told: None, full_told: None };
        let writes = Writes { prepared: Arc::new(prepared), first: None, packed: None };
        let manner = Manner { per_byte: false, flush_each: false, pace: Duration::ZERO, http2: false };
        Self::new(writes, manner, Ending::Whole, None, conn, ticket).sized(None)
    }

    /// States the length: that of the writes, or a longer one that is never reached.
    pub(crate) fn sized(mut self, promised: Option<u64>) -> Self {
        self.length = Some(promised.unwrap_or_else(|| self.writes.bytes()));
        self
    }

    /// For bodies hyper does not ask for: empty ones, and those of HEAD.
    pub(crate) fn unread(mut self) -> Self {
        self.ticket.settle(End::Answered);
        self
    }

    /// All writes are out.
    fn exhausted(&self) -> bool {
        self.rest.is_empty() && self.next >= self.writes.len()
    }

    /// The bytes to send now.
    fn take(&mut self) -> Bytes {
        if self.rest.is_empty() {
            self.rest = self.writes.get(self.next);
            self.next += 1;
        }
        let piece = if self.manner.per_byte { self.rest.split_to(1) } else { std::mem::take(&mut self.rest) };
        self.released = false;
        self.ticket.sent(&piece);
        if self.rest.is_empty() {
            self.tell();
        }
        if self.exhausted() {
            match self.ending {
                Ending::Whole => self.ticket.settle(End::Answered),
                Ending::Clean => self.ticket.settle(End::Cut),
                Ending::Reset | Ending::Close | Ending::Stall => {}
            }
        }
        piece
    }

    /// Notes what the writes so far have stated.
    fn tell(&mut self) {
        let reached = |mark: Option<usize>| mark.is_some_and(|mark| self.next >= mark);
        if reached(self.writes.prepared.full_told) {
            self.ticket.told.usage = self.usage;
        } else if reached(self.writes.prepared.start_told) {
            self.ticket.told.usage = self.usage.map(|usage| usage.at_start());
        }
    }

    /// Waits until the next write is due: by the pace, or by a turn of the connection that flushes.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        if self.released {
            return Poll::Ready(());
        }
        self.released = true;
        let deltas = &self.writes.prepared.deltas;
        let paced = self.rest.is_empty() && self.next > deltas.start && deltas.contains(&self.next);
        if paced && !self.manner.pace.is_zero() {
            let mut pause = Box::pin(sleep(self.manner.pace));
            let due = pause.as_mut().poll(cx);
            self.sleep = due.is_pending().then_some(pause);
            return due;
        }
        if self.manner.flush_each {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Waits until all writes are with the kernel.
    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            match self.flushes {
                Some(before) if self.conn.flushes() > before => return Poll::Ready(()),
                Some(_) => self.sleep = Some(Box::pin(sleep(Duration::from_millis(1)))),
                None => {
                    self.flushes = Some(self.conn.flushes());
                    self.sleep = Some(Box::pin(sleep(Duration::from_millis(if self.manner.http2 { 20 } else { 1 }))));
                }
            }
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match self.ending {
            Ending::Whole => self.ticket.settle(End::Answered),
            Ending::Clean => self.ticket.settle(End::Cut),
            Ending::Stall => return Poll::Pending,
            Ending::Reset | Ending::Close => {
                ready!(self.poll_flushed(cx));
                if self.ending == Ending::Reset && !self.manner.http2 {
                    self.conn.reset_at_close();
                }
                self.ticket.settle(End::Cut);
                return Poll::Ready(Some(Err(Aborted)));
            }
        }
        Poll::Ready(None)
    }
}

impl Body for MockBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        let this = self.get_mut();
        if this.exhausted() {
            return this.poll_end(cx);
        }
        ready!(this.poll_due(cx));
        Poll::Ready(Some(Ok(Frame::data(this.take()))))
    }

    fn is_end_stream(&self) -> bool {
        // Not before the end has been noted: hyper drops a body at its end unasked.
        self.exhausted() && self.ticket.is_settled()
    }

    fn size_hint(&self) -> SizeHint {
        // hyper asks once, before the first write.
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
