//! The operator's wishes, carried out in this process.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{ControlError, SettingsControl, views::AccountView};
use crate::{
    agents::Registry,
    balance::{
        BalanceLayer, Conversation, ConversationOptions, Session, Strategy, StrategyName, Switch,
        conversation::{Bindings, BindingsOptions},
    },
    clock::Clock,
    domain::{Account, AccountChange, AccountId, Choice, Facts},
    intercept::InterceptLayer,
    key_ring::KeyRing,
    live::Live,
    oauth::{AuthorizationServers, TokenEndpoint},
    pool::AccountPool,
    provider::Providers,
    record::Capture,
    store::{Store, StoreError, WriteBehind},
};

mod accounts;
mod agents;
mod analytics;
mod audit;
mod explained;
pub(crate) mod feed;
mod gateway;
mod keys;
mod live;
mod login_desk;
mod logins;
mod maintenance;
mod payloads;
mod placement;
mod present;
mod requests;
mod settings;

pub use accounts::valid_base_url;
pub(crate) use live::Ears;
pub use live::Logs;
pub use login_desk::Logins;
use maintenance::Workshop;

/// Works on the store and the pool at hand.
#[derive(Debug)]
pub struct Local {
    store: Arc<dyn Store>,
    pool: Arc<AccountPool>,
    strategy: Arc<Switch>,
    intercept: InterceptLayer,
    balance: BalanceLayer,
    providers: Providers,
    clock: Arc<dyn Clock>,
    queue: Option<WriteBehind>,
    logins: Logins,
    keys: Arc<KeyRing>,
    /// Held while the ring follows the store, so that it never ends up behind it.
    key_changes: tokio::sync::Mutex<()>,
    capture: Option<Capture>,
    settings: Option<Arc<dyn SettingsControl>>,
    ears: Ears,
    live: Live,
    workshop: Workshop,
    agents: Option<Arc<Registry>>,
}

impl Local {
    /// Works beside a running line; `queue` is the one that the line writes to.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        pool: Arc<AccountPool>,
        strategy: Arc<Switch>,
        providers: Providers,
        clock: Arc<dyn Clock>,
        queue: Option<WriteBehind>,
    ) -> Self {
        let (servers, endpoint) = (AuthorizationServers::default(), TokenEndpoint::new());
        let logins = Logins::new(Arc::clone(&store), Arc::clone(&pool), servers, endpoint, Arc::clone(&clock));
        let (keys, key_changes) = (Arc::default(), tokio::sync::Mutex::default());
        let deciding = (Arc::clone(&pool), Arc::clone(&strategy) as _, providers.clone(), Arc::clone(&clock));
        let balance = BalanceLayer::new(deciding.0, deciding.1, deciding.2, deciding.3);
        Self {
            store,
            pool,
            strategy,
            intercept: InterceptLayer::default(),
            balance,
            providers,
            clock,
            queue,
            logins,
            keys,
            key_changes,
            capture: None,
            settings: None,
            ears: Ears::default(),
            live: Live::default(),
            workshop: Workshop::default(),
            agents: None,
        }
    }

    /// The same, logging accounts in at this desk.
    #[must_use]
    pub fn with_logins(self, logins: Logins) -> Self {
        Self { logins, ..self }
    }

    /// Keeps this ring of client keys up to date: the one that the line admits by.
    #[must_use]
    pub fn with_keys(self, keys: Arc<KeyRing>) -> Self {
        Self { keys, ..self }
    }

    /// Works on a store that no gateway is running on.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn offline(
        store: Arc<dyn Store>,
        servers: AuthorizationServers,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::offline_with(store, servers, Live::default(), clock).await
    }

    /// The same with these settings: those that a gateway on this store would have.
    ///
    /// # Errors
    /// If the store can't be read.
    pub async fn offline_with(
        store: Arc<dyn Store>,
        servers: AuthorizationServers,
        live: Live,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let pool = Arc::new(AccountPool::new(store.accounts().await?));
        let (login_store, login_pool, login_clock) = (Arc::clone(&store), Arc::clone(&pool), Arc::clone(&clock));
        let logins = Logins::new(login_store, login_pool, servers, TokenEndpoint::new(), login_clock);
        let strategy = Arc::new(strategies_of(&*store, &live, &*clock).await?);
        Ok(Self::new(store, pool, strategy, Providers::default(), clock, None).with_logins(logins).with_live(live))
    }

    /// Explains requests by what these layers would make of them: those that the line has.
    #[must_use]
    pub fn with_line(self, intercept: InterceptLayer, balance: BalanceLayer) -> Self {
        Self { intercept, balance, ..self }
    }

    /// The same, with this layer alone.
    #[must_use]
    pub fn intercepting(self, intercept: InterceptLayer) -> Self {
        Self { intercept, ..self }
    }

    /// Reads its own writes of `capture`, too.
    #[must_use]
    pub fn capturing(self, capture: Option<Capture>) -> Self {
        Self { capture, ..self }
    }

    /// Hears what happens, and reads the log, with these ears.
    #[must_use]
    pub(crate) fn hearing(self, ears: Ears) -> Self {
        Self { ears, ..self }
    }

    /// Reads these logs.
    #[must_use]
    pub fn with_logs(self, logs: Logs) -> Self {
        Self { ears: Ears { logs, ..self.ears }, ..self }
    }

    /// Keeps things for as long as these settings say.
    #[must_use]
    pub fn with_live(self, live: Live) -> Self {
        Self { live, ..self }
    }

    /// Looks after agents, too.
    #[must_use]
    pub fn with_agents(self, registry: Arc<Registry>) -> Self {
        Self { agents: Some(registry), ..self }
    }

    /// By id first, then by name.
    fn find(&self, account: &str) -> Result<Arc<Account>, ControlError> {
        let accounts = self.pool.snapshot();
        let by_id = account.parse().ok().and_then(|id: AccountId| accounts.iter().find(|account| account.id == id));
        let found = by_id.or_else(|| accounts.iter().find(|known| *known.name == *account));
        found.cloned().ok_or_else(|| ControlError::NotFound(format!("there is no account {account:?}")))
    }

    fn view(&self, account: &Account) -> AccountView {
        let active = self.active().is_some_and(|active| active.id == account.id);
        present::account(account, active, self.pool.in_flight(account.id), self.clock.now())
    }

    /// The account that holds the running session.
    fn active(&self) -> Option<Arc<Account>> {
        let plan = self.strategy.plan(&self.pool.standings(), &Facts::default(), self.clock.now());
        let first = plan.candidates.into_iter().next()?;
        (first.choice == Choice::ActiveSession).then_some(first.account)
    }

    /// Waits until what has happened so far is in the store: who asks about a request it has just made finds it there.
    async fn catch_up(&self) {
        if let Some(queue) = &self.queue {
            // A disk that is full takes nothing, however long one waits: what is in the store is told all the same.
            let _ = timeout(CATCHING_UP, queue.flushed()).await;
        }
    }

    /// Changes an account in the store and then in the pool, behind everything that the line has queued for it.
    async fn change(&self, id: AccountId, change: AccountChange) -> Result<(), ControlError> {
        self.catch_up().await;
        let now = self.clock.now();
        self.store.change_account(id, change.clone(), now).await?;
        self.pool.adopt(id, change, now);
        Ok(())
    }
}

/// Longer than a commit takes, and than anybody looks at nothing.
const CATCHING_UP: Duration = Duration::from_secs(2);

/// The strategies as a gateway on this store would have them.
async fn strategies_of(store: &dyn Store, live: &Live, clock: &dyn Clock) -> Result<Switch, StoreError> {
    let bindings = Bindings::remembering(BindingsOptions::default(), store.bindings().await?, clock.now());
    let options = ConversationOptions::default().following(live.clone());
    let session: Arc<dyn Strategy> = Arc::new(Session::live(live.clone()));
    let conversation: Arc<dyn Strategy> = Arc::new(Conversation::new(bindings.into(), options));
    Ok(match live.now().strategy {
        StrategyName::Session => Switch::new(session, [conversation]),
        StrategyName::Conversation => Switch::new(conversation, [session]),
    }
    .following(live.clone()))
}

/// One that speaks for the accounts that name it.
fn known_provider(providers: &Providers, name: &str) -> Result<(), ControlError> {
    if providers.names().any(|known| known == name) {
        return Ok(());
    }
    let known: Vec<_> = providers.names().collect();
    Err(ControlError::Invalid(format!("there is no provider {name:?}; there is {}", known.join(", "))))
}

/// 1 to 100 letters, digits, spaces or `-_@.+`, as in the original; white space around it is dropped. What stands for
/// something else already, in a path or as an id, is no name.
pub(super) fn valid_name(name: &str) -> Result<&str, ControlError> {
    let name = name.trim();
    let allowed = |c: char| c.is_alphanumeric() || " -_@.+".contains(c);
    if name.parse::<AccountId>().is_ok() || matches!(name, "." | "..") {
        return Err(ControlError::Invalid(format!("{name:?} can't be a name: it stands for something else already")));
    }
    if (1..=100).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(name);
    }
    let message = "a name has 1 to 100 letters, digits, spaces or -_@.+";
    Err(ControlError::Invalid(message.to_owned()))
}
