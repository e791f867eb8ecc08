//! Lets a body pass and listens.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{Meter, capture::OpenCapture, recorder::OpenExchange};
use crate::{domain::Outcome, error::BodyError, provider::Reading, store::write_behind::Remains};

/// A body whose frames pass untouched while a meter reads along. Its end is told exactly once: by its last frame, its
/// error, or its being dropped before either.
#[derive(Debug)]
pub struct TeeBody<B> {
    inner: B,
    listener: Option<Box<Listener>>,
}

#[derive(Debug)]
struct Listener {
    meter: Meter,
    exchange: OpenExchange,
    capture: Option<Box<OpenCapture>>,
    bytes: u64,
    saw_content: bool,
    /// How long it has read along.
    read_for: Duration,
    ending: Ending,
}

impl<B: Body> TeeBody<B> {
    /// Listens to `inner` on behalf of `exchange`.
    pub(super) fn new(inner: B, meter: Meter, exchange: OpenExchange, capture: Option<Box<OpenCapture>>) -> Self {
        let listener = Listener {
            meter,
            exchange,
            capture,
            bytes: 0,
            saw_content: false,
            read_for: Duration::ZERO,
            ending: Ending::Dropped,
        };
        let mut tee = Self { inner, listener: Some(Box::new(listener)) };
        if tee.inner.is_end_stream() {
            tee.end(Ending::Clean);
        }
        tee
    }
}

impl<B> TeeBody<B> {
    fn end(&mut self, ending: Ending) {
        if let Some(mut listener) = self.listener.take() {
            listener.ending = ending;
            listener.end();
        }
    }
}

/// How a body stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Clean,
    Broken,
    Dropped,
}

impl Listener {
    fn hear(&mut self, data: &Bytes) {
        let begun = self.exchange.stopwatch();
        self.read(data);
        if let (Some(begun), Some(now)) = (begun, self.exchange.stopwatch()) {
            self.read_for += now.saturating_sub(begun);
        }
    }

    fn read(&mut self, data: &Bytes) {
        self.bytes += data.len() as u64;
        self.meter.feed(data);
        if let Some(capture) = &mut self.capture {
            capture.hear(data);
        }
        if !self.saw_content && self.meter.saw_content() {
            self.saw_content = true;
            self.exchange.first_token();
        }
    }

    /// What others learn from the answer they know before its end is out, for the client may ask with it at once. The rest can
    /// wait.
    fn end(mut self: Box<Self>) {
        self.meter.tell();
        if let Some(recorder) = self.exchange.over() {
            recorder.afterwards(self);
        }
    }
}

impl Remains for Listener {
    fn settle(self: Box<Self>) {
        let Self { meter, exchange, capture, bytes, read_for, ending, .. } = *self;
        if bytes > 0 {
            exchange.read_for(read_for);
        }
        let reads_stream = meter.reads_stream();
        let reading = meter.finish();
        let outcome = if reads_stream { of_stream(ending, &reading, bytes) } else { of_body(ending, &reading) };
        if let (Some(capture), Some(id)) = (capture, exchange.id()) {
            capture.finish(id);
        }
        exchange.finished(outcome, reading, bytes);
    }
}

fn of_stream(ending: Ending, reading: &Reading, bytes: u64) -> Outcome {
    match ending {
        Ending::Broken => Outcome::Cut,
        // The client may close right behind the last event: it has had everything.
        _ if reading.complete => Outcome::Answered,
        // An error ends it, whoever closes first.
        _ if reading.error.is_some() => Outcome::Cut,
        Ending::Dropped => Outcome::Cancelled,
        // A message that ends politely in its middle is cut all the same, and so is a stream of nothing. Where other streams end
        // nobody knows.
        Ending::Clean if reading.begun || bytes == 0 => Outcome::Cut,
        Ending::Clean => Outcome::Answered,
    }
}

fn of_body(ending: Ending, reading: &Reading) -> Outcome {
    match ending {
        Ending::Broken => Outcome::Cut,
        Ending::Dropped if !reading.complete => Outcome::Cancelled,
        Ending::Clean | Ending::Dropped => Outcome::Answered,
    }
}

impl<B: Body<Data = Bytes, Error: 'static> + Unpin> Body for TeeBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(listener), Some(data)) = (&mut this.listener, frame.data_ref()) {
                    listener.hear(data);
                }
                // A body of known length is not polled again behind its last byte.
                if this.inner.is_end_stream() {
                    this.end(Ending::Clean);
                }
            }
            Poll::Ready(Some(Err(error))) => {
                let error: Option<&BodyError> = (error as &dyn Any).downcast_ref();
                if let (Some(BodyError::Silence(_)), Some(listener)) = (error, &mut this.listener) {
                    listener.exchange.fell_silent();
                }
                this.end(Ending::Broken);
            }
            Poll::Ready(None) => this.end(Ending::Clean),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B> Drop for TeeBody<B> {
    fn drop(&mut self) {
        self.end(Ending::Dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_stream_ended_is_told_by_what_it_said_and_then_by_who_closed_it() {
        let begun = Reading { begun: true, ..Reading::default() };
        let complete = Reading { complete: true, ..begun.clone() };
        let failed = Reading { error: Some("overloaded_error: Overloaded".into()), ..begun.clone() };
        let other = Reading::default();
        for (reading, [clean, broken, dropped]) in [
            (&complete, [Outcome::Answered, Outcome::Cut, Outcome::Answered]),
            (&begun, [Outcome::Cut, Outcome::Cut, Outcome::Cancelled]),
            (&failed, [Outcome::Cut, Outcome::Cut, Outcome::Cut]),
            (&other, [Outcome::Answered, Outcome::Cut, Outcome::Cancelled]),
        ] {
            assert_eq!(of_stream(Ending::Clean, reading, 9), clean, "{reading:?}");
            assert_eq!(of_stream(Ending::Broken, reading, 9), broken, "{reading:?}");
            assert_eq!(of_stream(Ending::Dropped, reading, 9), dropped, "{reading:?}");
        }
        assert_eq!(of_stream(Ending::Clean, &other, 0), Outcome::Cut);
    }
}
