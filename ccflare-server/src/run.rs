//! The program: opens the store, builds the gateway, serves, and takes everything down in the right order.

use std::{net::SocketAddr, num::NonZeroUsize, path::Path, sync::Arc};

use anyhow::{Context, Result};
use ccflare_core::{
    clock::{Clock, SystemClock},
    control::Control,
    domain::{ClientKey, KeyState},
    gateway::Gateway,
    live::Live,
    record::Events,
    store::{ClientKeyStore, RedbStore},
};
use tokio::{net::TcpListener, runtime::Handle, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    AdminToken, App, Config, Edge, Metrics, Readiness, ServeOptions, Surface, Workers,
    config::{LiveConfig, Watch},
    logging,
    otlp::{self, Otlp},
    serve, tls,
    webhooks::Webhooks,
};

/// A server under way.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the operator's routes answer, if not there.
    pub admin_address: Option<SocketAddr>,
    /// What its operator can do.
    pub control: Arc<dyn Control>,
    readiness: Readiness,
    stop: CancellationToken,
    serving: JoinSet<()>,
    /// Until all is written down: what goes on without a client, as renewing tokens does, goes on there.
    workers: Workers,
    gateway: Gateway,
    drain: std::time::Duration,
    watch: Option<Watch>,
    otlp: Option<Otlp>,
    webhooks: Webhooks,
}

/// Starts a server, and returns once it listens.
///
/// # Errors
/// If a file can't be read or made, the database is in use, the key is not its key, or the port is taken.
pub async fn start(config: Config) -> Result<Running> {
    raise_descriptors();
    make_private(&config.data_dir).with_context(|| format!("can't make {}", config.data_dir.display()))?;
    let (database, master) = (config.database(), config.master()?);
    let store = tokio::task::spawn_blocking(move || RedbStore::open_with(&database, &master)).await??;
    let token = match &config.admin_token {
        Some(token) => AdminToken::new(token),
        None => {
            let file = config.token_file();
            AdminToken::load_or_create(&file).with_context(|| format!("can't use {}", file.display()))?
        }
    };
    let logs = logging::keep(&config.log_dir, config.log_bounds)
        .with_context(|| format!("can't keep the log in {}", config.log_dir.display()))?;
    let tls = config.tls.as_ref().map(|(certificate, key)| tls::acceptor(certificate, key)).transpose()?;
    require_a_key(&config, &store).await?;
    let settings = config.sources.clone().map(|sources| LiveConfig::new(config.clone(), sources));
    let live = settings.as_ref().map_or_else(|| Live::new((&config.gateway).into()), LiveConfig::live);
    let metrics = Metrics::new();
    let otlp = otlp::start(config.otlp.as_ref())?;
    let builder = Gateway::builder(Arc::new(store))
        .options(config.gateway.clone())
        .live(live)
        .logs(logs)
        .observer(metrics.observer());
    let builder = match &otlp {
        Some(otlp) => builder.observer(otlp.observer()),
        None => builder,
    };
    let builder = builder.settings(settings.clone().map(|settings| Arc::new(settings) as _));
    let gateway = builder.authorization_servers(config.servers.clone()).build().await?;
    logging::tell(gateway.events());
    if let Some(settings) = &settings {
        settings.tell(gateway.events());
    }
    let (listener, address) = listen(config.listen, "--listen").await?;
    // As many as this runtime has: while they serve, it has little to do.
    let count = NonZeroUsize::new(Handle::current().metrics().num_workers()).unwrap_or(NonZeroUsize::MIN);
    let workers = Workers::start(count).context("can't start the threads that serve connections")?;
    metrics.watch(gateway.vitals());
    metrics.watch_runtimes([Handle::current()].into_iter().chain(workers.runtimes().cloned()));
    let readiness = Readiness::default();
    readiness.watch(gateway.vitals());
    let edge = Edge::new(address, config.allowed_hosts.clone());
    let make = if tls.is_some() { App::secure } else { App::new };
    let app = make(edge.clone(), gateway.line(), gateway.control(), token, readiness.clone());
    let app = app.with_metrics(metrics, config.metrics_token.as_ref().map(AdminToken::new));
    let stop = CancellationToken::new();
    let options = ServeOptions { drain: config.drain_timeout, tls, ..ServeOptions::default() };
    let mut serving = JoinSet::new();
    let mut admin_address = None;
    let surface = if let Some(admin) = config.admin_listen {
        let (listener, address) = listen(admin, "admin_listen").await?;
        let app = app.at(Edge::new(address, config.allowed_hosts.clone()), Surface::Operator);
        serving.spawn(serve(listener, app, options.clone(), stop.clone().cancelled_owned()));
        admin_address = Some(address);
        tracing::info!(%address, "the operator's routes answer here alone");
        Surface::Line
    } else {
        Surface::Whole
    };
    let options = ServeOptions { workers: Some(workers.clone()), ..options };
    serving.spawn(serve(listener, app.at(edge, surface), options, stop.clone().cancelled_owned()));
    readiness.set(true);
    tracing::info!(%address, data_dir = %config.data_dir.display(), "listening");
    if config.admin_token.is_none() {
        tracing::info!(file = %config.token_file().display(), "the admin token is kept in");
    }
    let control = gateway.control();
    // Without sources they stay as they are.
    let hooks = settings.as_ref().map_or_else(|| watch::channel(config.webhooks.clone()).1, LiveConfig::webhooks);
    let webhooks = Webhooks::start(hooks, &control, config.gateway.allow_link_local);
    let watch = settings.map(Watch::start);
    Ok(Running {
        address,
        admin_address,
        control,
        readiness,
        stop,
        serving,
        workers,
        gateway,
        drain: config.drain_timeout,
        watch,
        otlp,
        webhooks,
    })
}

async fn listen(address: SocketAddr, setting: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}; is another ccflare running? (choose another with {setting})")
    })?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// A server that others can reach, and that lets nobody in, was not meant so: says how to make the first key.
async fn require_a_key(config: &Config, store: &dyn ClientKeyStore) -> Result<()> {
    let now = SystemClock::new().now();
    let works = |key: &ClientKey| key.state(now) == KeyState::Valid;
    if config.listen.ip().is_loopback() || store.client_keys().await?.iter().any(works) {
        return Ok(());
    }
    anyhow::bail!(
        "others can reach {}, so clients need keys there, and there is none that works; make one first: \
         `ccflare key create NAME --data-dir {}`",
        config.listen,
        config.data_dir.display()
    )
}

impl Running {
    /// Where to tell what happens.
    #[must_use]
    pub fn events(&self) -> Events {
        self.gateway.events()
    }

    /// Stops: says so, takes no more connections, lets requests finish up to the deadline, writes everything down.
    pub async fn stop(mut self) {
        drop(self.watch.take());
        self.readiness.set(false);
        self.stop.cancel();
        while let Some(ended) = self.serving.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "an accept loop failed");
            }
        }
        let written = self.gateway.shutdown(self.drain).await;
        drop(self.workers);
        // It holds on to the store, which somebody may open next.
        self.webhooks.stop().await;
        if let Some(otlp) = self.otlp {
            otlp.stop().await;
        }
        tracing::info!(written, "everything is written down");
        let _ = tokio::task::spawn_blocking(logging::flush).await;
    }
}

/// The whole program: serves until it is told to stop. A second signal ends it at once.
///
/// # Errors
/// As [`start`].
pub async fn run(config: Config) -> Result<()> {
    logging::init(&config.log_level, config.log_format).map_err(anyhow::Error::msg)?;
    let running = start(config).await?;
    signal().await?;
    tracing::info!("stopping: requests under way may finish; a second signal stops at once");
    tokio::select! {
        () = running.stop() => Ok(()),
        second = signal() => {
            second?;
            anyhow::bail!("stopped at once; requests under way will be recorded as interrupted")
        }
    }
}

/// Asks for as many file descriptors as this user may have: each stream takes two, and the usual 1024 are soon gone.
fn raise_descriptors() {
    match rlimit::increase_nofile_limit(rlimit::INFINITY) {
        Ok(descriptors) => tracing::debug!(descriptors, "file descriptors"),
        Err(error) => tracing::warn!(%error, "can't raise the limit of file descriptors; many streams may meet it"),
    }
}

#[cfg(unix)]
async fn signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

/// Makes a folder that only its owner can look into.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
