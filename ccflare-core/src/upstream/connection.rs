//! A connection to an upstream, driven by whoever waits for an answer on it.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connect::Stream;
use crate::bell::Bell;

/// Why there is no answer.
pub(super) enum Unanswered {
    /// The connection had ended, and nothing of the request was sent.
    Unsent(Box<Request<Full<Bytes>>>),
    /// The connection has ended.
    Broken(hyper::Error),
    /// It took too long.
    Late,
}

/// HTTP/1.1 over one stream. It does nothing by itself: it sends, reads and notices its end only while it is polled. So an
/// answer, and all that it is made of, is the business of one task, and needs no channel, no other task's turn and no other
/// thread.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// What reads and writes, until it is over. What it has not sent by then it gives back when it is dropped.
    work: Option<http1::Connection<Stream, Full<Bytes>>>,
    bell: Bell,
    /// Rings when an answer has been waited for too long. It stays set from one request to the next.
    alarm: Option<Pin<Box<Sleep>>>,
    /// What its requests name as their host.
    host: HeaderValue,
}

impl Connection {
    /// Requests over `stream`, to `host`.
    pub(super) async fn over(stream: Stream, host: HeaderValue) -> hyper::Result<Box<Self>> {
        let (requests, work) = http1::handshake(stream).await?;
        Ok(Box::new(Self { requests, work: Some(work), bell: Bell::default(), alarm: None, host }))
    }

    pub(super) const fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Sends a request and waits for the head of its answer, no longer than until `deadline`.
    ///
    /// # Errors
    /// If the connection ends first, or the deadline comes.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Unanswered> {
        let mut answer = pin!(self.requests.try_send_request(request));
        let answered = poll_fn(|cx| match self.poll_for(cx, |quiet| answer.as_mut().poll(quiet)) {
            Poll::Ready(answered) => Poll::Ready(Some(answered)),
            Poll::Pending => self.poll_until(deadline, cx).map(|()| None),
        });
        match answered.await {
            Some(Ok(response)) => Ok(response),
            Some(Err(mut error)) => match error.take_message() {
                Some(request) => Err(Unanswered::Unsent(Box::new(request))),
                None => Err(Unanswered::Broken(error.into_error())),
            },
            None => Err(Unanswered::Late),
        }
    }

    /// The next frame of the answer that is being read.
    pub(super) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        cx: &Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.poll_for(cx, |quiet| Pin::new(&mut *body).poll_frame(quiet))
    }

    /// An earlier deadline may have set the alarm: it is set anew only when it rings, not for each request.
    fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Polls what comes over the connection, and works for it as long as there is something to do.
    fn poll_for<T>(&mut self, cx: &Context<'_>, mut what: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        // Nobody but this connection makes it ready, so nobody has to wake us for it.
        let quiet = &mut Context::from_waker(Waker::noop());
        let Self { work, bell, .. } = self;
        bell.poll(cx, |cx| {
            if let ready @ Poll::Ready(_) = what(quiet) {
                return ready;
            }
            go_on(work, cx);
            what(quiet)
        })
    }

    /// Whether another request can be sent now that the last answer has been read. Until that happens, nobody is woken by
    /// what comes.
    pub(super) fn rest(&mut self) -> bool {
        self.requests.is_ready() || (self.is_open() && self.requests.is_ready())
    }

    /// Whether the upstream has left it open. Looks without anybody waiting for it.
    pub(super) fn is_open(&mut self) -> bool {
        let (nobody, Self { work, bell, .. }) = (Context::from_waker(Waker::noop()), self);
        let looked = bell.poll(&nobody, |cx| {
            go_on(work, cx);
            Poll::Ready(work.is_some())
        });
        looked == Poll::Ready(true)
    }
}

/// Reads and writes what can be read and written now. How it ends is told to whoever waits for an answer.
fn go_on(work: &mut Option<http1::Connection<Stream, Full<Bytes>>>, cx: &mut Context<'_>) {
    if let Some(connection) = work
        && Pin::new(connection).poll(cx).is_ready()
    {
        *work = None;
    }
}
