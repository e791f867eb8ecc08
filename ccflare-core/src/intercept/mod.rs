//! Learns from a request what the stages behind it want to know, and puts it beside the request as
//! [`RequestFacts`]. The request itself passes unchanged.
//!
//! ```
//! use bytes::Bytes;
//! use ccflare_core::{domain::RequestFacts, intercept::InterceptLayer};
//! use http::Request;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let behind = service_fn(|request: Request<Bytes>| async move {
//!     Ok::<_, std::convert::Infallible>(request.extensions().get::<RequestFacts>().cloned())
//! });
//! let request = Request::post("/v1/messages").body(Bytes::from_static(br#"{"model":"claude-opus-5-5"}"#)).unwrap();
//! let facts = InterceptLayer.layer(behind).oneshot(request).await.unwrap().unwrap();
//! assert_eq!(facts.model.as_deref(), Some("claude-opus-5-5"));
//! # });
//! ```

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use tower::{Layer, Service};

mod facts;

use crate::domain::{ClientKey, RequestFacts};

/// Puts an [`Intercept`] over a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct InterceptLayer;

impl<S> Layer<S> for InterceptLayer {
    type Service = Intercept<S>;

    fn layer(&self, inner: S) -> Intercept<S> {
        Intercept { inner }
    }
}

/// See [the module](self).
#[derive(Clone, Debug)]
pub struct Intercept<S> {
    inner: S,
}

impl<S: Service<Request<Bytes>>> Service<Request<Bytes>> for Intercept<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> S::Future {
        // A key that may not ask for every model is worth reading the whole body for.
        let restricted = request.extensions().get::<Arc<ClientKey>>().is_some_and(|key| !key.permits_any_model());
        let facts: RequestFacts = if restricted { facts::read_strictly(&request) } else { facts::read(&request) };
        request.extensions_mut().insert(facts);
        self.inner.call(request)
    }
}
