//! The audit log: appended to, read from its end, bounded.

use std::ops::Bound;

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTableMetadata};

use super::{Opened, RedbStore, corrupt, failed, records, tables};
use crate::{
    domain::{AuditEntry, AuditId},
    store::{AUDIT_LENGTH, AuditStore, StoreError},
};

#[async_trait]
impl AuditStore for RedbStore {
    async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let (id, row) = (entry.id, records::encode_audit(entry).map_err(StoreError::backend)?);
        self.blocking(move |opened| opened.append_audit(id, &row, AUDIT_LENGTH)).await
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

impl Opened<'_> {
    /// Adds a row, and takes out the oldest ones beyond `most`.
    fn append_audit(&self, id: AuditId, row: &[u8], most: u64) -> Result<(), StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        {
            let mut audit = write.open_table(tables::AUDIT).map_err(failed)?;
            audit.insert(id.as_bytes(), row).map_err(failed)?;
            while audit.len().map_err(failed)? > most {
                audit.pop_first().map_err(failed)?;
            }
        }
        write.commit().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Actor, Timestamp};

    #[tokio::test]
    async fn the_oldest_entries_go_when_there_are_too_many() {
        let store = RedbStore::in_memory();
        let mut entry = AuditEntry {
            id: AuditId::from_bytes([0; 16]),
            at: Timestamp::from_seconds(1_800_000_000),
            actor: Actor::Local,
            action: "account.add".to_owned(),
            subject: "work".to_owned(),
            refused: None,
        };
        for number in 1..=5 {
            entry.id = AuditId::from_bytes([number; 16]);
            let row = records::encode_audit(&entry).expect("a row");
            let id = entry.id;
            store.blocking(move |opened| opened.append_audit(id, &row, 3)).await.expect("appended");
        }
        let left: Vec<_> =
            store.audit(None, 9).await.expect("the log").iter().map(|entry| entry.id.as_bytes()[0]).collect();
        assert_eq!(left, [5, 4, 3]);
    }
}
