//! The leaf of the line: the one place that speaks to the network.
//!
//! It stands on hyper-util's client, which keeps connections alive and takes any connector. Upstream it speaks HTTP/1.1:
//! each request in flight has a connection of its own, so that neither a stalled reader nor one connection's end
//! touches any other conversation (over HTTP/2 they would share a flow-control window and a fate).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{Client, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use pin_project_lite::pin_project;
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep},
};
use tower::{
    Service, ServiceBuilder, ServiceExt,
    util::{BoxCloneSyncService, Oneshot},
};

use crate::{
    egress::{self, BoundedResolver},
    error::{AttemptError, BodyError, BoxError},
    record::{Events, Phase},
};

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
    /// Connect to link-local and metadata addresses too ([`egress`]). No.
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

/// How a connection is made; any service that makes one will do.
pub type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// Sends requests to whatever absolute URL they carry.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Shared: services are cloned for every request.
    client: Arc<Client<Seldom, Full<Bytes>>>,
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
        let unbounded = options.allow_link_local;
        let connector = ServiceBuilder::new()
            .layer_fn(BoxCloneSyncService::new)
            .layer_fn(move |connector| Timed { connector, events: events.clone() })
            .timeout(options.connect_timeout)
            // An address that is written out is not resolved, so it is looked at here.
            .filter(move |uri: Uri| bounded(uri, unbounded))
            .service(https(unbounded));
        Self::with_connector(connector, options)
    }

    /// The same over connections of another making.
    #[must_use]
    pub fn with_connector(connector: Connector, options: UpstreamOptions) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than servers keep idle connections, so that a request seldom meets one that is being closed.
            .pool_idle_timeout(Duration::from_secs(50))
            .build(Seldom(Arc::new(connector)));
        Self { client: Arc::new(client), options }
    }
}

/// A connector that is cloned only when a connection has to be made. hyper clones its client, and the connector with it,
/// for every request.
#[derive(Clone, Debug)]
struct Seldom(Arc<Connector>);

impl Service<Uri> for Seldom {
    type Response = <Connector as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Oneshot<Connector, Uri>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Connector::clone(&self.0).oneshot(uri)
    }
}

/// A connector that tells how long it takes.
#[derive(Clone, Debug)]
struct Timed<C> {
    connector: C,
    events: Events,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri, Future: Send + 'static, Response: 'static, Error: 'static>,
{
    type Response = C::Response;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, events) = (self.connector.call(uri), self.events.clone());
        Box::pin(async move { events.timing(Phase::Connect, connecting).await })
    }
}

fn bounded(uri: Uri, unbounded: bool) -> Result<Uri, BoxError> {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    match address {
        Ok(address) if !unbounded && egress::is_out_of_bounds(address) => Err(egress::refused(host).into()),
        _ => Ok(uri),
    }
}

fn https(unbounded: bool) -> HttpsConnector<HttpConnector<BoundedResolver>> {
    let mut tcp = HttpConnector::new_with_resolver(BoundedResolver::new(unbounded));
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().wrap_connector(tcp)
}

/// The machine's certificate authorities, or Mozilla's where an image has none.
pub(crate) fn tls() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl Service<Request<Full<Bytes>>> for Upstream {
    type Response = Response<UpstreamBody>;
    type Error = AttemptError;
    type Future = Answering;

    /// Always ready: the client opens as many connections as there are requests.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AttemptError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Answering {
        Answering {
            response: self.client.request(request),
            deadline: tokio::time::sleep(self.options.first_byte_timeout),
            options: self.options.clone(),
        }
    }
}

pin_project! {
    /// An answer that is being waited for. Dropping it cancels the request.
    pub struct Answering {
        #[pin]
        response: ResponseFuture,
        #[pin]
        deadline: Sleep,
        options: UpstreamOptions,
    }
}

impl Future for Answering {
    type Output = Result<Response<UpstreamBody>, AttemptError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(answer) = this.response.poll(cx) {
            let idle = this.options.idle_timeout;
            return Poll::Ready(match answer {
                Ok(response) => Ok(response.map(|body| UpstreamBody::new(body, idle))),
                Err(error) if error.is_connect() => Err(AttemptError::Connect(causes(&error))),
                Err(error) => Err(AttemptError::Reset(causes(&error))),
            });
        }
        ready!(this.deadline.poll(cx));
        Poll::Ready(Err(AttemptError::Timeout(this.options.first_byte_timeout)))
    }
}

/// An error with what caused it, in one line: the outer ones alone say little ("client error (Connect)").
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |error| error.source());
    chain.map(ToString::to_string).last().unwrap_or_else(|| error.to_string())
}

/// Frames up to this size are joined when several are ready. Copying so little costs less than writing each by itself.
const SMALL: usize = 2 * 1024;

/// Room for the first few frames that are joined; it grows with them.
const FIRST_ROOM: usize = 2 * 1024;

/// So much is joined at the most.
const JOINED: usize = 16 * 1024;

/// An answer's body: its bytes as they come, broken off when the upstream falls silent for too long.
///
/// hyper's connection task hands over one frame at a time and makes the next one ready only after this one was taken,
/// so a burst of deltas would go to the client in as many writes. When a small frame has come, the connection gets one
/// turn of the scheduler to hand over the next; nothing ever waits for one that is not there yet.
#[derive(Debug)]
pub struct UpstreamBody {
    inner: Incoming,
    joined: BytesMut,
    first: Option<Bytes>,
    /// The connection has had its turn since the last frame.
    yielded: bool,
    /// What came behind the joined frames: a frame too large to join, an error, or the end.
    next: Option<Option<Result<Frame<Bytes>, BodyError>>>,
    idle: Duration,
    /// Since when nothing has come; known once it was waited for.
    silent_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl UpstreamBody {
    fn new(inner: Incoming, idle: Duration) -> Self {
        let (joined, first, next) = (BytesMut::new(), None, None);
        Self { inner, joined, first, yielded: false, next, idle, silent_since: None, alarm: None }
    }

    /// One small frame more. The first is kept as it is: most often it stays the only one.
    fn join(&mut self, data: Bytes) {
        if self.first.is_none() && self.joined.is_empty() {
            self.first = Some(data);
            return;
        }
        if let Some(first) = self.first.take() {
            self.joined.reserve(FIRST_ROOM.max(first.len() + data.len()));
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&data);
    }

    fn holds_frames(&self) -> bool {
        self.first.is_some() || !self.joined.is_empty()
    }

    fn take_joined(&mut self) -> Frame<Bytes> {
        self.yielded = false;
        // With all its room: a stream that pauses holds none.
        Frame::data(self.first.take().unwrap_or_else(|| std::mem::take(&mut self.joined).freeze()))
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        // A frame that is there at once costs no look at the clock.
        let due = *self.silent_since.get_or_insert_with(Instant::now) + self.idle;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        // Set anew only when it rings, not for each frame.
        while alarm.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(BodyError::Silence(self.idle));
            }
            alarm.as_mut().reset(due);
        }
        Poll::Pending
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(next) = this.next.take() {
            return Poll::Ready(next);
        }
        loop {
            let polled = Pin::new(&mut this.inner).poll_frame(cx);
            if polled.is_ready() {
                this.silent_since = None;
            }
            let next = match polled {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) if data.len() <= SMALL => {
                        this.join(data);
                        if this.joined.len() >= JOINED || this.inner.is_end_stream() {
                            return Poll::Ready(Some(Ok(this.take_joined())));
                        }
                        this.yielded = false;
                        continue;
                    }
                    Ok(data) => Some(Ok(Frame::data(data))),
                    Err(trailers) => Some(Ok(trailers)),
                },
                Poll::Ready(Some(Err(error))) => Some(Err(BodyError::Broken(causes(&error)))),
                Poll::Ready(None) => None,
                Poll::Pending if !this.holds_frames() => {
                    return this.poll_silence(cx).map(|silence| Some(Err(silence)));
                }
                Poll::Pending if this.yielded => return Poll::Ready(Some(Ok(this.take_joined()))),
                Poll::Pending => {
                    this.yielded = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            };
            if this.holds_frames() {
                this.next = Some(next);
                return Poll::Ready(Some(Ok(this.take_joined())));
            }
            return Poll::Ready(next);
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.holds_frames() && self.next.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = (self.joined.len() + self.first.as_ref().map_or(0, Bytes::len)) as u64;
        let inner = self.inner.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(held + inner.lower());
        if let Some(upper) = inner.upper() {
            hint.set_upper(held + upper);
        }
        hint
    }
}
