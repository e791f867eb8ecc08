//! Leases: one row each, read and written in one transaction.

use async_trait::async_trait;
use redb::ReadableTable;

use super::{RedbStore, failed, tables};
use crate::{
    domain::Timestamp,
    store::{Lease, LeaseStore, StoreError},
};

#[async_trait]
impl LeaseStore for RedbStore {
    async fn take_lease(&self, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        let lease = lease.clone();
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let taken = {
                let mut leases = write.open_table(tables::LEASES).map_err(failed)?;
                let held = leases.get(lease.name.as_str()).map_err(failed)?.is_some_and(|row| {
                    let (holder, until) = row.value();
                    holder != lease.holder && Timestamp::from_micros(until) > now
                });
                if !held {
                    let row = (lease.holder.as_str(), lease.until.as_micros());
                    leases.insert(lease.name.as_str(), row).map_err(failed)?;
                }
                !held
            };
            write.commit().map_err(failed)?;
            Ok(taken)
        })
        .await
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            {
                let mut leases = write.open_table(tables::LEASES).map_err(failed)?;
                let mine =
                    leases.get(lease.name.as_str()).map_err(failed)?.is_some_and(|row| row.value().0 == lease.holder);
                if mine {
                    leases.remove(lease.name.as_str()).map_err(failed)?;
                }
            }
            write.commit().map_err(failed)
        })
        .await
    }
}
