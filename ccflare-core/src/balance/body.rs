//! The body of a judged answer: what had to be read to judge it, then the rest.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::pool::InFlight;

/// An answer's body, with the frames that were read to judge it in front, exactly as they came. While it lives, its
/// account counts one more request in flight.
#[derive(Debug)]
pub struct ServedBody<B: Body> {
    read: VecDeque<Bytes>,
    /// Where the body broke while it was read; told when the frames before it have been replayed.
    broken: Option<B::Error>,
    rest: Option<B>,
    /// Held, not read.
    _in_flight: InFlight,
}

impl<B: Body> ServedBody<B> {
    /// A body of which nothing has been read yet.
    pub(super) fn new(rest: B, in_flight: InFlight) -> Self {
        Self { read: VecDeque::new(), broken: None, rest: Some(rest), _in_flight: in_flight }
    }
}

impl<B: Body<Data = Bytes> + Unpin> ServedBody<B> {
    /// Reads on until `limit` bytes are there, the body is over or `patience` has passed, and gives what was read so far as one
    /// piece.
    pub(super) async fn peek(&mut self, limit: usize, patience: Duration) -> Bytes {
        let reading = async {
            let mut length: usize = self.read.iter().map(Bytes::len).sum();
            while length < limit {
                let Some(data) = self.read_one().await else { break };
                length += data;
            }
        };
        let _ = tokio::time::timeout(patience, reading).await;
        self.joined(limit)
    }

    /// Reads one frame, if none has been read yet.
    pub(super) async fn peek_first(&mut self) -> Bytes {
        if self.read.is_empty() {
            self.read_one().await;
        }
        self.read.front().cloned().unwrap_or_default()
    }

    async fn read_one(&mut self) -> Option<usize> {
        let rest = self.rest.as_mut()?;
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *rest).poll_frame(cx)).await;
        match frame {
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                let length = data.len();
                self.read.push_back(data);
                Some(length)
            }
            Some(Err(error)) => {
                self.broken = Some(error);
                self.rest = None;
                None
            }
            None => {
                self.rest = None;
                None
            }
        }
    }

    fn joined(&self, limit: usize) -> Bytes {
        match &self.read {
            read if read.len() == 1 => read[0].clone(),
            read => {
                let all: Vec<u8> = read.iter().flatten().copied().take(limit).collect();
                all.into()
            }
        }
    }
}

impl<B: Body<Data = Bytes, Error: Unpin> + Unpin> Body for ServedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(data) = this.read.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut this.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.broken.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read: u64 = self.read.iter().map(|data| data.len() as u64).sum();
        let Some(rest) = &self.rest else { return self.ended(read) };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(read + rest.lower());
        if let Some(upper) = rest.upper() {
            hint.set_upper(read + upper);
        }
        hint
    }
}

impl<B: Body> ServedBody<B> {
    /// The size of a body that has been read to its end; one that broke has promised more than it gives.
    fn ended(&self, read: u64) -> SizeHint {
        let mut hint = SizeHint::with_exact(read);
        if self.broken.is_some() {
            hint = SizeHint::new();
            hint.set_lower(read);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::StreamBody;

    use super::*;
    use crate::{
        domain::{AccountId, Timestamp},
        pool::AccountPool,
    };

    #[tokio::test(start_paused = true)]
    async fn what_stands_still_is_judged_by_what_came_of_it() {
        let came = stream::once(async { Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"ab"))) });
        let stands_still = StreamBody::new(Box::pin(came.chain(stream::pending())));
        let in_flight = AccountPool::default().enter(AccountId::new(Timestamp::from_seconds(1)));
        let mut body = ServedBody::new(stands_still, in_flight);
        assert_eq!(body.peek(100, Duration::from_secs(5)).await, "ab");
    }
}
