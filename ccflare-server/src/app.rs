//! What answers a request: the line for the API's paths, the operator's routes for the rest.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body as RouterBody};
use bytes::Bytes;
use ccflare_core::{
    control::Control,
    error::BoxError,
    proxy::{Line, ProxyBody},
};
use http::{HeaderValue, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use tower::Service;

use crate::{AdminToken, Edge, Readiness, api, edge::Refused, probes};

/// The whole surface of the server.
#[derive(Debug)]
pub struct App {
    edge: Edge,
    line: Line,
    operator: Router,
}

impl App {
    /// `/v1/*` goes down the line; everything else is the operator's, who needs the token.
    #[must_use]
    pub fn new(edge: Edge, line: Line, control: Arc<dyn Control>, token: AdminToken, readiness: Readiness) -> Self {
        let operator = Router::new()
            .merge(probes::router(Arc::clone(&control), readiness))
            .nest("/api", api::router(control, token))
            .fallback(api::not_found);
        Self { edge, line, operator }
    }

    /// Answers one request. The path decides alone, so nothing is spent on routing what goes down the line.
    ///
    /// # Errors
    /// Never.
    pub async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Result<Response<AppBody>, Infallible>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if let Err(refused) = self.edge.check(&request) {
            return Ok(refuse(refused));
        }
        if request.uri().path().starts_with("/v1/") {
            let response = self.line.clone().call(request).await?;
            return Ok(response.map(AppBody::Line));
        }
        let response = self.operator.clone().call(request.map(RouterBody::new)).await?;
        Ok(response.map(AppBody::Operator))
    }
}

/// In the API's own error shape: it may be an API client that reads it.
fn refuse(refused: Refused) -> Response<AppBody> {
    tracing::warn!(status = refused.status.as_u16(), "refused: {}", refused.message);
    let kind = if refused.status.as_u16() == 403 { "permission_error" } else { "invalid_request_error" };
    let shape = serde_json::json!({ "type": "error", "error": { "type": kind, "message": refused.message } });
    let mut response = Response::new(AppBody::Operator(RouterBody::from(shape.to_string())));
    *response.status_mut() = refused.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Whoever frames requests badly gets no second try on the same connection.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The body of any answer.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are the line's, and those would pay for a box")]
pub enum AppBody {
    /// The line's.
    Line(ProxyBody),
    /// The operator's.
    Operator(RouterBody),
}

impl Body for AppBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Line(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Operator(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Line(body) => body.is_end_stream(),
            Self::Operator(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Line(body) => body.size_hint(),
            Self::Operator(body) => body.size_hint(),
        }
    }
}
