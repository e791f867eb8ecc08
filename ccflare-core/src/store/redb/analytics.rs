//! What can be asked of the ledger beside its pages.

use async_trait::async_trait;
use redb::ReadableTable;

use super::{RedbStore, failed, tables};
use crate::{
    domain::{ExchangeId, Timestamp},
    store::{AnalyticsStore, StoreError},
};

#[async_trait]
impl AnalyticsStore for RedbStore {
    async fn forget_exchanges(&self) -> Result<u64, StoreError> {
        self.blocking(|opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let mut forgotten = 0;
            for table in [tables::EXCHANGES, tables::PAYLOADS] {
                let mut rows = write.open_table(table).map_err(failed)?;
                let mut count = 0;
                rows.retain(|_, _| {
                    count += 1;
                    false
                })
                .map_err(failed)?;
                forgotten = forgotten.max(count);
            }
            write.commit().map_err(failed)?;
            Ok(forgotten)
        })
        .await
    }

    async fn sweep_exchanges(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let end = ExchangeId::first_of(before);
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let swept = {
                let mut table = write.open_table(tables::EXCHANGES).map_err(failed)?;
                let old = table.range::<&[u8; 16]>(..end.as_bytes()).map_err(failed)?.take(limit);
                let old: Vec<[u8; 16]> =
                    old.map(|row| Ok(*row.map_err(failed)?.0.value())).collect::<Result<_, StoreError>>()?;
                for id in &old {
                    table.remove(id).map_err(failed)?;
                }
                old.len()
            };
            write.commit().map_err(failed)?;
            Ok(swept)
        })
        .await
    }
}
