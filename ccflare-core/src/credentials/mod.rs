//! Turns an attempt into the request that goes on the wire: address, headers, and exactly one credential.
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use ccflare_core::balance::{Attempt, Target};
//! use ccflare_core::credentials::AuthorizeLayer;
//! use ccflare_core::domain::{Account, Credential, Secret, Timestamp};
//! use ccflare_core::{error::AttemptError, provider::Anthropic};
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let wire = service_fn(|request: Request<Full<Bytes>>| async move {
//!     assert_eq!(request.uri(), "https://api.anthropic.com/v1/messages");
//!     assert_eq!(request.headers()["x-api-key"], "sk-ant-api03-example");
//!     assert!(!request.headers().contains_key("authorization"));
//!     Ok::<_, AttemptError>(Response::new(()))
//! });
//!
//! let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
//! let account = Account::new("work", "anthropic", key, Timestamp::from_seconds(1_800_000_000));
//! let request = Request::post("/v1/messages").header("authorization", "Bearer the-client's-own");
//! AuthorizeLayer.layer(wire).oneshot(Attempt {
//!     target: Target::Account(Arc::new(account)),
//!     number: 1,
//!     provider: Arc::new(Anthropic::default()),
//!     request: Arc::new(request.body(Bytes::new()).unwrap()),
//! }).await.unwrap();
//! # });
//! ```

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::Either;
use http::Request;
use http_body_util::Full;
use tower::{Layer, Service};

use crate::{balance::Attempt, error::AttemptError};

/// Puts an [`Authorize`] over a service that speaks to the wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuthorizeLayer;

impl<S> Layer<S> for AuthorizeLayer {
    type Service = Authorize<S>;

    fn layer(&self, inner: S) -> Authorize<S> {
        Authorize { inner }
    }
}

/// See [the module](self).
#[derive(Clone, Debug)]
pub struct Authorize<S> {
    inner: S,
}

impl<S> Service<Attempt> for Authorize<S>
where
    S: Service<Request<Full<Bytes>>, Error = AttemptError>,
{
    type Response = S::Response;
    type Error = AttemptError;
    type Future = Either<S::Future, std::future::Ready<Result<S::Response, AttemptError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AttemptError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> Self::Future {
        let Attempt { target, provider, request, .. } = attempt;
        match provider.prepare(&request, target.account().map(|account| &**account)) {
            Ok(request) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(std::future::ready(Err(error.into()))),
        }
    }
}
