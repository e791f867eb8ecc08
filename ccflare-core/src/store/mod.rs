//! Where accounts and the ledger live.
//!
//! A backend implements the role traits; [`Store`] is their sum. What happens to an account is a value
//! ([`AccountChange`]) that pool and store apply with the same pure function, so they cannot drift apart.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{
    Account, AccountChange, AccountId, AuditEntry, AuditId, ClientKey, Credential, Exchange, ExchangeId, Intent,
    LoginId, Payload, PendingLogin, Timestamp,
};

mod agents;
mod analytics;
mod bindings;
mod error;
mod maintenance;
mod master;
mod ownership;
pub mod sealed;
mod watched;
pub mod write_behind;

#[cfg(any(test, feature = "test-support"))]
pub mod conformance;
#[cfg(feature = "redb")]
pub mod redb;

pub use agents::AgentStore;
pub use analytics::{AnalyticsStore, Found, Wanted};
pub use bindings::BindingStore;
pub use error::StoreError;
pub use maintenance::{BackedUp, Checked, Compacted, MOST_PROBLEMS, MaintenanceStore, Progress, Sizes};
pub use master::MasterKey;
pub use ownership::OwnershipStore;
#[cfg(feature = "redb")]
pub use redb::RedbStore;
pub use sealed::SealKey;
pub use watched::{StoreWatch, Watched};
pub use write_behind::{Closed, Commit, SettleSlot, Slots, WriteBehind, WriteBehindOptions, Writer};

/// Everything a backend has to offer.
pub trait Store:
    AccountStore
    + LoginStore
    + LeaseStore
    + LedgerStore
    + AnalyticsStore
    + MaintenanceStore
    + ClientKeyStore
    + AuditStore
    + PayloadStore
    + AgentStore
    + OwnershipStore
    + BindingStore
{
}

impl<T> Store for T where
    T: AccountStore
        + LoginStore
        + LeaseStore
        + LedgerStore
        + AnalyticsStore
        + MaintenanceStore
        + ClientKeyStore
        + AuditStore
        + PayloadStore
        + AgentStore
        + OwnershipStore
        + BindingStore
{
}

/// The accounts. Every write is durable when it returns.
#[async_trait]
pub trait AccountStore: std::fmt::Debug + Send + Sync + 'static {
    /// All accounts in the order they were added.
    ///
    /// # Errors
    /// If the backend fails, or a stored credential cannot be unsealed with the key given.
    async fn accounts(&self) -> Result<Vec<Account>, StoreError>;

    /// Adds an account.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] if another account has its name.
    async fn add_account(&self, account: &Account) -> Result<(), StoreError>;

    /// Lets `change` happen to an account at `at`, and returns what became of it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], or [`StoreError::NameTaken`] on a rename.
    async fn change_account(&self, id: AccountId, change: AccountChange, at: Timestamp) -> Result<Account, StoreError>;

    /// One account as it is stored now.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`].
    async fn account(&self, id: AccountId) -> Result<Account, StoreError>;

    /// Puts `credential` in the place of the one of generation `expected`, and forgets that the old one was refused
    /// ([`Account::renew`]). Compares and sets in one step.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] if the stored one is of another generation; [`StoreError::NoSuchAccount`].
    async fn replace_credential(&self, id: AccountId, expected: u64, credential: &Credential)
    -> Result<(), StoreError>;

    /// Removes an account; its exchanges stay.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`].
    async fn remove_account(&self, id: AccountId) -> Result<(), StoreError>;
}

/// Logins that wait for their code. Durable, so that a restart in between costs nobody a login.
#[async_trait]
pub trait LoginStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps a login.
    ///
    /// # Errors
    /// If the backend fails.
    async fn keep_login(&self, login: &PendingLogin) -> Result<(), StoreError>;

    /// Takes a login out: a code can be tried once.
    ///
    /// # Errors
    /// If the backend fails, or the login cannot be unsealed with the key given.
    async fn take_login(&self, id: LoginId) -> Result<Option<PendingLogin>, StoreError>;

    /// Forgets the logins that began before `moment`, and says how many there were.
    ///
    /// # Errors
    /// If the backend fails.
    async fn sweep_logins(&self, moment: Timestamp) -> Result<u64, StoreError>;
}

/// Leases: what only one of several instances may do at a time.
#[async_trait]
pub trait LeaseStore: std::fmt::Debug + Send + Sync + 'static {
    /// Takes the lease of this name until `until`, if nobody else holds one that has not run out at `now`. Who holds it
    /// already prolongs it. Says whether it was taken.
    ///
    /// # Errors
    /// If the backend fails.
    async fn take_lease(&self, lease: &Lease, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives it back, if it is still this holder's.
    ///
    /// # Errors
    /// If the backend fails.
    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// A lease that is wanted or held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What may only be done by one.
    pub name: String,
    /// Who does it; another one for each instance and life of it.
    pub holder: String,
    /// Until when, whatever becomes of the holder.
    pub until: Timestamp,
}

/// The ledger: what was asked, and how each request ended.
#[async_trait]
pub trait LedgerStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes a batch in order, all or nothing; durable when it returns. Changes of accounts that are gone by now, and
    /// renames to a name that is taken by now, are skipped. Settling twice keeps the first settlement. An intent settled in the same batch needs no row of its own.
    ///
    /// # Errors
    /// If the backend fails; then nothing of the batch was written and it may be given again.
    async fn append(&self, batch: &[LedgerEntry]) -> Result<(), StoreError>;

    /// Settles every intent still open as interrupted, and says how many there were. Called once, at start.
    ///
    /// # Errors
    /// If the backend fails.
    async fn recover(&self) -> Result<u64, StoreError>;

    /// A page of settled exchanges, newest first.
    ///
    /// # Errors
    /// If the backend fails.
    async fn exchanges(&self, page: PageRequest) -> Result<Vec<Exchange>, StoreError>;

    /// One settled exchange.
    ///
    /// # Errors
    /// If the backend fails.
    async fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, StoreError>;
}

/// The keys that clients of the proxy carry. Every write is durable when it returns.
#[async_trait]
pub trait ClientKeyStore: std::fmt::Debug + Send + Sync + 'static {
    /// All keys in the order they were made, each with the arrival of the latest settled exchange that came with it as
    /// its last use.
    ///
    /// # Errors
    /// If the backend fails.
    async fn client_keys(&self) -> Result<Vec<ClientKey>, StoreError>;

    /// Adds a key, or puts it in the place of the one with its id. Its last use is the ledger's to tell and is not
    /// taken from here.
    ///
    /// # Errors
    /// [`StoreError::KeyNameTaken`] if another key that is not revoked has its name.
    async fn put_client_key(&self, key: &ClientKey) -> Result<(), StoreError>;
}

/// The audit log: what operators changed.
#[async_trait]
pub trait AuditStore: std::fmt::Debug + Send + Sync + 'static {
    /// Writes an entry down, durable when it returns, and forgets the oldest ones beyond [`AUDIT_LENGTH`].
    ///
    /// # Errors
    /// If the backend fails.
    async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;

    /// At most `limit` entries, newest first; only those older than `before`, if it is given.
    ///
    /// # Errors
    /// If the backend fails.
    async fn audit(&self, before: Option<AuditId>, limit: usize) -> Result<Vec<AuditEntry>, StoreError>;
}

/// So many entries the audit log has at most: years of an operator's changes, a few megabytes.
pub const AUDIT_LENGTH: u64 = 10_000;

/// What exchanges carried, where that is kept. Whatever a backend writes down here must be sealed.
#[async_trait]
pub trait PayloadStore: std::fmt::Debug + Send + Sync + 'static {
    /// Keeps what these exchanges carried; durable when it returns.
    ///
    /// # Errors
    /// If the backend fails.
    async fn keep_payloads(&self, batch: &[Payload]) -> Result<(), StoreError>;

    /// What one exchange carried, if that was kept.
    ///
    /// # Errors
    /// If the backend fails, or the payload cannot be unsealed with the key given.
    async fn payload(&self, id: ExchangeId) -> Result<Option<Payload>, StoreError>;

    /// Deletes at most `limit` payloads of exchanges that began before `before`, oldest first, and says how many.
    ///
    /// # Errors
    /// If the backend fails.
    async fn sweep_payloads(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// Which page of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Only exchanges older than this one: the last id of the page before.
    pub before: Option<ExchangeId>,
    /// At most this many.
    pub limit: usize,
}

/// One thing to write down.
#[derive(Clone, Debug, PartialEq)]
pub enum LedgerEntry {
    /// A request is about to be sent.
    Opened(Arc<Intent>),
    /// It ended.
    Settled(Box<Exchange>),
    /// Something happened to an account.
    AccountChanged {
        /// Which.
        id: AccountId,
        /// What.
        change: AccountChange,
        /// When.
        at: Timestamp,
    },
}
