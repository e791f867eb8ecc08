//! Keeps the tokens of accounts fresh, each set renewed by one.
//!
//! A refresh token buys one new set and is spent by that, so everything here is about never using one twice and never
//! losing what it bought: within the process all who wait share one flight, between processes a lease in the store
//! decides, the store is read again before anything is sent and before an account is given up, and a new set is durable
//! before anybody sees it. A flight goes on when those who wait for it leave.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use parking_lot::Mutex;

use super::timing::{Need, is_good, need, pause};
use crate::{
    clock::Clock,
    domain::{Account, AccountId, ClosureReason, Credential, Mark, Scope, Timestamp, TokenSet},
    oauth::{AuthorizationServers, PATIENCE, TokenEndpoint, TokenError},
    pool::AccountPool,
    record::{EventKind, Renewal as RenewalResult},
    store::{Lease, Store, StoreError},
};

/// Longer than a token endpoint may take, so that a lease does not end under its holder.
const LEASE: Duration = Duration::from_secs(60);

/// How often one looks whether the instance that holds the lease is done.
const LOOK: Duration = Duration::from_millis(250);

/// How often a new set is offered to a store that fails, before whoever waits is told.
const TRIES: u32 = 6;

/// So long those under way are waited for at the end: the server has its time, and so has a store that fails.
const LAST_WAIT: Duration = PATIENCE.saturating_add(Duration::from_secs(10));

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
    flights: Mutex<Flights>,
}

#[derive(Debug, Default)]
struct Flights {
    known: HashMap<AccountId, Flight>,
    /// Sets that were bought and could not be stored, with the generation each was bought with.
    unsaved: HashMap<AccountId, (u64, TokenSet)>,
    /// No more of them take off.
    is_over: bool,
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
    /// The gateway is stopping.
    #[error("shutting down; the tokens are not renewed any more")]
    Stopping,
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
    /// [`RefreshError`]. Unless all is coming to its end, the account has been closed by then: until somebody logs in, or
    /// until the next try.
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
                let renewed = match desk.take_off(&current, tokens.generation, now) {
                    Ok(renewal) => renewal.await,
                    Err(error) => Err(error),
                };
                match renewed {
                    Ok(()) => Ok(desk.pool.get(current.id).unwrap_or(current)),
                    // It is closed until somebody logs in.
                    Err(error @ RefreshError::Tokens(TokenError::Refused(_))) => Err(error),
                    Err(_) if is_good(tokens, refused, desk.clock.now()) => Ok(current),
                    Err(error) => {
                        desk.close_until_the_next_try(&current, &error);
                        Err(error)
                    }
                }
            }
        }
    }

    /// Lets renewals under way come to their end, since a set that is lost can't be bought again. No more begin.
    pub async fn finish(&self) {
        let under_way: Vec<_> = {
            let mut flights = self.desk.flights.lock();
            flights.is_over = true;
            let under_way = |flight: &Flight| match flight {
                Flight::UnderWay(renewal) => Some(renewal.clone()),
                Flight::Failed { .. } => None,
            };
            flights.known.values().filter_map(under_way).collect()
        };
        // Those who waited have been told what came of it.
        if tokio::time::timeout(LAST_WAIT, join_all(under_way)).await.is_err() {
            tracing::error!("tokens are still being renewed; they may be lost, and the accounts need a login then");
        }
    }
}

impl Desk {
    /// The flight that renews an account's tokens: the one under way, or a new one; none while the server is left alone.
    fn take_off(self: &Arc<Self>, account: &Account, generation: u64, now: Timestamp) -> Result<Renewal, RefreshError> {
        let mut flights = self.flights.lock();
        let failures = match flights.known.get(&account.id) {
            Some(Flight::UnderWay(renewal)) => return Ok(renewal.clone()),
            Some(Flight::Failed { again, error, .. }) if now < *again => return Err(error.clone()),
            _ if flights.is_over => return Err(RefreshError::Stopping),
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
        flights.known.insert(account.id, Flight::UnderWay(renewal.clone()));
        // Whoever waits may leave; the set that is being bought must not be lost with them.
        tokio::spawn(renewal.clone());
        Ok(renewal)
    }

    fn land(&self, id: AccountId, failures: u32, ended: &Result<(), RefreshError>) {
        self.tell(id, ended);
        let mut flights = self.flights.lock();
        match ended {
            Ok(()) => {
                flights.known.remove(&id);
            }
            Err(error) => {
                let times = failures + 1;
                let again = self.clock.now() + pause(times);
                tracing::warn!(account = %id, %error, times, "tokens could not be renewed");
                flights.known.insert(id, Flight::Failed { times, again, error: error.clone() });
            }
        }
    }

    /// Nobody else need ask an account whose tokens are of no use, until somebody tries again to renew them.
    fn close_until_the_next_try(&self, account: &Account, error: &RefreshError) {
        let again = match self.flights.lock().known.get(&account.id) {
            Some(Flight::Failed { again, .. }) => *again,
            _ => return,
        };
        let now = self.clock.now();
        let is_known = |mark: &Mark| mark.reason == ClosureReason::NoTokens && mark.until >= Some(again);
        if again <= now || self.pool.get(account.id).is_none_or(|account| account.standing(now).any(is_known)) {
            return;
        }
        let (reason, evidence) = (ClosureReason::NoTokens, error.to_string().into());
        let mark = Mark { reason, scope: Scope::Account, since: now, until: Some(again), evidence };
        self.refuse(account, &mark);
    }

    fn refuse(&self, account: &Account, mark: &Mark) {
        let generation = account.credential.generation();
        self.pool.refuse(account.id, |credential| credential.generation() == generation, mark, mark.since);
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
        let unsaved = self.flights.lock().unsaved.remove(&id);
        if let Some((bought_with, next)) = unsaved.filter(|(bought_with, _)| *bought_with == generation) {
            return self.keep(id, bought_with, next).await;
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

    /// Makes a new set durable, and only then known. Tries for some seconds, and again with the next renewal: the old set
    /// is spent, so this one is all there is.
    async fn keep(&self, id: AccountId, generation: u64, next: TokenSet) -> Result<(), RefreshError> {
        let credential = Arc::new(Credential::OAuth(next.clone()));
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
                        self.flights.lock().unsaved.insert(id, (generation, next));
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
        self.refuse(account, &mark);
    }
}
