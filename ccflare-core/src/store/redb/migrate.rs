//! What a database file is told before anything else: which schema it has, and whether the key is its own.

use redb::{Database, ReadableDatabase, TableError, WriteTransaction};

use super::{failed, sums, tables, words::Words};
use crate::store::{SealKey, StoreError};

/// The schema written here. Rows carry versions of their own; this one counts changes of tables and keys.
const SCHEMA: u32 = 2;

/// The schema without sums and indexes. Programs that know no other would settle exchanges without them.
const WITHOUT_SUMS: u32 = 1;
const SCHEMA_KEY: &str = "schema";

/// A sealed constant: it tells a wrong key before a record has to.
const CHECK_KEY: &str = "key_check";
const CHECK: &[u8] = b"ccflare";

/// Makes a new database ready, or sees whether an old one can be used.
pub(super) fn prepare(db: &Database, key: &SealKey, words: &Words) -> Result<(), StoreError> {
    match schema(db)? {
        None => create(db, key),
        Some(SCHEMA) => {
            verify(db, key)?;
            let write = db.begin_write().map_err(failed)?;
            // One process has the file open, so whoever held a lease is gone.
            write.delete_table(tables::LEASES).map_err(failed)?;
            tables::make(&write)?;
            write.commit().map_err(failed)
        }
        Some(WITHOUT_SUMS) => {
            verify(db, key)?;
            sums::rebuild(db, words)?;
            let write = db.begin_write().map_err(failed)?;
            put_schema(&write)?;
            write.commit().map_err(failed)?;
            prepare(db, key, words)
        }
        Some(other) => Err(StoreError::Corrupt {
            what: "the database".to_owned(),
            why: format!("its schema is {other}, and this program knows {SCHEMA}; use the program that wrote it"),
        }),
    }
}

fn schema(db: &Database) -> Result<Option<u32>, StoreError> {
    let Some(bytes) = meta(db, SCHEMA_KEY)? else { return Ok(None) };
    let bytes = bytes.try_into().map_err(|_| StoreError::Corrupt {
        what: "the database".to_owned(),
        why: "its schema is not a number".to_owned(),
    })?;
    Ok(Some(u32::from_be_bytes(bytes)))
}

fn create(db: &Database, key: &SealKey) -> Result<(), StoreError> {
    let write = db.begin_write().map_err(failed)?;
    put_schema(&write)?;
    bind(&write, key)?;
    tables::make(&write)?;
    write.commit().map_err(failed)
}

fn put_schema(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut meta = write.open_table(tables::META).map_err(failed)?;
    meta.insert(SCHEMA_KEY, SCHEMA.to_be_bytes().as_slice()).map_err(failed)?;
    Ok(())
}

/// Makes the key the one that the database is opened with.
pub(super) fn bind(write: &WriteTransaction, key: &SealKey) -> Result<(), StoreError> {
    let mut meta = write.open_table(tables::META).map_err(failed)?;
    meta.insert(CHECK_KEY, key.seal(CHECK, CHECK_KEY.as_bytes()).as_slice()).map_err(failed)?;
    Ok(())
}

fn verify(db: &Database, key: &SealKey) -> Result<(), StoreError> {
    let sealed = meta(db, CHECK_KEY)?.unwrap_or_default();
    key.unseal(&sealed, CHECK_KEY.as_bytes()).map(drop).map_err(|error| error.of("the database"))
}

fn meta(db: &Database, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let read = db.begin_read().map_err(failed)?;
    let table = match read.open_table(tables::META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    Ok(table.get(name).map_err(failed)?.map(|value| value.value().to_vec()))
}
