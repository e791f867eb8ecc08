//! The embedded store: one file that one process has open, or memory.
//!
//! Every batch is one write transaction and one commit (`Durability::Immediate`: it is on disk when the commit
//! returns), and every call that touches the file runs on a blocking thread. tokio keeps those alive between calls
//! and readers work beside the writer, so there is no thread of our own to start, feed and join.
//!
//! Crash safety: redb writes new pages beside the old ones and then switches one checksummed header, so a process
//! killed at any moment leaves the last whole commit. After such an end the next start checks the whole file: 1.0 to
//! 1.5 s for each GiB, measured in a warm cache. redb's quick-repair would save that, but adds a second fsync to every
//! commit and, at 200 requests a commit, a quarter to the ledger's CPU (3.2 to 3.5 instead of 2.6 µs a request). Crashes
//! are rare and retention bounds the file, so the start pays.

use std::{fs::File, io, path::Path, sync::Arc};

use redb::{
    Builder, Database, DatabaseError,
    backends::{FileBackend, InMemoryBackend},
};
use tokio::task;

use super::{SealKey, StoreError, sealed};
use engine::{Engine, Opened};

mod accounts;
mod agents;
mod analytics;
mod audit;
mod bindings;
mod client_keys;
mod codec;
mod engine;
mod find;
mod leases;
mod ledger;
mod logins;
mod maintenance;
mod margins;
mod migrate;
mod ownership;
mod payloads;
mod records;
mod rotate;
mod series;
mod sums;
mod sweep;
mod tables;
mod turns;
mod words;

/// Bytes of memory that hold pages of the file. The ledger is written at its end and read there.
const CACHE_BYTES: usize = 16 << 20;

/// Accounts and ledger in a redb database. Cheap to clone; the file is closed with the last clone.
#[derive(Clone, Debug)]
pub struct RedbStore {
    engine: Arc<Engine>,
    /// The file, if it is one.
    path: Option<Arc<Path>>,
}

impl RedbStore {
    /// Opens the database at `path`, or makes it (mode 0600, in directories of mode 0700). Blocks: after a crash the
    /// file is checked first, which reads all of it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open already, here or elsewhere; [`StoreError::WrongKey`] if it was made with
    /// another key; [`StoreError::Corrupt`] if it is no database, or one of a newer version.
    pub fn open(path: &Path, key: SealKey) -> Result<Self, StoreError> {
        let path: Arc<Path> = path.into();
        let (db, again) = (open_or_create(&path)?, Arc::clone(&path));
        let engine = Engine::new(db, key, Some(Box::new(move || reopen(&again))))?;
        Ok(Self { engine: Arc::new(engine), path: Some(path) })
    }

    /// The real engine on memory, under a random key: for tests, and for gateways that remember nothing.
    ///
    /// # Panics
    /// If there is no memory for it.
    #[must_use]
    pub fn in_memory() -> Self {
        let db = builder().create_with_backend(InMemoryBackend::new()).map_err(failed);
        let engine = db
            .and_then(|db| Engine::new(db, SealKey::generate(), None))
            .expect("memory is there, belongs to nobody else, and is empty");
        Self { engine: Arc::new(engine), path: None }
    }

    fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Runs `work` where blocking harms nobody.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Opened<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let engine = Arc::clone(&self.engine);
        task::spawn_blocking(move || engine.run(work)).await.map_err(StoreError::backend)?
    }
}

impl RedbStore {
    /// Runs `work` while nobody else is at work.
    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let engine = Arc::clone(&self.engine);
        task::spawn_blocking(move || engine.alone(work)).await.map_err(StoreError::backend)?
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn open_or_create(path: &Path) -> Result<Database, StoreError> {
    let backend = open_private(path).map_err(StoreError::backend).map(FileBackend::new)?;
    let db = backend.and_then(|backend| builder().create_with_backend(backend));
    db.map_err(|error| opening(path, error))
}

/// Unlike the first time, a file that is not there is an error: it was taken away, and a new one would hide that.
fn reopen(path: &Path) -> Result<Database, StoreError> {
    builder().open(path).map_err(|error| opening(path, error))
}

fn open_private(path: &Path) -> io::Result<File> {
    sealed::create_private_parent(path)?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn opening(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            StoreError::Locked { path: path.display().to_string() }
        }
        other => failed(other),
    }
}

/// An error of the engine, told apart as callers need it.
fn failed(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(why) => StoreError::Corrupt { what: "the database".to_owned(), why },
        other => StoreError::backend(other),
    }
}

/// A row that does not say what it should.
fn corrupt(what: String, why: impl ToString) -> StoreError {
    StoreError::Corrupt { what, why: why.to_string() }
}

#[cfg(test)]
mod tests;
