//! The accounts: one row each, and the sealed credential beside it.

use async_trait::async_trait;
use redb::{ReadableDatabase, ReadableTable, Table, WriteTransaction};

use super::{
    Opened, RedbStore, corrupt, failed,
    records::{self, PlacedAccount},
    tables::{self, IdKey},
};
use crate::{
    domain::{Account, AccountChange, AccountId, Credential, Timestamp},
    store::{AccountStore, SealKey, StoreError},
};

#[async_trait]
impl AccountStore for RedbStore {
    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.blocking(|opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let accounts = read.open_table(tables::ACCOUNTS).map_err(failed)?;
            let credentials = read.open_table(tables::CREDENTIALS).map_err(failed)?;
            let mut all = load_all(&accounts, &credentials, opened.key)?;
            all.sort_by_key(|placed| placed.place);
            Ok(all.into_iter().map(|placed| placed.account).collect())
        })
        .await
    }

    async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.blocking(move |opened| opened.write(|tables| tables.add(account))).await
    }

    async fn change_account(&self, id: AccountId, change: AccountChange, at: Timestamp) -> Result<Account, StoreError> {
        self.blocking(move |opened| {
            opened.write(|tables| {
                if let AccountChange::Renamed(name) = &change {
                    tables.require_free(name, id)?;
                }
                let mut placed = tables.load(id)?.ok_or(StoreError::NoSuchAccount)?;
                placed.account.apply(change, at);
                tables.save(&placed)?;
                Ok(placed.account)
            })
        })
        .await
    }

    async fn account(&self, id: AccountId) -> Result<Account, StoreError> {
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let accounts = read.open_table(tables::ACCOUNTS).map_err(failed)?;
            let credentials = read.open_table(tables::CREDENTIALS).map_err(failed)?;
            let row = accounts.get(id.as_bytes()).map_err(failed)?.ok_or(StoreError::NoSuchAccount)?;
            load(id, row.value(), &credentials, opened.key).map(|placed| placed.account)
        })
        .await
    }

    async fn replace_credential(
        &self,
        id: AccountId,
        expected: u64,
        credential: &Credential,
    ) -> Result<(), StoreError> {
        let credential = credential.clone();
        self.blocking(move |opened| opened.write(|tables| tables.replace_credential(id, expected, credential))).await
    }

    async fn remove_account(&self, id: AccountId) -> Result<(), StoreError> {
        self.blocking(move |opened| opened.write(|tables| tables.remove(id))).await
    }
}

impl Opened<'_> {
    fn write<T>(&self, work: impl FnOnce(&mut AccountTables<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let done = work(&mut AccountTables::open(&write, self.key)?)?;
        write.commit().map_err(failed)?;
        Ok(done)
    }
}

/// The tables of accounts within a write transaction.
pub(super) struct AccountTables<'a> {
    accounts: Table<'a, IdKey, &'static [u8]>,
    credentials: Table<'a, IdKey, &'static [u8]>,
    key: &'a SealKey,
}

impl<'a> AccountTables<'a> {
    pub(super) fn open(write: &'a WriteTransaction, key: &'a SealKey) -> Result<Self, StoreError> {
        Ok(Self {
            accounts: write.open_table(tables::ACCOUNTS).map_err(failed)?,
            credentials: write.open_table(tables::CREDENTIALS).map_err(failed)?,
            key,
        })
    }

    pub(super) fn load(&self, id: AccountId) -> Result<Option<PlacedAccount>, StoreError> {
        let Some(row) = self.accounts.get(id.as_bytes()).map_err(failed)? else { return Ok(None) };
        load(id, row.value(), &self.credentials, self.key).map(Some)
    }

    /// Writes the row; the credential stays as it is.
    pub(super) fn save(&mut self, placed: &PlacedAccount) -> Result<(), StoreError> {
        let row = records::encode_account(placed).map_err(StoreError::backend)?;
        self.accounts.insert(placed.account.id.as_bytes(), row.as_slice()).map_err(failed)?;
        Ok(())
    }

    /// Whether another account than `id` has this name.
    pub(super) fn is_taken(&self, name: &str, id: AccountId) -> Result<bool, StoreError> {
        let taken = |placed: &PlacedAccount| placed.account.id != id && *placed.account.name == *name;
        Ok(load_all(&self.accounts, &self.credentials, self.key)?.iter().any(taken))
    }

    fn require_free(&self, name: &str, id: AccountId) -> Result<(), StoreError> {
        if self.is_taken(name, id)? { Err(StoreError::NameTaken(name.to_owned())) } else { Ok(()) }
    }

    fn add(&mut self, account: Account) -> Result<(), StoreError> {
        self.require_free(&account.name, account.id)?;
        let all = load_all(&self.accounts, &self.credentials, self.key)?;
        let place = all.iter().map(|placed| placed.place + 1).max().unwrap_or(0);
        self.save_credential(&account)?;
        self.save(&PlacedAccount { place, account })
    }

    fn save_credential(&mut self, account: &Account) -> Result<(), StoreError> {
        let credential = records::encode_credential(&account.credential).map_err(StoreError::backend)?;
        let sealed = self.key.seal(&credential, &associated(account.id.as_bytes()));
        self.credentials.insert(account.id.as_bytes(), sealed.as_slice()).map_err(failed)?;
        Ok(())
    }

    fn replace_credential(&mut self, id: AccountId, expected: u64, credential: Credential) -> Result<(), StoreError> {
        let mut placed = self.load(id)?.ok_or(StoreError::NoSuchAccount)?;
        if placed.account.credential.generation() != expected {
            return Err(StoreError::Superseded);
        }
        placed.account.renew(credential.into());
        self.save_credential(&placed.account)?;
        self.save(&placed)
    }

    fn remove(&mut self, id: AccountId) -> Result<(), StoreError> {
        self.credentials.remove(id.as_bytes()).map_err(failed)?;
        match self.accounts.remove(id.as_bytes()).map_err(failed)? {
            Some(_) => Ok(()),
            None => Err(StoreError::NoSuchAccount),
        }
    }
}

fn load_all(
    accounts: &impl ReadableTable<IdKey, &'static [u8]>,
    credentials: &impl ReadableTable<IdKey, &'static [u8]>,
    key: &SealKey,
) -> Result<Vec<PlacedAccount>, StoreError> {
    let rows = accounts.iter().map_err(failed)?;
    rows.map(|row| {
        let (id, row) = row.map_err(failed)?;
        load(AccountId::from_bytes(*id.value()), row.value(), credentials, key)
    })
    .collect()
}

fn load(
    id: AccountId,
    row: &[u8],
    credentials: &impl ReadableTable<IdKey, &'static [u8]>,
    key: &SealKey,
) -> Result<PlacedAccount, StoreError> {
    let sealed = credentials.get(id.as_bytes()).map_err(failed)?;
    let sealed = sealed.ok_or_else(|| corrupt(format!("account {id}"), "it has no credential"))?;
    let credential = unseal(id, sealed.value(), key)?;
    records::decode_account(id, credential, row).map_err(|error| corrupt(format!("account {id}"), error))
}

fn unseal(id: AccountId, sealed: &[u8], key: &SealKey) -> Result<Credential, StoreError> {
    let what = || format!("the credential of account {id}");
    let bytes = key.unseal(sealed, &associated(id.as_bytes())).map_err(|error| error.of(what()))?;
    records::decode_credential(&bytes).map_err(|error| corrupt(what(), error))
}

/// Binds a sealed credential to its account.
pub(super) fn associated(id: &[u8; 16]) -> Vec<u8> {
    [b"ccflare credential ".as_slice(), id.as_slice()].concat()
}
