//! What exchanges carried: one sealed row each.

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable};

use super::{RedbStore, corrupt, failed, records, sums, tables};
use crate::{
    domain::{ExchangeId, Payload, Timestamp},
    store::{PayloadStore, StoreError},
};

#[async_trait]
impl PayloadStore for RedbStore {
    async fn keep_payloads(&self, batch: &[Payload]) -> Result<(), StoreError> {
        // Bodies are shared, so this is cheap.
        let batch = batch.to_vec();
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let mut bytes = 0;
            {
                let mut table = write.open_table(tables::PAYLOADS).map_err(failed)?;
                for payload in &batch {
                    let row = records::encode_payload(payload).map_err(StoreError::backend)?;
                    let id = payload.id.as_bytes();
                    let sealed = opened.key.seal(&row, &associated(id));
                    bytes += sealed.len() as u64;
                    let before = table.insert(id, sealed.as_slice()).map_err(failed)?;
                    bytes -= before.map_or(0, |before| before.value().len() as u64).min(bytes);
                }
            }
            sums::tally(&write, tables::PAYLOAD_BYTES, |sum| sum.saturating_add(bytes))?;
            write.commit().map_err(failed)
        })
        .await
    }

    async fn payload(&self, id: ExchangeId) -> Result<Option<Payload>, StoreError> {
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::PAYLOADS).map_err(failed)?;
            let Some(sealed) = table.get(id.as_bytes()).map_err(failed)? else { return Ok(None) };
            let what = || format!("the payload of request {id}");
            let place = associated(id.as_bytes());
            let row = opened.key.unseal(sealed.value(), &place).map_err(|error| error.of(what()))?;
            records::decode_payload(id, &row).map(Some).map_err(|error| corrupt(what(), error))
        })
        .await
    }

    async fn sweep_payloads(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let end = ExchangeId::first_of(before);
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            let mut bytes = 0;
            let swept = {
                let mut table = write.open_table(tables::PAYLOADS).map_err(failed)?;
                let old = table.range::<&[u8; 16]>(..end.as_bytes()).map_err(failed)?.take(limit);
                let old: Vec<[u8; 16]> =
                    old.map(|row| Ok(*row.map_err(failed)?.0.value())).collect::<Result<_, StoreError>>()?;
                for id in &old {
                    bytes += table.remove(id).map_err(failed)?.map_or(0, |row| row.value().len() as u64);
                }
                old.len()
            };
            if swept > 0 {
                sums::tally(&write, tables::PAYLOAD_BYTES, |sum| sum.saturating_sub(bytes))?;
                write.commit().map_err(failed)?
            } else {
                write.abort().map_err(failed)?
            }
            Ok(swept)
        })
        .await
    }
}

/// Binds sealed payloads to their exchange.
pub(super) fn associated(id: &[u8; 16]) -> Vec<u8> {
    [b"ccflare payload ".as_slice(), id.as_slice()].concat()
}
