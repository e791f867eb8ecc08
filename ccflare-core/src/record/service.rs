//! Opens an exchange for each request and sees to its settlement.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use tower::{Service, ServiceExt};

use super::{
    Listening, Meter, OpenExchange, Recorder, TeeBody,
    capture::OpenCapture,
    trace::{TRACEPARENT, TraceParent},
};
use crate::{
    domain::{ClientKey, ExchangeId, Facts, Intent},
    error::ProxyError,
    ownership::Learner,
    provider::{Anthropic, Served},
};

/// The header that tells a client under which id its request is recorded.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-ccflare-request-id");

tokio::task_local! {
    static REQUEST: ExchangeId;
}

/// The request that is being worked on, for those who write log lines about it.
#[must_use]
pub fn current_request() -> Option<ExchangeId> {
    REQUEST.try_with(|id| *id).ok()
}

/// See [the module](super).
#[derive(Clone, Debug)]
pub struct Record<S> {
    pub(super) inner: S,
    pub(super) recorder: Recorder,
}

impl<S, B> Service<Request<Bytes>> for Record<S>
where
    S: Service<Request<Bytes>, Response = Response<B>, Error = ProxyError> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes>,
{
    type Response = Response<TeeBody<B>>;
    type Error = ProxyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ProxyError>> + Send>>;

    /// Always ready: the queue is waited for once there is a request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Self::Future {
        let (inner, recorder) = (self.inner.clone(), self.recorder.clone());
        let intent = intent(&request, &recorder);
        let id = intent.id;
        let facts = request.extensions().get::<Facts>().cloned();
        let listening = request.extensions_mut().remove::<Listening>();
        Box::pin(REQUEST.scope(id, async move {
            let mut exchange = recorder.open(intent).await?;
            if recorder.events().is_observed() {
                exchange.traced(request.headers().get(TRACEPARENT));
            }
            let capture = recorder.capture().and_then(|capture| capture.open(request.headers(), request.body()));
            if recorder.events().has_spans() {
                exchange.spanned(TraceParent::continue_in(request.headers_mut()));
            }
            if let Some(trail) = exchange.trail() {
                request.extensions_mut().insert(trail);
            }
            let mut answer = pin!(inner.oneshot(request));
            let answer = poll_fn(|cx| {
                let answer = answer.as_mut().poll(cx);
                // The request goes out first: what is not known yet of who asks is read while the upstream is at work.
                exchange.begin(facts.as_ref());
                answer
            });
            match answer.await {
                Ok(response) => Ok(listen(response, exchange, id, capture, listening)),
                Err(error) => {
                    if let Some(capture) = capture {
                        capture.finish(id);
                    }
                    exchange.refused(&error.refusal);
                    Err(ProxyError { exchange: Some(id), ..error })
                }
            }
        }))
    }
}

/// What is known without the facts.
fn intent(request: &Request<Bytes>, recorder: &Recorder) -> Intent {
    let at = recorder.clock().now();
    Intent {
        id: ExchangeId::new(at),
        at,
        method: request.method().clone(),
        path: request.uri().path().into(),
        model: None,
        request_bytes: request.body().len() as u64,
        client_key: request.extensions().get::<Arc<ClientKey>>().map(|key| (key.id, Arc::clone(&key.name))),
        asker: None,
        preference: None,
    }
}

fn listen<B: Body<Data = Bytes>>(
    mut response: Response<B>,
    mut exchange: OpenExchange,
    id: ExchangeId,
    mut capture: Option<Box<OpenCapture>>,
    listening: Option<Listening>,
) -> Response<TeeBody<B>> {
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let served = response.extensions_mut().remove::<Served>();
    if let Some(capture) = &mut capture {
        let account = served.as_ref().and_then(|served| served.account.as_deref());
        capture.answered(response.headers(), account.map(|account| &*account.credential));
    }
    exchange.served_by(served.as_ref().and_then(|served| served.account.clone()));
    exchange.headers(response.status());
    let provider = served.map_or_else(|| Arc::new(Anthropic::default()) as _, |served| served.provider);
    let learner = response.extensions_mut().remove::<Learner>();
    let meter = Meter::new(provider, response.status(), response.headers())
        .heard_by(listening.and_then(|listening| listening.take()))
        .heard_by(learner.map(|learner| Box::new(learner) as _));
    response.map(|body| TeeBody::new(body, meter, exchange, capture))
}
