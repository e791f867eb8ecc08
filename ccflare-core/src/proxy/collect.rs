//! Gathers a request's body: it may have to be sent more than once, and its model has to be read.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, header::CONTENT_LENGTH};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::{Layer, Service, ServiceExt};

use super::read_on::read_on;
use crate::{
    error::{BoxError, ProxyError, Refusal},
    vitals::Bound,
};

/// So long a client may say nothing in the middle of a body: it keeps a place among the requests in flight.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can be set about collecting.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollectOptions {
    /// The longest body in bytes; longer ones are answered 413. 32 MiB, as the API takes.
    pub body_limit: usize,
    /// How many bytes all collected bodies may have together; beyond that new ones are answered 503. 512 MiB.
    pub body_budget: usize,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self { body_limit: 32 * 1024 * 1024, body_budget: 512 * 1024 * 1024 }
    }
}

/// Puts a [`Collect`] over a service that wants bodies in one piece.
#[derive(Clone, Debug)]
pub struct CollectLayer {
    limit: usize,
    budget: Arc<Semaphore>,
    bound: usize,
}

impl CollectLayer {
    /// Collects within these bounds.
    #[must_use]
    pub fn new(options: &CollectOptions) -> Self {
        // Permits are bytes, and are taken in `u32`s.
        let limit = options.body_limit.min(u32::MAX as usize);
        let budget = options.body_budget.max(limit).min(Semaphore::MAX_PERMITS);
        Self { limit, budget: Arc::new(Semaphore::new(budget)), bound: budget }
    }

    pub(crate) fn bound(&self) -> Bound {
        Bound { free: Arc::clone(&self.budget), of: self.bound }
    }
}

impl<S> Layer<S> for CollectLayer {
    type Service = Collect<S>;

    fn layer(&self, inner: S) -> Collect<S> {
        Collect { inner, bounds: self.clone() }
    }
}

/// A service that takes bodies as they come.
#[derive(Clone, Debug)]
pub struct Collect<S> {
    inner: S,
    bounds: CollectLayer,
}

impl<S, B> Service<Request<B>> for Collect<S>
where
    S: Service<Request<Bytes>, Error = ProxyError> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = ProxyError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, ProxyError>> + Send>>;

    /// Always ready: the inner service is waited for once there is a body.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (inner, bounds) = (self.inner.clone(), self.bounds.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = bounds.collect(&parts.headers, body).await?;
            inner.oneshot(Request::from_parts(parts, body)).await
        })
    }
}

const BUSY: Refusal = Refusal::Busy { what: "the bodies being handled use all the memory set aside for them" };

impl CollectLayer {
    async fn collect<B>(&self, headers: &HeaderMap, body: B) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let mut body = pin!(body);
        let collected = self.gather(headers, body.as_mut()).await;
        if collected.as_ref().is_err_and(|refusal| *refusal != Refusal::BodyUnreadable) {
            read_on(headers, body).await;
        }
        collected
    }

    async fn gather<B>(&self, headers: &HeaderMap, mut body: Pin<&mut B>) -> Result<Bytes, Refusal>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let stated = stated_length(headers);
        if stated.is_some_and(|length| length > self.limit as u64) {
            return Err(Refusal::BodyTooLarge { limit: self.limit });
        }
        let stated = stated.unwrap_or(0) as usize;
        // Room is taken as bytes come: what is announced and never sent takes none. What can't fit is not waited for.
        if stated > self.budget.available_permits() {
            return Err(BUSY);
        }
        let mut reserved: Option<OwnedSemaphorePermit> = None;
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = timeout(PATIENCE, body.frame()).await.map_err(|_| Refusal::BodyUnreadable)? {
            let frame = frame.map_err(|error| {
                tracing::debug!(error = %error.into(), "a request body broke off");
                Refusal::BodyUnreadable
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let length = first.len() + all.len() + data.len();
            if length > self.limit {
                return Err(Refusal::BodyTooLarge { limit: self.limit });
            }
            match &mut reserved {
                Some(reserved) => reserved.merge(self.reserve(data.len())?),
                None => reserved = Some(self.reserve(length)?),
            }
            // Most bodies come in one frame and are passed on as they are.
            if first.is_empty() && all.is_empty() {
                first = data;
            } else {
                if all.is_empty() {
                    all.reserve(stated.max(length));
                    all.extend_from_slice(&std::mem::take(&mut first));
                }
                all.extend_from_slice(&data);
            }
            // Most say how long they are: the end need not be waited for.
            if body.is_end_stream() {
                break;
            }
        }
        let bytes = if all.is_empty() { first } else { all.freeze() };
        Ok(if bytes.is_empty() { bytes } else { Bytes::from_owner(Collected { bytes, _reserved: reserved }) })
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::BodyTooLarge { limit: self.limit })?;
        Arc::clone(&self.budget).try_acquire_many_owned(bytes).map_err(|_| BUSY)
    }
}

fn stated_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A body and its share of the budget, given back with the last reference to it.
struct Collected {
    bytes: Bytes,
    _reserved: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Collected {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::StreamExt;
    use http::header::EXPECT;
    use http_body_util::{Full, StreamBody};
    use tower::service_fn;

    use super::*;

    fn frames(pieces: &'static [&'static str]) -> impl Body<Data = Bytes, Error = BoxError> {
        let frame = |piece: &&'static str| Ok(http_body::Frame::data(Bytes::from_static(piece.as_bytes())));
        StreamBody::new(futures_util::stream::iter(pieces.iter().map(frame)))
    }

    fn layer(limit: usize, budget: usize) -> CollectLayer {
        CollectLayer::new(&CollectOptions { body_limit: limit, body_budget: budget })
    }

    #[tokio::test]
    async fn pieces_become_one_body() {
        let body = layer(100, 100).collect(&HeaderMap::new(), frames(&["ab", "", "cd", "e"])).await;
        assert_eq!(body.as_deref(), Ok(&b"abcde"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_over_the_limit_is_refused_stated_or_not() {
        let refused = Err(Refusal::BodyTooLarge { limit: 4 });
        assert_eq!(layer(4, 100).collect(&HeaderMap::new(), frames(&["abc", "de"])).await, refused);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, 5.into());
        let never_read = StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>());
        assert_eq!(layer(4, 100).collect(&headers, never_read).await, refused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_goes_silent_in_the_middle_of_a_body_keeps_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, 8.into());
        let layer = layer(8, 8);
        let silent = StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, BoxError>>());
        assert_eq!(layer.collect(&headers, silent).await, Err(Refusal::BodyUnreadable));
        assert!(layer.collect(&headers, frames(&["12345678"])).await.is_ok());
    }

    #[tokio::test]
    async fn the_budget_of_all_bodies_is_given_back_with_the_last_reference() {
        let layer = layer(8, 10);
        let held = layer.collect(&HeaderMap::new(), Full::new(Bytes::from_static(b"12345678"))).await.expect("fits");
        let clone = held.clone();
        drop(held);
        let second = layer.collect(&HeaderMap::new(), frames(&["abcd"])).await;
        assert!(matches!(second, Err(Refusal::Busy { .. })));
        drop(clone);
        assert!(layer.collect(&HeaderMap::new(), frames(&["abcd"])).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_refused_is_read_on_so_that_the_answer_is_seen() {
        let behind = service_fn(|_: Request<Bytes>| async { Ok::<_, ProxyError>(()) });
        let sent = async |head: http::request::Builder| {
            let read = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&read);
            let pieces = futures_util::stream::iter(["abc", "def", "ghi"]).map(move |piece| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(piece.as_bytes())))
            });
            let request = head.body(StreamBody::new(pieces)).expect("valid");
            let refused = layer(4, 100).layer(behind).oneshot(request).await.expect_err("too long");
            assert_eq!(refused.refusal, Refusal::BodyTooLarge { limit: 4 });
            read.load(Ordering::Relaxed)
        };
        assert_eq!(sent(Request::post("/").header(CONTENT_LENGTH, 9)).await, 3);
        assert_eq!(sent(Request::post("/")).await, 3);
        assert_eq!(sent(Request::post("/").header(CONTENT_LENGTH, 9).header(EXPECT, "100-continue")).await, 0);
    }

    #[tokio::test]
    async fn the_request_goes_on_with_its_head_unchanged() {
        let behind = service_fn(|request: Request<Bytes>| async move {
            Ok::<_, ProxyError>((request.headers()["x-a"].clone(), request.into_body()))
        });
        let request = Request::post("/v1/messages").header("x-a", "1").body(frames(&["a", "b"])).expect("valid");
        let (header, body) = layer(8, 8).layer(behind).oneshot(request).await.expect("collected");
        assert_eq!((header.as_bytes(), &*body), (&b"1"[..], &b"ab"[..]));
    }
}
