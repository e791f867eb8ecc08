//! Keeps the tokens of accounts fresh, each set renewed by one.
//!
//! A refresh token buys one new set and is spent by that, so everything here is about never using one twice and never
//! losing what it bought: within the process all who wait share one flight, between processes a lease in the store
//! decides, the store is read again before anything is sent and before an account is given up, and a new set is durable
//! before anybody sees it. A flight goes on when those who wait for it leave.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use parking_lot::Mutex;

use super::timing::{Need, need, pause};
use crate::{
    clock::Clock,
    domain::{Account, AccountId, ClosureReason, Credential, Mark, Scope, Timestamp, TokenSet},
    oauth::{AuthorizationServers, TokenEndpoint, TokenError},
    pool::AccountPool,
    record::{EventKind, Renewal as RenewalResult},
    store::{Lease, Store, StoreError},
};

/// Longer than a token endpoint may take, so that a lease does not end under its holder.
const LEASE: Duration = Duration::from_secs(60);

/// How often one looks whether the instance that holds the lease is done.
const LOOK: Duration = Duration::from_millis(250);

/// How often a new set is offered to a store that fails.
const TRIES: u32 = 6;

/// Sees that tokens are fresh. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Refresher {
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    pool: Arc<AccountPool>,
    store: Arc<dyn Store>,
    servers: AuthorizationServers,
    endpoint: TokenEndpoint,
    clock: Arc<dyn Clock>,
    /// This instance, among those that share the store.
    holder: String,
    flights: Mutex<HashMap<AccountId, Flight>>,
}

type Renewal = Shared<BoxFuture<'static, Result<(), RefreshError>>>;

/// What is known of an account's renewals.
#[derive(Clone, Debug)]
enum Flight {
    UnderWay(Renewal),
    Failed { times: u32, again: Timestamp, error: RefreshError },
}

/// Why there are no fresh tokens.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The server gave none.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The account's server is not configured any more.
    #[error("the authorization server {0:?} is not configured; add [oauth.{0}] to the configuration")]
    NoServer(Arc<str>),
    /// The store failed, so what was or might be bought can't be kept.
    #[error("the tokens can't be kept: {0}")]
    Store(Arc<StoreError>),
    /// Another instance is at it and does not come to an end.
    #[error("another instance is renewing the tokens")]
    Elsewhere,
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl Refresher {
    /// Renews the tokens of the accounts of `pool`, and keeps them in `store`.
    #[must_use]
    pub fn new(
        pool: Arc<AccountPool>,
        store: Arc<dyn Store>,
        servers: AuthorizationServers,
        endpoint: TokenEndpoint,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let holder = format!("{:032x}", rand::random::<u128>());
        Self { desk: Arc::new(Desk { pool, store, servers, endpoint, clock, holder, flights: Mutex::default() }) }
    }

    /// The account with tokens that may be sent now. Waits only if the ones it has are about to end, or are of the
    /// generation that the API has `refused`.
    ///
    /// # Errors
    /// [`RefreshError`]. If the tokens are beyond renewal, the account has been closed by then.
    pub async fn fresh(&self, account: &Arc<Account>, refused: Option<u64>) -> Result<Arc<Account>, RefreshError> {
        let desk = &self.desk;
        let current = desk.pool.get(account.id).unwrap_or_else(|| Arc::clone(account));
        let Some(tokens) = current.credential.tokens() else { return Ok(current) };
        let now = desk.clock.now();
        match need(current.id, tokens, refused, now) {
            Need::Nothing => Ok(current),
            Need::Soon => {
                // A failure is noted with the flight, and met again when it matters.
                let _ = desk.take_off(&current, tokens.generation, now);
                Ok(current)
            }
            Need::Now => {
                desk.take_off(&current, tokens.generation, now)?.await?;
                Ok(desk.pool.get(current.id).unwrap_or(current))
            }
        }
    }
}

impl Desk {
    /// The flight that renews an account's tokens: the one under way, or a new one; none while the server is left alone.
    fn take_off(self: &Arc<Self>, account: &Account, generation: u64, now: Timestamp) -> Result<Renewal, RefreshError> {
        let mut flights = self.flights.lock();
        let failures = match flights.get(&account.id) {
            Some(Flight::UnderWay(renewal)) => return Ok(renewal.clone()),
            Some(Flight::Failed { again, error, .. }) if now < *again => return Err(error.clone()),
            Some(Flight::Failed { times, .. }) => *times,
            None => 0,
        };
        let (desk, id) = (Arc::clone(self), account.id);
        let renewal = async move {
            let ended = desk.renew(id, generation).await;
            desk.land(id, failures, &ended);
            ended
        };
        let renewal = renewal.boxed().shared();
        flights.insert(account.id, Flight::UnderWay(renewal.clone()));
        // Whoever waits may leave; the set that is being bought must not be lost with them.
        tokio::spawn(renewal.clone());
        Ok(renewal)
    }

    fn land(&self, id: AccountId, failures: u32, ended: &Result<(), RefreshError>) {
        self.tell(id, ended);
        let mut flights = self.flights.lock();
        match ended {
            Ok(()) => {
                flights.remove(&id);
            }
            Err(error) => {
                let times = failures + 1;
                let again = self.clock.now() + pause(times);
                tracing::warn!(account = %id, %error, times, "tokens could not be renewed");
                flights.insert(id, Flight::Failed { times, again, error: error.clone() });
            }
        }
    }

    fn tell(&self, id: AccountId, ended: &Result<(), RefreshError>) {
        let result = match ended {
            Ok(()) => RenewalResult::Renewed,
            Err(RefreshError::Tokens(TokenError::Refused(_))) => RenewalResult::Refused,
            Err(_) => RenewalResult::Failed,
        };
        if let Some(account) = self.pool.get(id) {
            self.pool.events().emit(EventKind::Renewal { account: Arc::clone(&account.name), result });
        }
    }

    /// Renews the tokens of this generation, unless somebody has done it by now.
    async fn renew(&self, id: AccountId, generation: u64) -> Result<(), RefreshError> {
        let Some(lease) = self.lease(id, generation).await? else { return Ok(()) };
        let renewed = self.renew_alone(id, generation).await;
        // It runs out by itself if this fails.
        if let Err(error) = self.store.release_lease(&lease).await {
            tracing::warn!(account = %id, %error, "a lease could not be given back");
        }
        renewed
    }

    /// The lease, or `None` if another instance has renewed the tokens while it was waited for.
    async fn lease(&self, id: AccountId, generation: u64) -> Result<Option<Lease>, RefreshError> {
        for _ in 0..LEASE.as_millis() / LOOK.as_millis() + 1 {
            let now = self.clock.now();
            let lease = Lease { name: format!("refresh {id}"), holder: self.holder.clone(), until: now + LEASE };
            if self.store.take_lease(&lease, now).await? {
                return Ok(Some(lease));
            }
            if self.adopt_newer(id, generation).await? {
                return Ok(None);
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(RefreshError::Elsewhere)
    }

    async fn renew_alone(&self, id: AccountId, generation: u64) -> Result<(), RefreshError> {
        if self.adopt_newer(id, generation).await? {
            return Ok(());
        }
        let account = self.store.account(id).await?;
        let Some(tokens) = account.credential.tokens() else { return Ok(()) };
        let server = self.servers.get(&tokens.server);
        let server = server.ok_or_else(|| RefreshError::NoServer(Arc::clone(&tokens.server)))?;
        match self.endpoint.renew(server, tokens, self.clock.now()).await {
            Ok(next) => self.keep(id, generation, next).await,
            // Somebody without our lease may have spent it: then there are newer tokens, and all is well.
            Err(TokenError::Refused(why)) if !self.adopt_newer(id, generation).await? => {
                self.give_up(&account, &why);
                Err(TokenError::Refused(why).into())
            }
            Err(TokenError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes over what another instance has stored, if that is newer.
    async fn adopt_newer(&self, id: AccountId, generation: u64) -> Result<bool, RefreshError> {
        let stored = self.store.account(id).await?;
        let newer = stored.credential.generation() > generation;
        if newer {
            self.pool.renew(id, &stored.credential, self.clock.now());
        }
        Ok(newer)
    }

    /// Makes a new set durable, and only then known. Tries for some seconds: the old set is spent, so this one is all
    /// there is.
    async fn keep(&self, id: AccountId, generation: u64, next: TokenSet) -> Result<(), RefreshError> {
        let credential = Arc::new(Credential::OAuth(next));
        let mut tries = 0;
        loop {
            match self.store.replace_credential(id, generation, &credential).await {
                Ok(()) => {
                    self.pool.renew(id, &credential, self.clock.now());
                    tracing::info!(account = %id, generation = credential.generation(), "tokens renewed");
                    return Ok(());
                }
                Err(StoreError::Superseded) => {
                    self.adopt_newer(id, generation).await?;
                    return Ok(());
                }
                Err(error @ StoreError::NoSuchAccount) => return Err(error.into()),
                Err(error) => {
                    tries += 1;
                    tracing::error!(account = %id, %error, tries, "new tokens can't be stored; trying again");
                    if tries == TRIES {
                        return Err(error.into());
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(100) * 2u32.pow(tries)).await;
        }
    }

    /// The refresh token is spent or withdrawn: only a person can help.
    fn give_up(&self, account: &Account, why: &str) {
        let now = self.clock.now();
        let evidence = format!("log in again: {why}").into();
        let mark = Mark { reason: ClosureReason::NeedsLogin, scope: Scope::Account, since: now, until: None, evidence };
        tracing::error!(account = %account.name, why, "the account needs a login");
        let generation = account.credential.generation();
        self.pool.refuse(account.id, |credential| credential.generation() == generation, &mark, now);
    }
}
