//! The leaf of the line: the one place that speaks to the network.
//!
//! Upstream it speaks HTTP/1.1: each request in flight has a connection of its own, so that neither a stalled reader nor
//! one connection's end touches any other conversation (over HTTP/2 they would share a flow-control window and a fate).
//!
//! hyper speaks the protocol. The usual client on top of it gives each connection a task, and passes requests, heads and
//! bodies to and fro between that and who asks. Here, whoever waits for an answer drives its connection itself, so a request
//! is one task's business from the client's first byte to the upstream's last: no hand-over, no second thread, and what
//! has come in one piece goes on in one piece. Between two requests a connection rests, and nobody drives it.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, Uri, Version,
    header::HOST,
    uri::{PathAndQuery, Scheme},
};
use http_body_util::Full;
use tokio::{runtime::Handle, time::Instant};
use tower::{Service, ServiceExt};

use crate::{error::AttemptError, record::Events};

mod body;
mod connect;
mod connection;
mod idle;

pub use body::UpstreamBody;
pub use connect::Connector;
#[cfg(feature = "remote")]
pub(crate) use connect::tls;

use body::Lent;
use connection::{Connection, Unanswered};
use idle::{Idle, Origin};

/// What can be set about the upstream side.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamOptions {
    /// For name, TCP and TLS together. 10 s.
    pub connect_timeout: Duration,
    /// From sending a request to the first byte of its answer. 600 s: long answers that are not streamed take minutes.
    pub first_byte_timeout: Duration,
    /// Between two frames of an answer. 240 s: less than the 300 s after which Claude Code stops waiting.
    pub idle_timeout: Duration,
    /// Connect to link-local and metadata addresses too ([`egress`](crate::egress)). No.
    pub allow_link_local: bool,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(240),
            allow_link_local: false,
        }
    }
}

/// Sends requests to whatever absolute URL they carry.
#[derive(Clone)]
pub struct Upstream {
    /// Shared: services are cloned for every request.
    shared: Arc<Shared>,
}

struct Shared {
    connector: Connector,
    idle: Arc<Idle>,
    options: UpstreamOptions,
}

impl Upstream {
    /// Connects over TCP, and over TLS where the URL says `https`.
    #[must_use]
    pub fn new(options: UpstreamOptions) -> Self {
        Self::telling(options, Events::default())
    }

    /// The same, telling how long connections take to be made.
    #[must_use]
    pub fn telling(options: UpstreamOptions, events: Events) -> Self {
        Self::with_connector(connect::connector(&options, events), options)
    }

    /// The same over connections of another making.
    #[must_use]
    pub fn with_connector(connector: Connector, options: UpstreamOptions) -> Self {
        Self { shared: Arc::new(Shared { connector, idle: Arc::default(), options }) }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

/// An answer that is being waited for. Dropping it cancels the request.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response<UpstreamBody>, AttemptError>> + Send>>;

impl Service<Request<Full<Bytes>>> for Upstream {
    type Response = Response<UpstreamBody>;
    type Error = AttemptError;
    type Future = Answering;

    /// Always ready: as many connections are opened as there are requests.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AttemptError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Answering {
        Box::pin(ask(Arc::clone(&self.shared), request))
    }
}

async fn ask(shared: Arc<Shared>, mut request: Request<Full<Bytes>>) -> Result<Response<UpstreamBody>, AttemptError> {
    let uri = std::mem::take(request.uri_mut());
    *request.uri_mut() = origin_form(&uri);
    let origin = origin(&uri)?;
    let patience = shared.options.first_byte_timeout;
    let deadline = Instant::now() + patience;
    loop {
        let idle = shared.idle.take(&origin);
        let is_used = idle.is_some();
        let mut connection = match idle {
            Some(connection) => connection,
            // In a box, for it is large and seldom needed.
            None => Box::pin(shared.connect(&uri, &origin)).await?,
        };
        request.headers_mut().entry(HOST).or_insert_with(|| connection.host().clone());
        match connection.send(request, deadline).await {
            Ok(mut response) => {
                let lent = Lent { connection, idle: Arc::clone(&shared.idle), origin };
                // Which version this connection speaks is nothing to the client's: with 1.0 a cut would look like an end there.
                *response.version_mut() = Version::HTTP_11;
                return Ok(response.map(|body| UpstreamBody::new(body, lent, shared.options.idle_timeout)));
            }
            // The upstream has closed it while it rested.
            Err(Unanswered::Unsent(unsent)) if is_used => request = *unsent,
            Err(Unanswered::Unsent(_)) => return Err(AttemptError::Reset("the connection ended at once".into())),
            Err(Unanswered::Broken(error)) => {
                if is_used {
                    // Those that rest beside it are likely to have been forgotten by the other side, too: another try begins
                    // with a new one.
                    shared.idle.forget(&origin);
                }
                return Err(AttemptError::Reset(causes(&error)));
            }
            Err(Unanswered::Late) => return Err(AttemptError::Timeout(patience)),
        }
    }
}

impl Shared {
    async fn connect(&self, uri: &Uri, origin: &Origin) -> Result<Box<Connection>, AttemptError> {
        let connector = self.connector.clone();
        let stream = connector.oneshot(uri.clone()).await.map_err(|error| AttemptError::Connect(causes(&*error)))?;
        Connection::over(stream, host(origin)?).await.map_err(|error| AttemptError::Connect(causes(&error)))
    }
}

/// What is asked of the host itself.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")).into()
}

fn origin(uri: &Uri) -> Result<Origin, AttemptError> {
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            Ok(Origin { scheme: scheme.clone(), authority: authority.clone(), runtime: Handle::current().id() })
        }
        _ => Err(AttemptError::Connect(format!("{uri} does not say where to connect to"))),
    }
}

/// The value of the header `host`: the port stands in it unless it is the scheme's own.
fn host(Origin { scheme, authority, .. }: &Origin) -> Result<HeaderValue, AttemptError> {
    let own = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let host = match authority.port_u16().filter(|port| *port != own) {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    HeaderValue::try_from(host).map_err(|error| AttemptError::Connect(error.to_string()))
}

/// An error with what caused it, in one line: the outer ones alone say little ("client error (Connect)").
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    chain.map(ToString::to_string).last().unwrap_or_else(|| error.to_string())
}

#[cfg(test)]
mod tests;
