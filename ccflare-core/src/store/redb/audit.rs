//! The audit log: appended to, read from its end, bounded.

use std::ops::Bound;

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTableMetadata};

use super::{RedbStore, corrupt, failed, records, tables};
use crate::{
    domain::{AuditEntry, AuditId},
    store::{AUDIT_LENGTH, AuditStore, StoreError},
};

#[async_trait]
impl AuditStore for RedbStore {
    async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let (id, row) = (entry.id, records::encode_audit(entry).map_err(StoreError::backend)?);
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            {
                let mut audit = write.open_table(tables::AUDIT).map_err(failed)?;
                audit.insert(id.as_bytes(), row.as_slice()).map_err(failed)?;
                while audit.len().map_err(failed)? > AUDIT_LENGTH {
                    audit.pop_first().map_err(failed)?;
                }
            }
            write.commit().map_err(failed)
        })
        .await
    }

    async fn audit(&self, before: Option<AuditId>, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let audit = read.open_table(tables::AUDIT).map_err(failed)?;
            let before = before.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_bytes()));
            let rows = audit.range::<&[u8; 16]>((Bound::Unbounded, before)).map_err(failed)?;
            rows.rev()
                .take(limit)
                .map(|row| {
                    let (id, row) = row.map_err(failed)?;
                    let id = AuditId::from_bytes(*id.value());
                    records::decode_audit(id, row.value()).map_err(|error| corrupt(format!("audit entry {id}"), error))
                })
                .collect()
        })
        .await
    }
}
