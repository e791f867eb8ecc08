//! What answers a request: the line for the API's paths, the operator's routes for the rest.

use std::{
    convert::Infallible,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body as RouterBody, middleware, routing::get};
use bytes::Bytes;
use ccflare_core::{
    control::Control,
    error::BoxError,
    proxy::{Line, ProxyBody},
};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::task::JoinError;
use tower::Service;

use crate::{
    AdminToken, Edge, Metrics, Readiness, api, assets,
    doors::{self, Doors},
    edge::Refused,
    metrics,
    pages::{self, login},
    probes,
    readers::Readers,
};

/// The whole surface of the server.
#[derive(Clone, Debug)]
pub struct App {
    edge: Edge,
    line: Line,
    operator: Router,
    surface: Surface,
    readers: Readers,
    doors: Doors,
    control: Arc<dyn Control>,
}

/// Which of the server's routes a listener answers. The probes answer everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Surface {
    /// The line and the operator's routes.
    #[default]
    Whole,
    /// The line alone.
    Line,
    /// The operator's routes alone.
    Operator,
}

impl App {
    /// `/v1/*` goes down the line; everything else is the operator's, who needs the token.
    #[must_use]
    pub fn new(edge: Edge, line: Line, control: Arc<dyn Control>, token: AdminToken, readiness: Readiness) -> Self {
        Self::with_doors(edge, line, control, Doors::new(token), readiness)
    }

    /// The same for browsers that come by TLS: their cookies never leave it.
    #[must_use]
    pub fn secure(edge: Edge, line: Line, control: Arc<dyn Control>, token: AdminToken, readiness: Readiness) -> Self {
        Self::with_doors(edge, line, control, Doors::new(token).secure(), readiness)
    }

    fn with_doors(edge: Edge, line: Line, control: Arc<dyn Control>, doors: Doors, readiness: Readiness) -> Self {
        let readers = Readers::default();
        let (shown, shown_control) = (doors.clone(), Arc::clone(&control));
        let operator = Router::new()
            .merge(probes::router(Arc::clone(&control), readiness))
            .merge(assets::router())
            .merge(login::router(doors.clone()))
            .nest("/api", api::router(Arc::clone(&control), doors.clone(), readers.clone()))
            .merge(api::document::router())
            .merge(pages::router(control, doors))
            .fallback(pages::nowhere)
            .layer(middleware::map_response(doors::harden));
        Self { edge, line, operator, surface: Surface::default(), readers, doors: shown, control: shown_control }
    }

    /// The same routes at another listener: only those of `surface`, for the hosts that `edge` answers for.
    #[must_use]
    pub fn at(&self, edge: Edge, surface: Surface) -> Self {
        Self { edge, surface, ..self.clone() }
    }

    /// Shows these metrics at `/metrics`, to whoever has the admin token or this one.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics, token: Option<AdminToken>) -> Self {
        let Self { operator, doors, control, .. } = self.clone();
        let scraped = metrics::Scraped { metrics, control, doors, token };
        Self { operator: operator.route("/metrics", get(metrics::show).with_state(scraped)), ..self }
    }

    /// A line for one connection.
    pub(crate) fn line(&self) -> Mutex<Line> {
        Mutex::new(self.line.clone())
    }

    /// Those who listen to live events through it.
    pub(crate) fn readers(&self) -> Readers {
        self.readers.clone()
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
        self.answer_over(&self.line(), request).await
    }

    /// The same for one of the requests of a connection, which has a line of its own: to clone one costs dozens of
    /// reference counts that all threads write to.
    pub(crate) async fn answer_over<B>(
        &self,
        line: &Mutex<Line>,
        mut request: Request<B>,
    ) -> Result<Response<AppBody>, Infallible>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if let Err(refused) = self.edge.check(&request) {
            return Ok(refuse(refused, request.method()));
        }
        let path = request.uri().path();
        let is_line = path.starts_with("/v1/");
        let is_elsewhere = match self.surface {
            Surface::Whole => false,
            Surface::Line => !is_line && !probes::PATHS.contains(&path),
            Surface::Operator => is_line,
        };
        if is_elsewhere {
            let refused = Refused { status: StatusCode::NOT_FOUND, message: "there is no such path here" };
            return Ok(refuse(refused, request.method()));
        }
        if is_line {
            let answering = line.lock().call(request);
            return Ok(answering.await?.map(AppBody::Line));
        }
        let is_change = !request.method().is_safe();
        name_host(&mut request);
        let answering = self.operator.clone().call(request.map(RouterBody::new));
        let response = if is_change { to_its_end(answering).await? } else { answering.await? };
        Ok(response.map(AppBody::Operator))
    }
}

/// HTTP/2 names the host in the target; what is behind here looks for it where HTTP/1.1 has it.
fn name_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().entry(header::HOST).or_insert(authority);
    }
}

/// Carries a change out, whoever hangs up meanwhile. Half of one would be in the store and not at work, and in no audit log.
async fn to_its_end<T: Send + 'static>(change: impl Future<Output = T> + Send + 'static) -> T {
    outcome(tokio::spawn(change)).await
}

/// What a task came to; its panic goes on here.
pub(crate) async fn outcome<T>(task: impl Future<Output = Result<T, JoinError>>) -> T {
    match task.await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The program ends, and whoever waits with it.
        Err(Err(_)) => std::future::pending().await,
    }
}

/// In the API's own error shape: it may be an API client that reads it.
fn refuse(refused: Refused, method: &Method) -> Response<AppBody> {
    tracing::warn!(status = refused.status.as_u16(), "refused: {}", refused.message);
    let kind = match refused.status {
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        _ => "invalid_request_error",
    };
    let shape = serde_json::json!({ "type": "error", "error": { "type": kind, "message": refused.message } });
    // An answer to HEAD has no body, and HTTP/2 clients insist.
    let body = if *method == Method::HEAD { RouterBody::empty() } else { RouterBody::from(shape.to_string()) };
    let mut response = Response::new(AppBody::Operator(body));
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

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_change_goes_on_when_nobody_waits_for_it_any_more() {
        let (begun, begins) = oneshot::channel();
        let (go_on, goes_on) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let change = async move {
            let _ = begun.send(());
            let _ = done.send(goes_on.await);
        };
        let mut waiting = Box::pin(to_its_end(change));
        tokio::select! {
            () = &mut waiting => panic!("it waits"),
            begun = begins => begun.expect("it has begun"),
        }
        drop(waiting);
        go_on.send(7).expect("it goes on");
        assert_eq!(is_done.await.expect("the end"), Ok(7));
    }
}
