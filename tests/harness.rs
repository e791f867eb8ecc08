//! The stage on which a promise is tried: an upstream, a gateway with accounts, a listener, a client.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use ccflare_core::{
    clock::{Clock, ManualClock},
    control::{
        Control,
        views::{AccountView, NewAccount, RequestPageQuery, RequestView},
    },
    domain::{Secret, Timestamp},
    gateway::{Gateway, GatewayBuilder, GatewayOptions},
    oauth::AuthorizationServers,
    store::{RedbStore, Store},
};
use ccflare_mock::{KeyConfig, MockConfig, MockUpstream};
use ccflare_server::{AdminToken, App, Edge, Metrics, Readiness, ServeOptions};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

/// The moment at which every test begins.
pub const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// The admin token of every stage.
pub const TOKEN: &str = "the-admins-own-token";

/// Nothing here takes this long unless it hangs.
pub const SOON: Duration = Duration::from_secs(10);

/// A gateway with accounts named like their keys, on a clock that stands still, between a client and a mock.
pub struct Stage {
    pub mock: MockUpstream,
    pub control: Arc<dyn Control>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    pub client: reqwest::Client,
    pub app: App,
    gateway: Gateway,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Stage {
    /// Accounts in this order; each one's key is its name.
    pub async fn with(accounts: &[&str]) -> Self {
        Self::set(accounts, MockConfig::default(), GatewayOptions::default()).await
    }

    /// The same with other settings.
    pub async fn with_options(accounts: &[&str], set: impl FnOnce(&mut GatewayOptions)) -> Self {
        let mut options = GatewayOptions::default();
        set(&mut options);
        Self::set(accounts, MockConfig::default(), options).await
    }

    /// The same with an upstream of another making.
    pub async fn set(accounts: &[&str], config: MockConfig, options: GatewayOptions) -> Self {
        Self::staged(accounts, config, options, |builder| builder, ServeOptions::default()).await
    }

    /// The same with authorization servers at which accounts can log in.
    pub async fn set_with_servers(
        accounts: &[&str],
        config: MockConfig,
        options: GatewayOptions,
        servers: AuthorizationServers,
    ) -> Self {
        let build = |builder: GatewayBuilder| builder.authorization_servers(servers);
        Self::staged(accounts, config, options, build, ServeOptions::default()).await
    }

    /// The same with a gateway that is built otherwise.
    pub async fn built(accounts: &[&str], build: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        Self::staged(accounts, MockConfig::default(), GatewayOptions::default(), build, ServeOptions::default()).await
    }

    /// The same, served in another way.
    pub async fn serving(accounts: &[&str], config: MockConfig, options: GatewayOptions, serve: ServeOptions) -> Self {
        Self::staged(accounts, config, options, |builder| builder, serve).await
    }

    async fn staged(
        accounts: &[&str],
        config: MockConfig,
        options: GatewayOptions,
        build: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
        serve: ServeOptions,
    ) -> Self {
        Self::over(Arc::new(RedbStore::in_memory()), accounts, config, options, build, serve).await
    }

    /// The same over a store that something is in already.
    pub async fn over(
        store: Arc<impl Store>,
        accounts: &[&str],
        config: MockConfig,
        mut options: GatewayOptions,
        build: impl FnOnce(GatewayBuilder) -> GatewayBuilder,
        serve: ServeOptions,
    ) -> Self {
        // Accounts of one organisation would share their limits.
        let own = |config: MockConfig, name: &&str| config.key(*name, KeyConfig::organization(format!("org-{name}")));
        let mock = MockUpstream::start(accounts.iter().fold(config, own)).await;
        options.upstream_base_url = Some(mock.url().parse().expect("the mock has a URL"));
        let clock = Arc::new(ManualClock::new(START));
        let metrics = Metrics::new();
        let builder = Gateway::builder(store)
            .options(options)
            .observer(metrics.observer())
            .clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let gateway = build(builder).build().await.expect("an empty store opens");
        let control = gateway.control();
        let readiness = Readiness::default();
        metrics.watch(gateway.vitals());
        readiness.watch(gateway.vitals());
        readiness.set(true);
        for name in accounts {
            control.add_account(NewAccount::with_key(name, Secret::new(name))).await.expect("a new account");
            // Table order is the order of ids, and ids follow the clock.
            clock.advance(Duration::from_millis(1));
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (stop, stopped) = oneshot::channel();
        let token = AdminToken::new(&Secret::new(TOKEN));
        let app = App::new(Edge::new(address, vec![]), gateway.line(), gateway.control(), token, readiness);
        let app = app.with_metrics(metrics, None);
        let stopped = async move { drop(stopped.await) };
        let serving = tokio::spawn(ccflare_server::serve(listener, app.clone(), serve, stopped));
        let client = http_client();
        Self { mock, control, clock, address, client, app, gateway, stop, serving }
    }

    /// Where to tell what happens.
    pub fn events(&self) -> ccflare_core::record::Events {
        self.gateway.events()
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a plain request and reads its whole answer.
    pub async fn ask(&self) -> Answer {
        self.send(message("claude-opus-5-5", false), &[]).await
    }

    /// The same for a stream.
    pub async fn ask_stream(&self) -> Answer {
        self.send(message("claude-opus-5-5", true), &[]).await
    }

    /// Sends a body to `/v1/messages`, with headers, and reads the whole answer.
    pub async fn send(&self, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.post(self.url("/v1/messages")).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body.to_string()).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.ok() }
    }

    /// An account as the operator sees it.
    pub async fn account(&self, name: &str) -> AccountView {
        let accounts = self.control.accounts().await.expect("accounts");
        accounts.into_iter().find(|account| account.name == name).expect("an account of this name")
    }

    /// The keys that the upstream was asked with, in order.
    pub fn asked(&self) -> Vec<String> {
        self.mock.requests().into_iter().map(|request| request.key.unwrap_or_default()).collect()
    }

    /// Ends everything and returns the ledger, oldest first. Fails if anything is left behind: a task, a request under
    /// way, a record not written.
    pub async fn finish(self) -> Vec<RequestView> {
        let Self { mock, control, client, gateway, stop, serving, .. } = self;
        drop(client);
        let _ = stop.send(());
        tokio::time::timeout(SOON, serving).await.expect("the listener stops").expect("without a panic");
        let drained = tokio::time::timeout(SOON, gateway.shutdown(SOON)).await.expect("the queue is written");
        let _ = drained;
        let status = control.status().await.expect("status");
        assert_eq!((status.in_flight, status.queued_writes), (0, 0), "something is left behind");
        let page = control.requests(RequestPageQuery::newest(1000)).await.expect("the ledger");
        mock.shutdown().await;
        assert_eq!(mock.tasks(), 0, "the mock left tasks behind");
        page.requests.into_iter().rev().collect()
    }
}

/// An answer as a client has it. `body` is `None` if it broke off.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

impl Answer {
    /// The whole body.
    pub fn bytes(&self) -> &Bytes {
        self.body.as_ref().expect("the body did not break off")
    }

    /// The whole body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.bytes()).expect("JSON")
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A client for plain HTTP. It is given a TLS configuration because it would otherwise look for the machine's.
pub fn http_client() -> reqwest::Client {
    http_client_builder().build().expect("a client")
}

/// The same, to be set otherwise.
pub fn http_client_builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls =
        tls.expect("ring speaks TLS").with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls)
}

/// A small request.
pub fn message(model: &str, stream: bool) -> Value {
    json!({
        "model": model, "max_tokens": 64, "stream": stream,
        "messages": [{ "role": "user", "content": "Hello" }],
    })
}

/// Seconds since the epoch, `seconds` after the tests' beginning.
pub fn after(seconds: u64) -> u64 {
    u64::try_from(START.as_micros() / 1_000_000).expect("after 1970") + seconds
}

/// Sends bytes as they are and reads until the other side closes.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    stream.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an end");
    if let Err(error) = read {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&answer).into_owned()
}
