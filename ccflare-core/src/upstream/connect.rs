//! How connections are made: a bounded name, TCP, and TLS where the URL says so.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::net::TcpStream;
use tower::{Service, ServiceBuilder, util::BoxCloneSyncService};

use super::UpstreamOptions;
use crate::{
    egress::{self, BoundedResolver},
    error::BoxError,
    record::{Events, Phase},
};

/// What requests are sent over.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// How a connection is made; any service that makes one will do.
pub type Connector = BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// The one that ships, telling how long it takes.
pub(super) fn connector(options: &UpstreamOptions, events: Events) -> Connector {
    let unbounded = options.allow_link_local;
    ServiceBuilder::new()
        .layer_fn(BoxCloneSyncService::new)
        .layer_fn(move |connector| Timed { connector, events: events.clone() })
        .timeout(options.connect_timeout)
        // An address that is written out is not resolved, so it is looked at here.
        .filter(move |uri: Uri| bounded(uri, unbounded))
        .service(https(unbounded))
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
