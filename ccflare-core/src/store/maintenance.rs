//! Care of the file that everything lies in.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;

use super::StoreError;

/// What an operator does to the store itself. A backend that is cared for elsewhere leaves the defaults, which refuse.
#[async_trait]
pub trait MaintenanceStore: std::fmt::Debug + Send + Sync + 'static {
    /// How large everything is.
    ///
    /// # Errors
    /// If the backend fails, or can't tell.
    async fn sizes(&self) -> Result<Sizes, StoreError> {
        Err(StoreError::Unsupported("tell its sizes"))
    }

    /// Looks at every row and at the file itself. Nothing is written meanwhile.
    ///
    /// # Errors
    /// If the backend fails, or can't do it. What is wrong with the rows is no error but the answer.
    async fn check(&self, progress: Progress) -> Result<Checked, StoreError> {
        drop(progress);
        Err(StoreError::Unsupported("be checked"))
    }

    /// Gives room that is free inside the file back to the disk. Nothing is read or written meanwhile.
    ///
    /// # Errors
    /// If the backend fails, or can't do it.
    async fn compact(&self, progress: Progress) -> Result<Compacted, StoreError> {
        drop(progress);
        Err(StoreError::Unsupported("be compacted"))
    }

    /// Whether [`back_up`](Self::back_up) would take this name.
    ///
    /// # Errors
    /// [`StoreError::BackupName`], [`StoreError::BackupTaken`]; or if the backend can't do it.
    async fn check_backup(&self, name: &str) -> Result<(), StoreError> {
        let _ = name;
        Ok(())
    }

    /// Writes everything as it is at this moment to another file, sealed with the same key. Reading and writing go on.
    ///
    /// # Errors
    /// If the backend fails, or can't do it, or there is a file of this name already.
    async fn back_up(&self, name: &str, progress: Progress) -> Result<BackedUp, StoreError> {
        let _ = (name, progress);
        Err(StoreError::Unsupported("be backed up"))
    }
}

/// How large everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The file; 0 where there is none.
    pub file: u64,
    /// Rows of settled exchanges, together.
    pub exchanges: u64,
    /// Rows of payloads, together.
    pub payloads: u64,
    /// How many rows each table has.
    pub rows: Vec<(String, u64)>,
}

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many rows were looked at.
    pub rows: u64,
    /// What is wrong; at most [`MOST_PROBLEMS`] are listed.
    pub problems: Vec<String>,
}

/// Nobody reads more.
pub const MOST_PROBLEMS: usize = 100;

/// What compacting has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file now.
    pub after: u64,
}

/// A backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
}

/// How far long work has come. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Begins with so much to do.
    pub fn expect(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn advance(&self, by: u64) {
        self.0.done.fetch_add(by, Ordering::Relaxed);
    }

    /// What is done, and what there is to do; 0 if that is not known.
    #[must_use]
    pub fn read(&self) -> (u64, u64) {
        (self.0.done.load(Ordering::Relaxed), self.0.total.load(Ordering::Relaxed))
    }
}
