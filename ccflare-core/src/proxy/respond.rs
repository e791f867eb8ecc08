//! Turns what failed into an answer in the API's own error shape.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use pin_project_lite::pin_project;
use serde_json::json;
use tower::{Layer, Service};

use super::AnswerBody;
use crate::{
    error::ProxyError,
    record::{EventKind, Events, REQUEST_ID},
};

/// Puts a [`Respond`] over a service.
#[derive(Clone, Debug, Default)]
pub struct RespondLayer {
    events: Events,
}

impl RespondLayer {
    /// Answers whatever fails.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, telling of requests that are turned away before they are written down.
    #[must_use]
    pub fn telling(self, events: Events) -> Self {
        Self { events }
    }
}

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Respond<S> {
        Respond { inner, events: self.events.clone() }
    }
}

/// A service that always answers.
#[derive(Clone, Debug)]
pub struct Respond<S> {
    inner: S,
    events: Events,
}

impl<S, R, B> Service<Request<R>> for Respond<S>
where
    S: Service<Request<R>, Response = Response<B>, Error = ProxyError>,
{
    type Response = Response<AnswerBody<B>>;
    type Error = Infallible;
    type Future = Responding<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The stages behind are always ready; one that is not says so when it is called.
        self.inner.poll_ready(cx).map(|_| Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let is_head = *request.method() == Method::HEAD;
        Responding { answer: self.inner.call(request), events: self.events.clone(), is_head }
    }
}

pin_project! {
    /// An answer under way.
    pub struct Responding<F> {
        #[pin]
        answer: F,
        events: Events,
        is_head: bool,
    }
}

impl<F, B> Future for Responding<F>
where
    F: Future<Output = Result<Response<B>, ProxyError>>,
{
    type Output = Result<Response<AnswerBody<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.answer.poll(cx).map(|answer| {
            Ok(match answer {
                Ok(response) => response.map(AnswerBody::Proxied),
                Err(error) => {
                    tell(this.events, &error);
                    own(&error, *this.is_head)
                }
            })
        })
    }
}

/// What has an id has been written down, and tells of itself.
fn tell(events: &Events, error: &ProxyError) {
    if error.exchange.is_none() {
        let (reason, status) = (error.refusal.reason(), error.refusal.status().as_u16());
        events.emit(EventKind::TurnedAway { reason, status });
    }
}

/// `{"type":"error","error":{"type","message"},"request_id"}` (anthropic-wire §5).
fn own<B>(error: &ProxyError, is_head: bool) -> Response<AnswerBody<B>> {
    let refusal = &error.refusal;
    let id = error.exchange.map(|id| id.to_string());
    let shape = json!({
        "type": "error",
        "error": { "type": refusal.kind(), "message": format!("ccflare: {refusal}") },
        "request_id": id,
    });
    // An answer to HEAD has no body. HTTP/2 clients take one for an error of the protocol.
    let body = (!is_head).then(|| Bytes::from(shape.to_string()));
    let mut response = Response::new(AnswerBody::Own(body));
    *response.status_mut() = refusal.status();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(id) = id.and_then(|id| HeaderValue::try_from(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::error::Refusal;

    async fn answer(refusal: Refusal) -> (u16, Option<String>, serde_json::Value) {
        let failing = service_fn(move |_: Request<()>| {
            let refusal = refusal.clone();
            async move { Err::<Response<http_body_util::Full<Bytes>>, _>(ProxyError::from(refusal)) }
        });
        let response = RespondLayer::new().layer(failing).oneshot(Request::new(())).await.expect("infallible");
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        let body = response.into_body().collect().await.expect("own bodies do not break").to_bytes();
        (status, retry_after, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn an_answer_to_head_has_no_body() {
        let failing = service_fn(|_: Request<()>| async {
            Err::<Response<http_body_util::Full<Bytes>>, _>(ProxyError::from(Refusal::NotPermitted("x".into())))
        });
        let head = Request::head("/v1/nope").body(()).expect("a request");
        let response = RespondLayer::new().layer(failing).oneshot(head).await.expect("infallible");
        assert_eq!(response.status(), 404);
        let body = response.into_body().collect().await.expect("own bodies do not break");
        assert!(body.to_bytes().is_empty());
    }

    #[tokio::test]
    async fn closed_accounts_are_a_429_that_says_when_in_whole_seconds_rounded_up() {
        let refusal =
            Refusal::AllClosed { retry_after: Some(Duration::from_millis(61_001)), message: "a: paused".into() };
        let (status, retry_after, body) = answer(refusal).await;
        assert_eq!((status, retry_after.as_deref()), (429, Some("62")));
        assert_eq!(body["error"]["type"], "rate_limit_error");
    }

    #[tokio::test]
    async fn accounts_that_do_not_open_by_themselves_are_a_503_without_a_promise() {
        let refusal = Refusal::AllClosed { retry_after: None, message: "a: needs_login".into() };
        let (status, retry_after, body) = answer(refusal).await;
        assert_eq!((status, retry_after), (503, None));
        assert_eq!(body["error"]["message"], "ccflare: a: needs_login");
    }
}
