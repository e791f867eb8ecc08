//! Logins that wait for their code: one sealed row each.

use async_trait::async_trait;
use redb::{ReadableTable, Table};

use super::{
    Opened, RedbStore, corrupt, failed, records,
    tables::{self, IdKey},
};
use crate::{
    domain::{LoginId, PendingLogin, Timestamp},
    store::{LoginStore, StoreError},
};

#[async_trait]
impl LoginStore for RedbStore {
    async fn keep_login(&self, login: &PendingLogin) -> Result<(), StoreError> {
        let login = login.clone();
        self.blocking(move |opened| {
            let row = records::encode_login(&login).map_err(StoreError::backend)?;
            let sealed = opened.key.seal(&row, &associated(login.id.as_bytes()));
            opened.logins(|logins| {
                logins.insert(login.id.as_bytes(), sealed.as_slice()).map_err(failed)?;
                Ok(())
            })
        })
        .await
    }

    async fn take_login(&self, id: LoginId) -> Result<Option<PendingLogin>, StoreError> {
        self.blocking(move |opened| {
            let sealed = opened
                .logins(|logins| Ok(logins.remove(id.as_bytes()).map_err(failed)?.map(|row| row.value().to_vec())))?;
            let what = || "a login that was begun".to_owned();
            let open = |sealed: Vec<u8>| {
                let row = opened.key.unseal(&sealed, &associated(id.as_bytes())).map_err(|error| error.of(what()))?;
                records::decode_login(id, &row).map_err(|error| corrupt(what(), error))
            };
            sealed.map(open).transpose()
        })
        .await
    }

    async fn sweep_logins(&self, moment: Timestamp) -> Result<u64, StoreError> {
        // Ids sort by the time at which they were made.
        self.blocking(move |opened| {
            opened.logins(|logins| {
                let mut swept = 0;
                while oldest(logins)?.is_some_and(|id| id.made() < moment) {
                    logins.pop_first().map_err(failed)?;
                    swept += 1;
                }
                Ok(swept)
            })
        })
        .await
    }
}

fn oldest(logins: &impl ReadableTable<IdKey, &'static [u8]>) -> Result<Option<LoginId>, StoreError> {
    Ok(logins.first().map_err(failed)?.map(|(id, _)| LoginId::from_bytes(*id.value())))
}

impl Opened<'_> {
    fn logins<T>(
        &self,
        work: impl FnOnce(&mut Table<'_, IdKey, &'static [u8]>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let done = work(&mut write.open_table(tables::LOGINS).map_err(failed)?)?;
        write.commit().map_err(failed)?;
        Ok(done)
    }
}

/// Binds a sealed login to its id.
pub(super) fn associated(id: &[u8; 16]) -> Vec<u8> {
    [b"ccflare login ".as_slice(), id.as_slice()].concat()
}
