//! The open database, and opening it once more after the disk failed.
//!
//! An I/O error, a full disk say, leaves a redb database refusing everything until it is closed and opened again, for
//! it can't know what reached the disk. The ledger's writer tries again for ever, so the engine opens again by itself.

use std::fmt;

use parking_lot::{MappedRwLockReadGuard, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use redb::Database;

use super::{ledger::BatchRows, margins::Margins, migrate, series::KnownSeries, words::Words};
use crate::store::{SealKey, StoreError};

type Opener = Box<dyn Fn() -> Result<Database, StoreError> + Send + Sync>;

/// A database that opens itself again.
pub(super) struct Engine {
    /// Readers and writers share it; only closing and opening wants it alone.
    db: RwLock<Option<Database>>,
    key: SealKey,
    words: Words,
    series: KnownSeries,
    margins: Margins,
    /// The room that the last batch took.
    rows: Mutex<BatchRows>,
    /// Opens the database that is there already; memory can't be opened again, and does not fail.
    reopen: Option<Opener>,
}

/// The database while work is done on it.
pub(super) struct Opened<'a> {
    pub(super) db: &'a Database,
    pub(super) key: &'a SealKey,
    pub(super) words: &'a Words,
    pub(super) series: &'a KnownSeries,
    pub(super) margins: &'a Margins,
    pub(super) rows: &'a Mutex<BatchRows>,
}

impl Engine {
    /// Sees that `db` can be used with `key`.
    pub(super) fn new(db: Database, key: SealKey, reopen: Option<Opener>) -> Result<Self, StoreError> {
        let words = Words::read(&db)?;
        migrate::prepare(&db, &key, &words)?;
        let (series, margins, rows) = (KnownSeries::default(), Margins::default(), Mutex::default());
        Ok(Self { db: RwLock::new(Some(db)), key, words, series, margins, rows, reopen })
    }

    /// What records name by number.
    pub(super) const fn words(&self) -> &Words {
        &self.words
    }

    /// Room for a batch, with something in it yet.
    pub(super) fn rows(&self) -> BatchRows {
        std::mem::take(&mut *self.rows.lock())
    }

    /// Lets `work` happen. Blocks.
    pub(super) fn run<T>(&self, work: impl FnOnce(Opened<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let Self { key, words, series, margins, rows, .. } = self;
        let done = work(Opened { db: &*self.database()?, key, words, series, margins, rows });
        if self.reopen.is_some() && done.as_ref().is_err_and(stuck) {
            // Closing waits for those who are at work; whoever comes next opens.
            self.db.write().take();
        }
        done
    }

    /// Lets `work` have the database for itself. Blocks until those who are at work are done, and everybody else until it is.
    pub(super) fn alone<T>(&self, work: impl FnOnce(&mut Database) -> Result<T, StoreError>) -> Result<T, StoreError> {
        drop(self.database()?);
        let mut slot = self.db.write();
        let db = slot.as_mut().ok_or_else(|| StoreError::backend("the database is closed"))?;
        let done = work(db);
        if self.reopen.is_some() && done.as_ref().is_err_and(stuck) {
            slot.take();
        }
        done
    }

    fn database(&self) -> Result<MappedRwLockReadGuard<'_, Database>, StoreError> {
        if let Ok(open) = RwLockReadGuard::try_map(self.db.read(), Option::as_ref) {
            return Ok(open);
        }
        let mut slot = self.db.write();
        if slot.is_none() {
            let reopen = self.reopen.as_ref().ok_or_else(|| StoreError::backend("the database is closed"))?;
            *slot = Some(reopen()?);
            tracing::info!("opened the database again");
        }
        RwLockReadGuard::try_map(RwLockWriteGuard::downgrade(slot), Option::as_ref)
            .map_err(|_| StoreError::backend("the database is closed"))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Whether the database has to be opened again.
fn stuck(error: &StoreError) -> bool {
    let StoreError::Backend(source) = error else { return false };
    matches!(source.downcast_ref(), Some(redb::Error::Io(_) | redb::Error::PreviousIo))
}
