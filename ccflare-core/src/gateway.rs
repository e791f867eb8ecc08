//! The composition root: builds the handles, gives them away, and joins what runs in the background.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use ccflare_core::{gateway::Gateway, store::RedbStore};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).build().await?;
//! let line = gateway.line();        // a tower service: mount it wherever requests come from
//! let control = gateway.control();  // what an operator can do
//! assert_eq!(control.status().await.unwrap().accounts, 0);
//! gateway.shutdown(Duration::from_secs(5)).await;
//! # drop(line);
//! # Ok::<_, ccflare_core::store::StoreError>(()) }).unwrap();
//! ```

use std::{sync::Arc, time::Duration};

use url::Url;

use crate::{
    agents::{AgentOptions, Following, Registry},
    balance::{
        BalanceLayer, BalanceOptions, Conversation, ConversationOptions, Session, Strategy, StrategyName, Switch,
        conversation::{BindingWriter, Bindings, BindingsOptions},
    },
    clock::{Clock, SystemClock},
    control::{
        Audited, Control, Local, Logins, Logs, SettingsControl,
        local::{Ears, feed},
    },
    credentials::{AuthorizeLayer, Refresher},
    intercept::{AgentDirectory, CompatibleModels, Conversations, InterceptLayer},
    key_ring::KeyRing,
    live::{Live, LiveOptions},
    oauth::{AuthorizationServers, TokenEndpoint},
    ownership::{Ownership, OwnershipWriter},
    pool::AccountPool,
    provider::{Anthropic, Providers},
    proxy::{AdmitLayer, CollectLayer, CollectOptions, Line, Proxy, stack},
    record::{Capture, CaptureOptions, CaptureWriter, Events, Observer, RecordLayer, Recorder},
    retention::{Retention, RetentionPolicy},
    store::{
        PageRequest, Store, StoreError, Watched, WriteBehind,
        write_behind::{WriteBehindOptions, Writer},
    },
    upstream::{Upstream, UpstreamOptions},
    vitals::Vitals,
};

/// Everything that can be set, with defaults that suit one machine and many agents.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// The strategy that decides at first. `session`.
    pub strategy: StrategyName,
    /// How long one account stays the active one. 5 h.
    pub session_duration: Duration,
    /// The longest wait in place for a throttled account. 1 s.
    pub throttle_wait: Duration,
    /// The longest wait for a throttled account where a conversation's cache is worth it. 10 s.
    pub conversation_wait: Duration,
    /// The longest request body in bytes. 32 MiB.
    pub body_limit: usize,
    /// Bytes of all request bodies together. 512 MiB.
    pub body_budget: usize,
    /// Requests in flight. 4096.
    pub max_in_flight: usize,
    /// Whether clients must send a client key. Off, because an embedder has doors of its own.
    pub require_client_keys: bool,
    /// For name, TCP and TLS together. 10 s.
    pub connect_timeout: Duration,
    /// Until the first byte of an answer. 600 s.
    pub first_byte_timeout: Duration,
    /// Between two frames of an answer. 240 s.
    pub idle_timeout: Duration,
    /// Connect to link-local and metadata addresses too. No.
    pub allow_link_local: bool,
    /// Where accounts without an address of their own, and requests without an account, go.
    pub upstream_base_url: Option<Url>,
    /// How to keep what exchanges carry. It is not kept.
    pub capture: Option<CaptureOptions>,
    /// How long what is kept, and how much of it.
    pub retention: RetentionPolicy,
    /// Which models an agent's preferred one may take the place of.
    pub compatible_models: CompatibleModels,
    /// Where agents are defined. Nowhere.
    pub agents: AgentOptions,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        let (collect, upstream) = (CollectOptions::default(), UpstreamOptions::default());
        Self {
            strategy: StrategyName::default(),
            session_duration: Session::DEFAULT_WINDOW,
            throttle_wait: BalanceOptions::default().longest_wait,
            conversation_wait: ConversationOptions::default().longest_wait,
            body_limit: collect.body_limit,
            body_budget: collect.body_budget,
            max_in_flight: 4096,
            require_client_keys: false,
            connect_timeout: upstream.connect_timeout,
            first_byte_timeout: upstream.first_byte_timeout,
            idle_timeout: upstream.idle_timeout,
            allow_link_local: upstream.allow_link_local,
            upstream_base_url: None,
            capture: None,
            retention: RetentionPolicy::default(),
            compatible_models: CompatibleModels::default(),
            agents: AgentOptions::default(),
        }
    }
}

impl GatewayOptions {
    /// Where agents are defined, and which preferences make sense: those within the compatible models, if nobody says
    /// otherwise.
    #[must_use]
    pub fn agent_options(&self) -> AgentOptions {
        let mut agents = self.agents.clone();
        agents.compatibility.get_or_insert_with(|| Arc::new(self.compatible_models.clone()));
        agents
    }
}

/// What is to be built.
#[derive(Debug)]
pub struct GatewayBuilder {
    store: Arc<dyn Store>,
    options: GatewayOptions,
    clock: Arc<dyn Clock>,
    strategy: Option<Arc<dyn Strategy>>,
    providers: Option<Providers>,
    servers: AuthorizationServers,
    live: Option<Live>,
    settings: Option<Arc<dyn SettingsControl>>,
    directory: Option<Arc<dyn AgentDirectory>>,
    observers: Vec<Arc<dyn Observer>>,
    logs: Logs,
}

impl GatewayBuilder {
    /// Sets what can be set.
    #[must_use]
    pub fn options(self, options: GatewayOptions) -> Self {
        Self { options, ..self }
    }

    /// Takes the time from `clock` instead of the machine.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Orders the accounts by `strategy`, until another one is chosen, instead of the one that the options name.
    #[must_use]
    pub fn strategy(self, strategy: Arc<dyn Strategy>) -> Self {
        Self { strategy: Some(strategy), ..self }
    }

    /// Speaks these APIs instead of Anthropic's alone.
    #[must_use]
    pub fn providers(self, providers: Providers) -> Self {
        Self { providers: Some(providers), ..self }
    }

    /// Lets accounts log in at these authorization servers, and renews their tokens there.
    #[must_use]
    pub fn authorization_servers(self, servers: AuthorizationServers) -> Self {
        Self { servers, ..self }
    }

    /// Takes from here what may change while it runs, instead of keeping the options of the start.
    #[must_use]
    pub fn live(self, live: Live) -> Self {
        Self { live: Some(live), ..self }
    }

    /// Lets operators see and change these settings.
    #[must_use]
    pub fn settings(self, settings: Option<Arc<dyn SettingsControl>>) -> Self {
        Self { settings, ..self }
    }

    /// Finds agents, and the models preferred for them, in `directory` instead of where the options say.
    #[must_use]
    pub fn agent_directory(self, directory: Arc<dyn AgentDirectory>) -> Self {
        Self { directory: Some(directory), ..self }
    }

    /// Lets `observer` count what happens.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Shows operators these logs.
    #[must_use]
    pub fn logs(self, logs: Logs) -> Self {
        Self { logs, ..self }
    }

    /// Loads the accounts, settles what the last run left open, and starts the queue.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn build(self) -> Result<Gateway, StoreError> {
        let Self { store, options, clock, strategy, providers, servers, directory, live, settings, observers, logs } =
            self;
        let live = live.unwrap_or_else(|| Live::new(LiveOptions::from(&options)));
        let (events, told) = Events::new(Arc::clone(&clock), observers);
        let store: Arc<dyn Store> = if events.is_observed() {
            Arc::new(Watched::new(store, Arc::new(events.clone()), Arc::clone(&clock)))
        } else {
            store
        };
        let interrupted = store.recover().await?;
        if interrupted > 0 {
            tracing::warn!(interrupted, "the last run ended with requests under way; they are recorded as interrupted");
        }
        let known = Bindings::remembering(BindingsOptions::default(), store.bindings().await?, clock.now());
        let bindings = Arc::new(known);
        let strategy = Arc::new(switch(strategy, &live, &bindings));
        let binding_writer = BindingWriter::start(bindings, Arc::clone(&store) as _, Arc::clone(&clock));
        let providers = providers.unwrap_or_else(|| anthropic(options.upstream_base_url.clone()));
        let (queue, writer) = WriteBehind::start(Arc::clone(&store) as _, WriteBehindOptions::default());
        let pool = AccountPool::new(store.accounts().await?).journaled(queue.clone()).telling(events.clone());
        let pool = Arc::new(pool);

        let (ownership, ownership_writer) = Ownership::start(Arc::clone(&store) as _).await?;
        let (capture, capture_writer) = Capture::live(Arc::clone(&store) as _, live.clone());
        let retention = Retention::start(Arc::clone(&store), Arc::clone(&clock), live.clone());
        let recorder = Recorder::new(queue.clone(), Arc::clone(&clock));
        let recorder = recorder.capturing(Some(capture.clone())).telling(events.clone());
        let balance =
            BalanceLayer::new(Arc::clone(&pool), Arc::clone(&strategy) as _, providers.clone(), Arc::clone(&clock))
                .with_options(BalanceOptions { longest_wait: options.throttle_wait, live: Some(live.clone()) })
                .with_ownership(Arc::new(ownership));
        let upstream_options = UpstreamOptions {
            connect_timeout: options.connect_timeout,
            first_byte_timeout: options.first_byte_timeout,
            idle_timeout: options.idle_timeout,
            allow_link_local: options.allow_link_local,
        };
        let upstream = Upstream::telling(upstream_options, events.clone());
        let keys = Arc::new(KeyRing::new(store.client_keys().await?));
        let admit = AdmitLayer::new(Arc::clone(providers.first()), options.max_in_flight).with_keys(
            Arc::clone(&keys),
            options.require_client_keys,
            Arc::clone(&clock),
        );
        let admit = admit.telling(events.clone());
        let collect =
            CollectLayer::new(&CollectOptions { body_limit: options.body_limit, body_budget: options.body_budget });
        let (registry, sightings) =
            Registry::open(live.now().agents.clone(), Arc::clone(&store) as _, Arc::clone(&clock)).await?;
        let following = Following::live(Arc::clone(&registry), sightings, live.clone());
        let endpoint = TokenEndpoint::new();
        let refresher = Refresher::new(
            Arc::clone(&pool),
            Arc::clone(&store),
            servers.clone(),
            endpoint.clone(),
            Arc::clone(&clock),
        );
        let conversations = Conversations::default();
        conversations.recall(&store.exchanges(PageRequest { before: None, limit: RECALLED }).await?);
        let directory = directory.unwrap_or_else(|| Arc::new(registry.agents()));
        let intercept = InterceptLayer::new(conversations, Some(directory), options.compatible_models);
        let intercept = intercept.following(live.clone()).telling(events.clone());
        let authorize = AuthorizeLayer::new(refresher.clone());
        let proxy = stack::proxy(intercept.clone(), RecordLayer::new(recorder), balance.clone(), authorize, upstream);
        let logins = Logins::new(Arc::clone(&store), Arc::clone(&pool), servers, endpoint, Arc::clone(&clock));
        let (places, bodies) = (admit.bound(), collect.bound());
        let vitals = Vitals::new(Arc::clone(&store), queue.clone(), Arc::clone(&clock), places, bodies);
        let line = stack::line(events.clone(), admit, collect, proxy.clone());
        let (feed, showing) = feed::Feed::start(events.clone(), told);
        let local = Local::new(Arc::clone(&store), pool, strategy, providers, Arc::clone(&clock), Some(queue.clone()))
            .with_logins(logins)
            .with_keys(keys)
            .with_settings(settings)
            .with_live(live)
            .with_line(intercept, balance)
            .with_agents(registry)
            .capturing(Some(capture))
            .hearing(Ears { feed: Some(feed), logs });
        // Everybody who operates the gateway comes through here, so nothing is changed without a line in the log.
        let control = Arc::new(Audited::new(Arc::new(local), store, clock));
        Ok(Gateway {
            line,
            proxy,
            control,
            queue,
            writer,
            capture_writer,
            ownership_writer,
            binding_writer,
            retention,
            events,
            vitals,
            showing,
            following,
            refresher,
        })
    }
}

/// The strategies that can be chosen. One of the embedder's own decides until another one is; otherwise the one in the
/// settings does.
fn switch(own: Option<Arc<dyn Strategy>>, live: &Live, bindings: &Arc<Bindings>) -> Switch {
    let options = ConversationOptions::default().following(live.clone());
    let session: Arc<dyn Strategy> = Arc::new(Session::live(live.clone()));
    let conversation: Arc<dyn Strategy> = Arc::new(Conversation::new(Arc::clone(bindings), options));
    let name = live.now().strategy;
    match (own, name) {
        (Some(own), _) => Switch::new(own, [session, conversation]),
        (None, StrategyName::Session) => Switch::new(session, [conversation]),
        (None, StrategyName::Conversation) => Switch::new(conversation, [session]),
    }
    .following(live.clone())
}

/// So many exchanges of the last run are looked through for the conversations in them: an hour of many agents, read in
/// some ten milliseconds.
const RECALLED: usize = 2000;

fn anthropic(base: Option<Url>) -> Providers {
    match base {
        Some(base) => Providers::new(Arc::new(Anthropic::at(base)), []),
        None => Providers::default(),
    }
}

/// The running parts. It is kept by whoever started it and given to nobody.
#[derive(Debug)]
pub struct Gateway {
    line: Line,
    proxy: Proxy,
    control: Arc<Audited>,
    queue: WriteBehind,
    writer: Writer,
    capture_writer: CaptureWriter,
    ownership_writer: OwnershipWriter,
    binding_writer: BindingWriter,
    retention: Retention,
    events: Events,
    vitals: Vitals,
    showing: feed::Showing,
    following: Following,
    refresher: Refresher,
}

impl Gateway {
    /// Starts from a store; everything else has a default.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>) -> GatewayBuilder {
        GatewayBuilder {
            store,
            options: GatewayOptions::default(),
            clock: Arc::new(SystemClock::new()),
            strategy: None,
            providers: None,
            servers: AuthorizationServers::default(),
            live: None,
            settings: None,
            directory: None,
            observers: Vec::new(),
            logs: Logs::default(),
        }
    }

    /// The whole line: takes requests as they come from a connection, and always answers.
    #[must_use]
    pub fn line(&self) -> Line {
        self.line.clone()
    }

    /// The inner line, for requests whose body is in one piece.
    #[must_use]
    pub fn proxy(&self) -> Proxy {
        self.proxy.clone()
    }

    /// Where to tell what happens.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// Whether it is well.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    /// What an operator can do.
    #[must_use]
    pub fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.control) as _
    }

    /// Waits up to `deadline` for requests under way to settle, and writes down everything that is queued.
    ///
    /// Stop taking requests first. Returns how many records were written in the end.
    pub async fn shutdown(self, deadline: Duration) -> u64 {
        let Self {
            queue,
            writer,
            capture_writer,
            ownership_writer,
            binding_writer,
            retention,
            showing,
            following,
            refresher,
            ..
        } = self;
        following.stop().await;
        retention.stop().await;
        if tokio::time::timeout(deadline, queue.settled()).await.is_err() {
            tracing::warn!(
                "requests are still under way at the end of the drain; they will be recorded as interrupted"
            );
        }
        refresher.finish().await;
        ownership_writer.finish().await;
        binding_writer.finish().await;
        capture_writer.finish().await;
        let written = writer.finish().await;
        showing.finish().await;
        written
    }
}
