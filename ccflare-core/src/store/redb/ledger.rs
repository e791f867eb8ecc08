//! The ledger: open intents, settled exchanges, and what the answers did to the accounts.

use std::{
    collections::{HashMap, HashSet},
    ops::{Bound, Range},
};

use async_trait::async_trait;
use redb::{ReadableDatabase, Table};
use tokio::task;

use super::{
    Inner, RedbStore,
    accounts::AccountTables,
    codec::CodecError,
    corrupt, failed,
    records::{self, RecordError},
    tables::{self, IdKey},
};
use crate::{
    domain::{AccountChange, AccountId, Exchange, ExchangeId, Intent, Outcome, Timestamp},
    store::{LedgerEntry, LedgerStore, PageRequest, StoreError},
};

/// Entries encoded before other tasks of the thread get a turn: some ten microseconds.
const ENCODED_AT_ONCE: usize = 64;

#[async_trait]
impl LedgerStore for RedbStore {
    async fn append(&self, batch: &[LedgerEntry]) -> Result<(), StoreError> {
        let rows = BatchRows::encode(batch).await.map_err(StoreError::backend)?;
        self.blocking(move |inner| inner.append(&rows)).await
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        self.blocking(Inner::recover).await
    }

    async fn exchanges(&self, page: PageRequest) -> Result<Vec<Exchange>, StoreError> {
        self.blocking(move |inner| {
            let read = inner.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::EXCHANGES).map_err(failed)?;
            let before = page.before.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_bytes()));
            let rows = table.range::<&[u8; 16]>((Bound::Unbounded, before)).map_err(failed)?;
            rows.rev()
                .take(page.limit)
                .map(|row| {
                    let (id, row) = row.map_err(failed)?;
                    exchange(ExchangeId::from_bytes(*id.value()), row.value())
                })
                .collect()
        })
        .await
    }

    async fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        self.blocking(move |inner| {
            let read = inner.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::EXCHANGES).map_err(failed)?;
            let row = table.get(id.as_bytes()).map_err(failed)?;
            row.map(|row| exchange(id, row.value())).transpose()
        })
        .await
    }
}

fn exchange(id: ExchangeId, row: &[u8]) -> Result<Exchange, StoreError> {
    records::decode_exchange(id, row)
        .map_err(|error: RecordError| corrupt(format!("the record of request {id}"), error))
}

fn intent(id: ExchangeId, row: &[u8]) -> Result<Intent, StoreError> {
    records::decode_intent(id, row).map_err(|error| corrupt(format!("the open record of request {id}"), error))
}

/// A batch as it goes into the tables. Made before the write transaction, which others wait for.
#[derive(Default)]
struct BatchRows {
    bytes: Vec<u8>,
    intents: Vec<Row>,
    exchanges: Vec<Row>,
    changes: HashMap<AccountId, Vec<(AccountChange, Timestamp)>>,
}

struct Row {
    id: ExchangeId,
    range: Range<usize>,
}

impl BatchRows {
    async fn encode(batch: &[LedgerEntry]) -> Result<Self, CodecError> {
        let settled = batch.iter().filter_map(|entry| match entry {
            LedgerEntry::Settled(exchange) => Some(exchange.intent.id),
            _ => None,
        });
        let settled: HashSet<ExchangeId> = settled.collect();
        let mut rows = Self { bytes: Vec::with_capacity(batch.len() * 192), ..Self::default() };
        for chunk in batch.chunks(ENCODED_AT_ONCE) {
            chunk.iter().try_for_each(|entry| rows.push(entry, &settled))?;
            task::yield_now().await;
        }
        // In the order of the keys, neighbours go into one page after another.
        rows.intents.sort_by_key(|row| row.id);
        rows.exchanges.sort_by_key(|row| row.id);
        Ok(rows)
    }

    fn push(&mut self, entry: &LedgerEntry, settled: &HashSet<ExchangeId>) -> Result<(), CodecError> {
        let start = self.bytes.len();
        match entry {
            LedgerEntry::Opened(intent) if settled.contains(&intent.id) => {}
            LedgerEntry::Opened(intent) => {
                records::encode_intent(intent, &mut self.bytes)?;
                self.intents.push(Row { id: intent.id, range: start..self.bytes.len() });
            }
            LedgerEntry::Settled(exchange) => {
                records::encode_exchange(exchange, &mut self.bytes)?;
                self.exchanges.push(Row { id: exchange.intent.id, range: start..self.bytes.len() });
            }
            LedgerEntry::AccountChanged { id, change, at } => {
                self.changes.entry(*id).or_default().push((change.clone(), *at));
            }
        }
        Ok(())
    }
}

impl Inner {
    fn append(&self, rows: &BatchRows) -> Result<(), StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        {
            let mut intents = write.open_table(tables::INTENTS).map_err(failed)?;
            for row in &rows.intents {
                intents.insert(row.id.as_bytes(), &rows.bytes[row.range.clone()]).map_err(failed)?;
            }
            let mut exchanges = write.open_table(tables::EXCHANGES).map_err(failed)?;
            for row in &rows.exchanges {
                intents.remove(row.id.as_bytes()).map_err(failed)?;
                insert_first(&mut exchanges, row.id, &rows.bytes[row.range.clone()])?;
            }
            let mut accounts = AccountTables::open(&write, &self.key)?;
            for (id, changes) in &rows.changes {
                change(&mut accounts, *id, changes)?;
            }
        }
        write.commit().map_err(failed)
    }

    fn recover(&self) -> Result<u64, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let mut found = 0;
        {
            let mut intents = write.open_table(tables::INTENTS).map_err(failed)?;
            let mut exchanges = write.open_table(tables::EXCHANGES).map_err(failed)?;
            let mut row = Vec::new();
            while let Some((id, open)) = intents.pop_first().map_err(failed)? {
                let id = ExchangeId::from_bytes(*id.value());
                let interrupted = Exchange::unfinished(intent(id, open.value())?, Outcome::Interrupted);
                row.clear();
                records::encode_exchange(&interrupted, &mut row).map_err(StoreError::backend)?;
                insert_first(&mut exchanges, id, &row)?;
                found += 1;
            }
        }
        write.commit().map_err(failed)?;
        Ok(found)
    }
}

/// Inserts a settlement unless there is one. That is rare, so it is written first and put back if need be: one descent
/// into the tree, not two.
fn insert_first(exchanges: &mut Table<'_, IdKey, &'static [u8]>, id: ExchangeId, row: &[u8]) -> Result<(), StoreError> {
    let first = exchanges.insert(id.as_bytes(), row).map_err(failed)?.map(|row| row.value().to_vec());
    if let Some(first) = first {
        exchanges.insert(id.as_bytes(), first.as_slice()).map_err(failed)?;
    }
    Ok(())
}

fn change(
    accounts: &mut AccountTables<'_>,
    id: AccountId,
    changes: &[(AccountChange, Timestamp)],
) -> Result<(), StoreError> {
    let Some(mut placed) = accounts.load(id)? else { return Ok(()) };
    for (change, at) in changes {
        if let AccountChange::Renamed(name) = change
            && let Err(error) = accounts.require_free(name, id)
        {
            tracing::warn!(account = %id, %error, "a rename is not written down");
            continue;
        }
        placed.account.apply(change.clone(), *at);
    }
    accounts.save(&placed)
}
