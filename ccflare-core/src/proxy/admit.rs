//! Lets a request in, or refuses it whatever its body says: who asks, whether the path may be asked for, and
//! whether there is a place.
//!
//! Who asks travels on beside the request, as an `Arc<ClientKey>` extension; what a key may ask for is judged where it is
//! known (the model and the accounts, by the balancer).

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use http::{Method, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{Layer, Service};

use super::{HeldBody, read_on::read_on};
use crate::{
    clock::Clock,
    domain::ClientKey,
    error::{ProxyError, Refusal},
    key_ring::KeyRing,
    provider::Provider,
    record::{Events, Phase},
    vitals::Bound,
};

/// Puts an [`Admit`] over a service.
#[derive(Clone, Debug)]
pub struct AdmitLayer {
    provider: Arc<dyn Provider>,
    places: Arc<Semaphore>,
    keys: Option<Keys>,
    bound: usize,
    events: Events,
}

#[derive(Clone, Debug)]
struct Keys {
    ring: Arc<KeyRing>,
    required: bool,
    clock: Arc<dyn Clock>,
}

impl AdmitLayer {
    /// Admits what `provider` permits, and at most `max_in_flight` requests at a time. A request is in flight until its
    /// answer's body is over.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, max_in_flight: usize) -> Self {
        let bound = max_in_flight.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(bound));
        Self { provider, places, keys: None, bound, events: Events::default() }
    }

    /// The same, telling how long it takes.
    #[must_use]
    pub fn telling(self, events: Events) -> Self {
        Self { events, ..self }
    }

    pub(crate) fn bound(&self) -> Bound {
        Bound { free: Arc::clone(&self.places), of: self.bound }
    }

    /// Looks at client keys too: one that is sent must be on the `ring`, and if they are `required` one must be sent.
    #[must_use]
    pub fn with_keys(self, ring: Arc<KeyRing>, required: bool, clock: Arc<dyn Clock>) -> Self {
        Self { keys: Some(Keys { ring, required, clock }), ..self }
    }
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit { inner, admission: self.clone() }
    }
}

/// A service that takes only what may go on.
#[derive(Clone, Debug)]
pub struct Admit<S> {
    inner: S,
    admission: AdmitLayer,
}

impl<S, R, B> Service<Request<R>> for Admit<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = ProxyError>,
    R: Body<Data = Bytes> + Send + 'static,
    B: 'static,
{
    type Response = Response<HeldBody<B>>;
    type Error = ProxyError;
    type Future = Either<Admitted<S::Future>, BoxFuture<'static, Result<Self::Response, ProxyError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<R>) -> Self::Future {
        match self.admission.events.timed(Phase::Auth, || self.admission.admit(&request)) {
            Ok((key, place)) => {
                if let Some(key) = key {
                    request.extensions_mut().insert(key);
                }
                Either::Left(Admitted { answer: self.inner.call(request), place: Some(place) })
            }
            Err(refusal) => Either::Right(Box::pin(async move {
                let (head, body) = request.into_parts();
                read_on(&head.headers, pin!(body)).await;
                Err(refusal.into())
            })),
        }
    }
}

impl AdmitLayer {
    /// Who asks comes first: a stranger learns nothing of paths and takes no place.
    fn admit<R>(&self, request: &Request<R>) -> Result<(Option<Arc<ClientKey>>, OwnedSemaphorePermit), Refusal> {
        let key = match &self.keys {
            Some(Keys { ring, required, clock }) => ring.admit(request.headers(), *required, clock.now())?,
            None => None,
        };
        // Limits and budgets of a key are judged here: its owner is known, and nothing has been spent yet.
        let place = self.place(request.method(), request.uri().path())?;
        Ok((key, place))
    }

    fn place(&self, method: &Method, path: &str) -> Result<OwnedSemaphorePermit, Refusal> {
        if !self.provider.permits(method, path) {
            return Err(Refusal::NotPermitted(format!("{method} {path}")));
        }
        let busy = |_| Refusal::Busy { what: "too many requests in flight" };
        Arc::clone(&self.places).try_acquire_owned().map_err(busy)
    }
}

pin_project! {
    /// The answer to a request that was let in.
    pub struct Admitted<F> {
        #[pin]
        answer: F,
        place: Option<OwnedSemaphorePermit>,
    }
}

impl<F, B> Future for Admitted<F>
where
    F: Future<Output = Result<Response<B>, ProxyError>>,
{
    type Output = Result<Response<HeldBody<B>>, ProxyError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(cx))?;
        let place = this.place.take().expect("a future is not polled again once it is ready");
        Poll::Ready(Ok(response.map(|body| HeldBody::new(body, place))))
    }
}
