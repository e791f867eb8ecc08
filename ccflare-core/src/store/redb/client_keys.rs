//! The client keys: one row each, and its last use beside it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable, WriteTransaction};

use super::{
    RedbStore, corrupt, failed, records,
    tables::{self, IdKey},
};
use crate::{
    domain::{ClientKey, ClientKeyId, Timestamp},
    store::{ClientKeyStore, StoreError},
};

#[async_trait]
impl ClientKeyStore for RedbStore {
    async fn client_keys(&self) -> Result<Vec<ClientKey>, StoreError> {
        self.blocking(|opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let keys = read.open_table(tables::CLIENT_KEYS).map_err(failed)?;
            let uses = read.open_table(tables::CLIENT_KEY_USES).map_err(failed)?;
            all(&keys, &uses)
        })
        .await
    }

    async fn put_client_key(&self, key: &ClientKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            {
                let mut keys = write.open_table(tables::CLIENT_KEYS).map_err(failed)?;
                let uses = write.open_table(tables::CLIENT_KEY_USES).map_err(failed)?;
                let works = |other: &ClientKey| other.id != key.id && other.revoked.is_none();
                let taken = |other: &ClientKey| works(other) && other.name == key.name;
                if key.revoked.is_none() && all(&keys, &uses)?.iter().any(taken) {
                    return Err(StoreError::KeyNameTaken(key.name.to_string()));
                }
                let row = records::encode_client_key(&key).map_err(StoreError::backend)?;
                keys.insert(key.id.as_bytes(), row.as_slice()).map_err(failed)?;
            }
            write.commit().map_err(failed)
        })
        .await
    }
}

fn all(
    keys: &impl ReadableTable<IdKey, &'static [u8]>,
    uses: &impl ReadableTable<IdKey, i64>,
) -> Result<Vec<ClientKey>, StoreError> {
    let rows = keys.iter().map_err(failed)?;
    rows.map(|row| {
        let (id, row) = row.map_err(failed)?;
        let last_used = uses.get(id.value()).map_err(failed)?.map(|at| at.value());
        let id = ClientKeyId::from_bytes(*id.value());
        records::decode_client_key(id, last_used, row.value())
            .map_err(|error| corrupt(format!("client key {id}"), error))
    })
    .collect()
}

/// Writes down when keys were last used, within the transaction of the exchanges that say so.
pub(super) fn note_uses(write: &WriteTransaction, latest: &BTreeMap<ClientKeyId, Timestamp>) -> Result<(), StoreError> {
    if latest.is_empty() {
        return Ok(());
    }
    let mut uses = write.open_table(tables::CLIENT_KEY_USES).map_err(failed)?;
    for (id, at) in latest {
        let known = uses.get(id.as_bytes()).map_err(failed)?.map(|known| known.value());
        if known.is_none_or(|known| known < at.as_micros()) {
            uses.insert(id.as_bytes(), at.as_micros()).map_err(failed)?;
        }
    }
    Ok(())
}
