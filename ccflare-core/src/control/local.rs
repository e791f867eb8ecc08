//! The operator's wishes, carried out in this process.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{
    Control, ControlError, Logins, payloads, present,
    views::{
        AccountEdit, AccountView, AuditQuery, AuditView, BrowserLinkView, ClientKeyView, LoginView, NewAccount,
        NewClientKey, NewKeyView, NewLogin, PayloadView, RequestPage, RequestPageQuery, RequestView, StatusView,
    },
};
use crate::{
    balance::{Session, Strategy},
    clock::Clock,
    domain::{Account, AccountChange, AccountId, Choice, Credential, RequestFacts},
    key_ring::KeyRing,
    oauth::{AuthorizationServers, TokenEndpoint, may_carry_secrets},
    pool::AccountPool,
    provider::Providers,
    record::Capture,
    store::{PageRequest, Store, StoreError, WriteBehind},
};

/// Works on the store and the pool at hand.
#[derive(Debug)]
pub struct Local {
    store: Arc<dyn Store>,
    pool: Arc<AccountPool>,
    strategy: Arc<dyn Strategy>,
    providers: Providers,
    clock: Arc<dyn Clock>,
    queue: Option<WriteBehind>,
    logins: Logins,
    keys: Arc<KeyRing>,
    /// Held while the ring follows the store, so that it never ends up behind it.
    key_changes: tokio::sync::Mutex<()>,
    capture: Option<Capture>,
}

mod keys;

impl Local {
    /// Works beside a running line; `queue` is the one that the line writes to.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        pool: Arc<AccountPool>,
        strategy: Arc<dyn Strategy>,
        providers: Providers,
        clock: Arc<dyn Clock>,
        queue: Option<WriteBehind>,
    ) -> Self {
        let (servers, endpoint) = (AuthorizationServers::default(), TokenEndpoint::new());
        let logins = Logins::new(Arc::clone(&store), Arc::clone(&pool), servers, endpoint, Arc::clone(&clock));
        let (keys, key_changes) = (Arc::default(), tokio::sync::Mutex::default());
        Self { store, pool, strategy, providers, clock, queue, logins, keys, key_changes, capture: None }
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
        let pool = Arc::new(AccountPool::new(store.accounts().await?));
        let (login_store, login_pool, login_clock) = (Arc::clone(&store), Arc::clone(&pool), Arc::clone(&clock));
        let logins = Logins::new(login_store, login_pool, servers, TokenEndpoint::new(), login_clock);
        let strategy = Arc::new(Session::default());
        Ok(Self::new(store, pool, strategy, Providers::default(), clock, None).with_logins(logins))
    }

    /// Reads its own writes of `capture`, too.
    #[must_use]
    pub fn capturing(self, capture: Option<Capture>) -> Self {
        Self { capture, ..self }
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
        let plan = self.strategy.plan(&self.pool.snapshot(), &RequestFacts::default(), self.clock.now());
        let first = plan.candidates.into_iter().next()?;
        (first.choice == Choice::ActiveSession).then_some(first.account)
    }

    /// Waits until what has happened so far is in the store: who asks about a request it has just made finds it there.
    async fn catch_up(&self) {
        if let Some(queue) = &self.queue {
            queue.flushed().await;
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

const NO_SERVER: &str = "browsers are logged in by a running server; start one with `ccflare serve`";

#[async_trait]
impl Control for Local {
    async fn status(&self) -> Result<StatusView, ControlError> {
        let (accounts, now) = (self.pool.snapshot(), self.clock.now());
        let available = accounts.iter().filter(|account| account.closed_for(None, now).is_none()).count();
        Ok(StatusView {
            status: "ok".to_owned(),
            accounts: accounts.len(),
            available_accounts: available,
            timestamp: now.to_string(),
            strategy: self.strategy.name().to_owned(),
            active_account: self.active().map(|account| account.name.to_string()),
            in_flight: accounts.iter().map(|account| self.pool.in_flight(account.id)).sum(),
            queued_writes: self.queue.as_ref().map_or(0, WriteBehind::queued),
            last_commit_ms: self
                .queue
                .as_ref()
                .and_then(WriteBehind::last_commit)
                .map(|commit| commit.took.as_secs_f64() * 1e3),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError> {
        let mut accounts = self.pool.snapshot();
        accounts.sort_by_key(|account| account.priority);
        Ok(accounts.iter().map(|account| self.view(account)).collect())
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountView, ControlError> {
        let account = self.account(new)?;
        self.store.add_account(&account).await?;
        self.pool.add(account.clone());
        tracing::info!(account = %account.name, "account added");
        Ok(self.view(&account))
    }

    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError> {
        let account = self.find(account)?;
        let change = change(&account, edit)?;
        self.change(account.id, change).await?;
        let changed = self.pool.get(account.id).ok_or(StoreError::NoSuchAccount)?;
        Ok(self.view(&changed))
    }

    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError> {
        let account = self.find(account)?;
        if *account.name != *confirm {
            return Err(ControlError::ConfirmationRequired(account.name.to_string()));
        }
        self.store.remove_account(account.id).await?;
        self.pool.remove(account.id);
        tracing::info!(account = %account.name, "account removed");
        Ok(())
    }

    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        self.catch_up().await;
        if !(1..=1000).contains(&query.limit) {
            return Err(ControlError::Invalid("limit must be from 1 to 1000".to_owned()));
        }
        let before = query.before.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| ControlError::Invalid("before must be the id of a request".to_owned()))?;
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.exchanges(PageRequest { before, limit: query.limit + 1 }).await?;
        let more = page.len() > query.limit;
        page.truncate(query.limit);
        let next = page.last().filter(|_| more).map(|exchange| exchange.intent.id.to_string());
        Ok(RequestPage { requests: page.iter().map(present::request).collect(), next })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.catch_up().await;
        let missing = || ControlError::NotFound(format!("there is no finished request {id:?}"));
        let exchange = self.store.exchange(id.parse().map_err(|_| missing())?).await?;
        exchange.as_ref().map(present::request).ok_or_else(missing)
    }

    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        let account = login.account.as_deref().map(|account| self.find(account)).transpose()?;
        self.logins.begin(login, account).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        // What the line has queued for the account comes before its new tokens.
        self.catch_up().await;
        let id = self.logins.complete(session, pasted).await?;
        let account = self.pool.get(id).ok_or(StoreError::NoSuchAccount)?;
        Ok(self.view(&account))
    }

    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.all_keys().await
    }

    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError> {
        self.make_key(key).await
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        self.take_back_key(key).await
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        self.exchange_key(key).await
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        Err(ControlError::Unavailable(NO_SERVER.to_owned()))
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        if !(1..=1000).contains(&query.limit) {
            return Err(ControlError::Invalid("limit must be from 1 to 1000".to_owned()));
        }
        let before = query.before.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| ControlError::Invalid("before must be the id of an entry".to_owned()))?;
        Ok(self.store.audit(before, query.limit).await?.iter().map(present::audit).collect())
    }

    // What exchanges carried.

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        if let Some(capture) = &self.capture {
            capture.flushed().await;
        }
        payloads::find(&*self.store, id, self.capture.is_some()).await
    }
}

impl Local {
    fn account(&self, new: NewAccount) -> Result<Account, ControlError> {
        if !self.providers.names().any(|name| name == new.provider) {
            let known: Vec<_> = self.providers.names().collect();
            let message = format!("there is no provider {:?}; there is {}", new.provider, known.join(", "));
            return Err(ControlError::Invalid(message));
        }
        let name = valid_name(&new.name)?;
        if new.api_key.is_empty() || !new.api_key.expose().chars().all(|c| c.is_ascii_graphic()) {
            let message = "the key is empty or has characters that no key has (spaces, line breaks)";
            return Err(ControlError::Invalid(message.to_owned()));
        }
        let base_url = new.base_url.as_deref().map(valid_base_url).transpose()?;
        let credential = Credential::ApiKey(new.api_key);
        let account = Account::new(name, &new.provider, credential, self.clock.now());
        Ok(Account { base_url: base_url.map(Arc::new), priority: new.priority, tier: new.tier, ..account })
    }
}

/// 1 to 100 letters, digits, spaces or `-_@.+`, as in the original; white space around it is dropped.
pub(super) fn valid_name(name: &str) -> Result<&str, ControlError> {
    let name = name.trim();
    let allowed = |c: char| c.is_alphanumeric() || " -_@.+".contains(c);
    if (1..=100).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(name);
    }
    let message = "a name has 1 to 100 letters, digits, spaces or -_@.+";
    Err(ControlError::Invalid(message.to_owned()))
}

/// An address that a key may be sent to: `https`, or `http` on this machine.
pub(super) fn valid_base_url(text: &str) -> Result<Url, ControlError> {
    // What was typed is not repeated: it may have a password in it.
    let invalid = |why: &str| ControlError::Invalid(format!("the base URL: {why}"));
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !url.has_host() {
        return Err(invalid("it has no host"));
    }
    if !may_carry_secrets(&url) {
        return Err(invalid("it must begin with https:// (http:// only for this machine): a key is sent there"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it may have a path, but neither user, password, query nor fragment"));
    }
    Ok(url)
}

fn change(account: &Account, edit: AccountEdit) -> Result<AccountChange, ControlError> {
    let already = |what: &str| Err(ControlError::Conflict(format!("account {:?} is {what} already", account.name)));
    Ok(match edit {
        AccountEdit::Pause if account.paused => return already("paused"),
        AccountEdit::Pause => AccountChange::Paused,
        // Resuming one that is not paused still makes sense if it is closed: it forgets why.
        AccountEdit::Resume if !account.paused && account.marks.is_empty() => return already("running"),
        AccountEdit::Resume => AccountChange::Resumed,
        AccountEdit::Rename(name) => AccountChange::Renamed(valid_name(&name)?.into()),
        AccountEdit::Priority(priority) => AccountChange::Prioritized(priority),
        AccountEdit::Tier(tier) => AccountChange::Tiered(tier),
    })
}
