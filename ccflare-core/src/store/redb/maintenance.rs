//! Care of the file: how large it is, whether it is whole, making it smaller, and copies of it.

use std::{
    fs,
    ops::Bound,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    TableHandle, Value, backends::FileBackend,
};

use super::{
    Opened, RedbStore, builder, failed, open_private, records,
    tables::{self, EachTable},
};
use crate::{
    domain::ExchangeId,
    store::{
        BackedUp, Checked, Compacted, MOST_PROBLEMS, MaintenanceStore, MasterKey, Progress, Sizes, StoreError,
        sealed::sync_parent,
    },
};

/// Rows that are copied in one transaction of the copy.
const COPIED_AT_ONCE: usize = 50_000;

/// Rows between two reports of progress.
const REPORTED: u64 = 1000;

#[async_trait]
impl MaintenanceStore for RedbStore {
    async fn sizes(&self) -> Result<Sizes, StoreError> {
        let file = self.file_bytes();
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let mut rows = CountRows { read: &read, rows: Vec::new() };
            tables::each(&mut rows)?;
            let tallies = read.open_table(tables::TALLIES).map_err(failed)?;
            let tally = |name| Ok::<_, StoreError>(tallies.get(name).map_err(failed)?.map_or(0, |sum| sum.value()));
            let (exchanges, payloads) = (tally(tables::EXCHANGE_BYTES)?, tally(tables::PAYLOAD_BYTES)?);
            Ok(Sizes { file, exchanges, payloads, rows: rows.rows })
        })
        .await
    }

    async fn check(&self, progress: Progress) -> Result<Checked, StoreError> {
        let mut checked = self.blocking(move |opened| opened.check_rows(&progress)).await?;
        let whole = self.alone(|db| db.check_integrity().map_err(|error| failed(redb::Error::from(error)))).await?;
        if !whole {
            checked.problems.insert(0, "the file was damaged; it is repaired as far as it can be".to_owned());
        }
        Ok(checked)
    }

    async fn compact(&self, progress: Progress) -> Result<Compacted, StoreError> {
        let before = self.file_bytes();
        progress.expect(before);
        self.alone(|db| db.compact().map_err(|error| failed(redb::Error::from(error)))).await?;
        progress.advance(before);
        Ok(Compacted { before, after: self.file_bytes() })
    }

    async fn check_backup(&self, name: &str) -> Result<(), StoreError> {
        self.backup_path(name).map(drop)
    }

    async fn back_up(&self, name: &str, progress: Progress) -> Result<BackedUp, StoreError> {
        let path = self.backup_path(name)?;
        self.blocking(move |opened| opened.back_up(&path, &progress)).await
    }
}

impl RedbStore {
    fn file_bytes(&self) -> u64 {
        self.path().and_then(|path| fs::metadata(path).ok()).map_or(0, |file| file.len())
    }

    /// Where a backup of this name lies: beside the database, so that it is on a disk that is meant for it, and never
    /// elsewhere, whatever it is called. Nothing is there yet.
    fn backup_path(&self, name: &str) -> Result<PathBuf, StoreError> {
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=100).contains(&name.len()) || name.starts_with('.') || !name.chars().all(harmless) {
            return Err(StoreError::BackupName(name.to_owned()));
        }
        let database = self.path().ok_or(StoreError::Unsupported("be backed up: it is in memory"))?;
        let path = database.with_file_name("backups").join(format!("{name}.redb"));
        if path.exists() { Err(StoreError::BackupTaken(name.to_owned())) } else { Ok(path) }
    }

    /// Puts the backup at `from` in the place of the database at `to`, which nobody may have open; it must open with
    /// this key. What was there stays beside it, under the name that is returned.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBackup`]; [`StoreError::Locked`] if a server has the database open; as
    /// [`open_with`](Self::open_with) if the backup is none, or was sealed with another key.
    pub fn restore(from: &Path, to: &Path, master: &MasterKey) -> Result<Option<PathBuf>, StoreError> {
        // Held until the end, so that no server starts meanwhile.
        let held = to.exists().then(|| super::open_or_create(to)).transpose()?;
        let new = with_suffix(to, ".restoring");
        fs::copy(from, &new).map_err(|error| {
            let file = from.display();
            if from.exists() {
                StoreError::backend(format!("{file} can't be copied: {error}"))
            } else {
                StoreError::NoSuchBackup(file.to_string())
            }
        })?;
        private(&new)?;
        // Opening sees whether it is whole and its key is this one.
        // The key is that of something sealed: none is made where it is missing.
        if let Err(error) = master.load(&new).and_then(|key| Self::open(&new, key)) {
            let _ = fs::remove_file(&new);
            return Err(error);
        }
        let old = held.as_ref().map(|_| free_name(to));
        if let Some(old) = &old {
            fs::rename(to, old).map_err(StoreError::backend)?;
        }
        fs::rename(&new, to).map_err(StoreError::backend)?;
        drop(held);
        sync_parent(to).map_err(StoreError::backend)?;
        Ok(old)
    }
}

/// Where what was there is put aside; an earlier one stays.
fn free_name(path: &Path) -> PathBuf {
    let numbered = (2..).map(|number| with_suffix(path, &format!(".before-restore-{number}")));
    let mut names = std::iter::once(with_suffix(path, ".before-restore")).chain(numbered);
    names.find(|name| !name.exists()).unwrap_or_else(|| with_suffix(path, ".before-restore"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// For its owner alone.
fn private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(StoreError::backend)?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

struct CountRows<'a> {
    read: &'a ReadTransaction,
    rows: Vec<(String, u64)>,
}

impl EachTable for CountRows<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        let rows = self.read.open_table(table).map_err(failed)?.len().map_err(failed)?;
        self.rows.push((table.name().to_owned(), rows));
        Ok(())
    }
}

impl Opened<'_> {
    /// Reads every settled exchange, and sees that it is listed where it should be.
    fn check_rows(&self, progress: &Progress) -> Result<Checked, StoreError> {
        let read = self.db.begin_read().map_err(failed)?;
        let exchanges = read.open_table(tables::EXCHANGES).map_err(failed)?;
        let series = read.open_table(tables::EXCHANGE_SERIES).map_err(failed)?;
        let lists = read.open_table(tables::SERIES_EXCHANGES).map_err(failed)?;
        progress.expect(exchanges.len().map_err(failed)?);
        let mut checked = Checked::default();
        let mut problem = |what: String| {
            if checked.problems.len() < MOST_PROBLEMS {
                checked.problems.push(what);
            }
        };
        let mut rows = 0;
        for row in exchanges.iter().map_err(failed)? {
            let (id, row) = row.map_err(failed)?;
            let (key, id) = (*id.value(), ExchangeId::from_bytes(*id.value()));
            if let Err(error) = records::decode_exchange(id, row.value(), self.words) {
                problem(format!("request {id} can't be read: {error}"));
            }
            let number = series.get(&key).map_err(failed)?.map(|number| number.value());
            let listed = |number| lists.get(&tables::numbered(number, &key)).map(|row| row.is_some()).map_err(failed);
            if !number.map_or(Ok(false), listed)? {
                problem(format!("request {id} is not listed by what it is"));
            }
            rows += 1;
            if rows % REPORTED == 0 {
                progress.advance(REPORTED);
            }
        }
        for (name, table) in [("exchange_series", series.len()), ("series_exchanges", lists.len())] {
            let listed = table.map_err(failed)?;
            if listed != rows {
                problem(format!("{name} has {listed} rows for {rows} requests"));
            }
        }
        checked.rows = rows;
        Ok(checked)
    }

    fn back_up(&self, path: &Path, progress: &Progress) -> Result<BackedUp, StoreError> {
        // One transaction for all tables: what is settled meanwhile is not in the copy, and nothing is half in it.
        let read = self.db.begin_read().map_err(failed)?;
        let mut rows = CountRows { read: &read, rows: Vec::new() };
        tables::each(&mut rows)?;
        progress.expect(rows.rows.iter().map(|(_, rows)| rows).sum());
        let unfinished = with_suffix(path, ".unfinished");
        let _ = fs::remove_file(&unfinished);
        let file = open_private(&unfinished).map_err(StoreError::backend).map(FileBackend::new)?.map_err(failed)?;
        let copy = builder().create_with_backend(file).map_err(|error| failed(redb::Error::from(error)))?;
        tables::each(&mut Copy { from: &read, to: &copy, progress })?;
        drop(copy);
        fs::rename(&unfinished, path).map_err(StoreError::backend)?;
        sync_parent(path).map_err(StoreError::backend)?;
        let bytes = fs::metadata(path).map_err(StoreError::backend)?.len();
        Ok(BackedUp { path: path.to_owned(), bytes })
    }
}

struct Copy<'a> {
    from: &'a ReadTransaction,
    to: &'a Database,
    progress: &'a Progress,
}

impl EachTable for Copy<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
    ) -> Result<(), StoreError> {
        let from = self.from.open_table(table).map_err(failed)?;
        let mut rows = from.iter().map_err(failed)?.peekable();
        loop {
            let write = self.to.begin_write().map_err(failed)?;
            let mut copied = 0;
            {
                let mut to = write.open_table(table).map_err(failed)?;
                // Rows come in order, so all of them go to the end: full pages, and no searching.
                let mut end = to.upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded).map_err(failed)?;
                for row in rows.by_ref().take(COPIED_AT_ONCE) {
                    let (key, value) = row.map_err(failed)?;
                    end.insert_before(key.value(), value.value()).map_err(StoreError::backend)?;
                    copied += 1;
                }
                end.close().map_err(failed)?;
            }
            write.commit().map_err(failed)?;
            self.progress.advance(copied);
            if rows.peek().is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
