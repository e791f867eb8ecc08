//! Ids that live on one account: one row each.

use std::sync::Arc;

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable};

use super::{RedbStore, failed, tables};
use crate::{
    domain::{AccountId, OwnedId, Timestamp},
    store::{OwnershipStore, StoreError},
};

#[async_trait]
impl OwnershipStore for RedbStore {
    async fn owned_ids(&self) -> Result<Vec<OwnedId>, StoreError> {
        self.blocking(|opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let rows = read.open_table(tables::OWNED_IDS).map_err(failed)?;
            let ids = rows.iter().map_err(failed)?.map(|row| {
                let (id, row) = row.map_err(failed)?;
                Ok(owned_id(id.value(), row.value()))
            });
            let mut ids: Vec<_> = ids.collect::<Result<_, StoreError>>()?;
            ids.sort_by_key(|owned| owned.seen);
            Ok(ids)
        })
        .await
    }

    async fn note_owned_ids(&self, seen: &[OwnedId], gone: &[Arc<str>]) -> Result<(), StoreError> {
        let (seen, gone) = (seen.to_vec(), gone.to_vec());
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            {
                let mut rows = write.open_table(tables::OWNED_IDS).map_err(failed)?;
                for id in &gone {
                    rows.remove(&**id).map_err(failed)?;
                }
                for owned in &seen {
                    rows.insert(&*owned.id, row(owned)).map_err(failed)?;
                }
            }
            write.commit().map_err(failed)
        })
        .await
    }
}

fn row(owned: &OwnedId) -> (u128, i64, Option<i64>) {
    let account = u128::from_be_bytes(*owned.account.as_bytes());
    (account, owned.seen.as_micros(), owned.until.map(Timestamp::as_micros))
}

fn owned_id(id: &str, (account, seen, until): (u128, i64, Option<i64>)) -> OwnedId {
    OwnedId {
        id: id.into(),
        account: AccountId::from_bytes(account.to_be_bytes()),
        seen: Timestamp::from_micros(seen),
        until: until.map(Timestamp::from_micros),
    }
}
