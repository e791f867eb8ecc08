//! How exports are sent: with the client that the line itself uses, on the server's runtime.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use ccflare_core::upstream::{Upstream, UpstreamOptions};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;
use tower::ServiceExt;

/// So long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// So much of its answer is read: it says hardly more than that all is well.
const ANSWER: usize = 64 * 1024;

/// The exporters work on threads of their own; what they send goes through the runtime that this was made on.
#[derive(Clone, Debug)]
pub(super) struct Client {
    upstream: Upstream,
    runtime: Handle,
}

impl Client {
    pub(super) fn new() -> Self {
        let mut options = UpstreamOptions::default();
        options.first_byte_timeout = PATIENCE;
        options.idle_timeout = PATIENCE;
        Self { upstream: Upstream::new(options), runtime: Handle::current() }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let upstream = self.upstream.clone();
        let sending = async move {
            let answer = upstream.oneshot(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        self.runtime.spawn(sending).await?
    }
}
