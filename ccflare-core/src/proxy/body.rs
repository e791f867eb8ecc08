//! The bodies that leave the line.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;

/// The upstream's body, or one of our own.
#[derive(Debug)]
pub enum AnswerBody<B> {
    /// The upstream's, as it comes.
    Proxied(B),
    /// Ours, in one piece; nothing once it is sent.
    Own(Option<Bytes>),
}

impl<B: Body<Data = Bytes> + Unpin> Body for AnswerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.get_mut() {
            Self::Proxied(body) => Pin::new(body).poll_frame(cx),
            Self::Own(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Proxied(body) => body.is_end_stream(),
            Self::Own(body) => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Proxied(body) => body.size_hint(),
            Self::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

pin_project! {
    /// A body that holds its request's place among those in flight until it is over.
    #[derive(Debug)]
    pub struct HeldBody<B> {
        #[pin]
        body: B,
        place: OwnedSemaphorePermit,
    }
}

impl<B> HeldBody<B> {
    pub(super) const fn new(body: B, place: OwnedSemaphorePermit) -> Self {
        Self { body, place }
    }
}

impl<B: Body> Body for HeldBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
