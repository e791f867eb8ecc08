//! What a store's caller may have to decide about.

use std::error::Error;

/// Why a store did not do as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another account has this name.
    #[error("an account named {0:?} exists already; choose another name or remove that one first")]
    NameTaken(String),
    /// The account is not (or no longer) there.
    #[error("there is no such account")]
    NoSuchAccount,
    /// The credential that was to be replaced is not the account's any more: somebody else was faster.
    #[error("the account's credential has been replaced by somebody else meanwhile")]
    Superseded,
    /// Another client key that works has this name.
    #[error("a client key named {0:?} works already; choose another name, rotate that one, or revoke it first")]
    KeyNameTaken(String),
    /// Nothing is written over: there is a backup of this name.
    #[error("there is a backup named {0:?} already; choose another name")]
    BackupTaken(String),
    /// A name that no backup can have.
    #[error("a backup can't be called {0:?}: its name has 1 to 100 letters, digits or -_. and begins with no dot")]
    BackupName(String),
    /// There is no backup at this path.
    #[error("there is no backup {0}")]
    NoSuchBackup(String),
    /// Another process has the database open.
    #[error("{path} is in use by another process; talk to that one, or stop it first")]
    Locked {
        /// The database's path.
        path: String,
    },
    /// The sealed records do not open with the key given.
    #[error("{what} cannot be unsealed: the key is not the one it was sealed with")]
    WrongKey {
        /// The record.
        what: String,
    },
    /// A key that nothing can be sealed with.
    #[error("{what} can't be used: {why}")]
    UnusableKey {
        /// Where the key comes from.
        what: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A record is not what this version writes.
    #[error("{what} is damaged or from a newer version: {why}")]
    Corrupt {
        /// The record.
        what: String,
        /// How it shows.
        why: String,
    },
    /// This backend can't do it.
    #[error("this store can't {0}")]
    Unsupported(&'static str),
    /// The backend failed: the disk, the file, the connection.
    // Told whole here, so it is no source as well: whoever tells errors with their sources would tell it twice.
    #[error("the store failed: {0}")]
    Backend(Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Whether it is the store that failed, and not what was asked of it.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Backend(_) | Self::Corrupt { .. } | Self::Locked { .. } | Self::WrongKey { .. })
    }

    /// Wraps a backend's own error.
    pub fn backend(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }
}
