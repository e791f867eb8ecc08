//! Where accounts and the ledger live.
//!
//! A backend implements the role traits; [`Store`] is their sum. What happens to an account is a value
//! ([`AccountChange`]) that pool and store apply with the same pure function, so they cannot drift apart.

use async_trait::async_trait;

use crate::domain::{Account, AccountChange, AccountId, Exchange, ExchangeId, Intent, Timestamp};

mod error;
pub mod sealed;
pub mod write_behind;

#[cfg(any(test, feature = "test-support"))]
pub mod conformance;
#[cfg(feature = "redb")]
pub mod redb;

pub use error::StoreError;
#[cfg(feature = "redb")]
pub use redb::RedbStore;
pub use sealed::SealKey;
pub use write_behind::{Closed, Commit, SettleSlot, Slots, WriteBehind, WriteBehindOptions, Writer};

/// Everything a backend has to offer.
pub trait Store: AccountStore + LedgerStore {}

impl<T: AccountStore + LedgerStore> Store for T {}

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

    /// Removes an account; its exchanges stay.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`].
    async fn remove_account(&self, id: AccountId) -> Result<(), StoreError>;
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
    Opened(Intent),
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
