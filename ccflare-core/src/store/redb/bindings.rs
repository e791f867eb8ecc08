//! Where conversations live: one row a session.

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable};

use super::{RedbStore, corrupt, failed, records, tables};
use crate::{
    domain::{Binding, SessionKey},
    store::{BindingStore, StoreError},
};

#[async_trait]
impl BindingStore for RedbStore {
    async fn bindings(&self) -> Result<Vec<Binding>, StoreError> {
        self.blocking(|opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::BINDINGS).map_err(failed)?;
            let rows = table.iter().map_err(failed)?;
            rows.map(|row| {
                let (session, row) = row.map_err(failed)?;
                let session = SessionKey(u128::from_be_bytes(*session.value()));
                records::decode_binding(session, row.value())
                    .map_err(|error| corrupt(format!("the binding of session {session}"), error))
            })
            .collect()
        })
        .await
    }

    async fn keep_bindings(&self, kept: &[Binding], gone: &[SessionKey]) -> Result<(), StoreError> {
        let row = |binding: &Binding| {
            let mut row = Vec::with_capacity(64);
            records::encode_binding(binding, &mut row).map_err(StoreError::backend)?;
            Ok((binding.session.0.to_be_bytes(), row))
        };
        let rows = kept.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
        let gone: Vec<_> = gone.iter().map(|session| session.0.to_be_bytes()).collect();
        self.blocking(move |opened| {
            let write = opened.db.begin_write().map_err(failed)?;
            {
                let mut table = write.open_table(tables::BINDINGS).map_err(failed)?;
                for (session, row) in &rows {
                    table.insert(session, row.as_slice()).map_err(failed)?;
                }
                for session in &gone {
                    table.remove(session).map_err(failed)?;
                }
            }
            write.commit().map_err(failed)
        })
        .await
    }
}
