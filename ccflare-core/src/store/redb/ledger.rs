//! The ledger: open intents, settled exchanges, and what the answers did to the accounts.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::{Bound, Range},
};

use async_trait::async_trait;
use foldhash::fast::RandomState;
use redb::{ReadableDatabase, Table, WriteTransaction};
use tokio::task;

use super::{
    Opened, RedbStore,
    accounts::AccountTables,
    client_keys,
    codec::CodecError,
    corrupt, failed, records,
    sums::{self, Settled},
    tables::{self, IdKey},
    turns::give_way,
    words::Words,
};
use crate::{
    domain::{AccountChange, AccountId, ClientKeyId, Exchange, ExchangeId, Intent, Outcome, Timestamp},
    store::{LedgerEntry, LedgerStore, PageRequest, StoreError},
};

/// Entries encoded before others get a turn: about fifty microseconds.
const ENCODED_AT_ONCE: usize = 32;

#[async_trait]
impl LedgerStore for RedbStore {
    async fn append(&self, batch: &[LedgerEntry]) -> Result<(), StoreError> {
        let mut rows = self.engine.rows();
        rows.encode(batch, self.engine.words()).await.map_err(StoreError::backend)?;
        self.blocking(move |opened| {
            opened.append(&mut rows)?;
            *opened.rows.lock() = rows;
            Ok(())
        })
        .await
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        self.blocking(|opened| opened.recover()).await
    }

    async fn exchanges(&self, page: PageRequest) -> Result<Vec<Exchange>, StoreError> {
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::EXCHANGES).map_err(failed)?;
            let before = page.before.as_ref().map_or(Bound::Unbounded, |id| Bound::Excluded(id.as_bytes()));
            let rows = table.range::<&[u8; 16]>((Bound::Unbounded, before)).map_err(failed)?;
            rows.rev()
                .filter_map(|row| {
                    let read = row.map_err(failed).map(|(id, row)| {
                        readable(exchange(ExchangeId::from_bytes(*id.value()), row.value(), opened.words))
                    });
                    read.transpose()
                })
                .take(page.limit)
                .collect()
        })
        .await
    }

    async fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::EXCHANGES).map_err(failed)?;
            let row = table.get(id.as_bytes()).map_err(failed)?;
            row.map(|row| exchange(id, row.value(), opened.words)).transpose()
        })
        .await
    }
}

/// One record that is damaged must not hide all others: a page goes without it, and so does a start.
pub(super) fn readable<T>(record: Result<T, StoreError>) -> Option<T> {
    record.inspect_err(|error| tracing::error!(%error, "it is left out")).ok()
}

pub(super) fn exchange(id: ExchangeId, row: &[u8], words: &Words) -> Result<Exchange, StoreError> {
    records::decode_exchange(id, row, words).map_err(|error| corrupt(format!("the record of request {id}"), error))
}

fn intent(id: ExchangeId, row: &[u8]) -> Result<Intent, StoreError> {
    records::decode_intent(id, row).map_err(|error| corrupt(format!("the open record of request {id}"), error))
}

/// Whether the intent of a settled exchange stands in the same batch.
type OpenedHere = bool;

/// A batch as it goes into the tables. Made before the write transaction, which others wait for. What it has grown to is kept
/// for the next batch.
#[derive(Default)]
pub(super) struct BatchRows {
    intents: Rows,
    exchanges: Rows,
    /// What the exchanges add to sums, in the order in which they were settled.
    settled: Vec<Settled>,
    /// Whose intents an earlier batch has written.
    opened_before: Vec<ExchangeId>,
    changes: Vec<(AccountId, AccountChange, Timestamp)>,
    /// The latest use of each client key.
    key_uses: BTreeMap<ClientKeyId, Timestamp>,
}

impl BatchRows {
    async fn encode(&mut self, batch: &[LedgerEntry], words: &Words) -> Result<(), CodecError> {
        self.clear();
        let settled = batch.iter().filter_map(|entry| match entry {
            LedgerEntry::Settled(exchange) => Some(exchange.intent.id),
            _ => None,
        });
        let mut settled: HashMap<ExchangeId, OpenedHere, RandomState> = settled.map(|id| (id, false)).collect();
        for chunk in batch.chunks(ENCODED_AT_ONCE) {
            chunk.iter().try_for_each(|entry| self.push(entry, &mut settled, words))?;
            task::yield_now().await;
            give_way(batch.len());
        }
        self.opened_before.extend(settled.into_iter().filter(|(_, opened_here)| !opened_here).map(|(id, _)| id));
        self.intents.sort();
        self.exchanges.sort();
        if self.exchanges.places.len() < self.settled.len() {
            let mut seen = HashSet::new();
            self.settled.retain(|settled| seen.insert(settled.id()));
        }
        Ok(())
    }

    fn clear(&mut self) {
        let Self { intents, exchanges, settled, opened_before, changes, key_uses } = self;
        [intents, exchanges].into_iter().for_each(Rows::clear);
        settled.clear();
        opened_before.clear();
        changes.clear();
        key_uses.clear();
    }

    fn push(
        &mut self,
        entry: &LedgerEntry,
        settled: &mut HashMap<ExchangeId, OpenedHere, RandomState>,
        words: &Words,
    ) -> Result<(), CodecError> {
        match entry {
            LedgerEntry::Opened(intent) => match settled.get_mut(&intent.id) {
                // It is over already: the settlement says all that the intent does.
                Some(opened_here) => *opened_here = true,
                None => drop(self.intents.push(intent.id, |bytes| records::encode_intent(intent, bytes))?),
            },
            LedgerEntry::Settled(exchange) => {
                if let Some((key, _)) = &exchange.intent.client_key {
                    let latest = self.key_uses.entry(*key).or_insert(exchange.intent.at);
                    *latest = exchange.intent.at.max(*latest);
                }
                let bytes = self
                    .exchanges
                    .push(exchange.intent.id, |bytes| records::encode_exchange(exchange, words, bytes))?;
                self.settled.push(Settled::of(exchange, bytes));
            }
            LedgerEntry::AccountChanged { id, change, at } => self.changes.push((*id, change.clone(), *at)),
        }
        Ok(())
    }
}

/// Rows of one table, their bytes in one piece.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    places: Vec<(ExchangeId, Range<usize>)>,
}

impl Rows {
    fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    /// Adds a row, and says how long it is.
    fn push(
        &mut self,
        id: ExchangeId,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), CodecError>,
    ) -> Result<usize, CodecError> {
        let start = self.bytes.len();
        encode(&mut self.bytes)?;
        self.places.push((id, start..self.bytes.len()));
        Ok(self.bytes.len() - start)
    }

    /// In the order of the keys; of several rows of one key the first.
    fn sort(&mut self) {
        self.places.sort_by_key(|(id, _)| *id);
        self.places.dedup_by_key(|(id, _)| *id);
    }

    /// Writes the rows, but none over another; returns those that were there already.
    fn insert_into(&self, table: &mut Table<'_, IdKey, &'static [u8]>) -> Result<Vec<ExchangeId>, StoreError> {
        let rows = self.places.iter().map(|(id, place)| (*id.as_bytes(), &self.bytes[place.clone()]));
        Ok(tables::insert_ascending(table, rows)?.into_iter().map(ExchangeId::from_bytes).collect())
    }
}

impl Opened<'_> {
    fn append(&self, rows: &mut BatchRows) -> Result<(), StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let settled_before = {
            let mut intents = write.open_table(tables::INTENTS).map_err(failed)?;
            rows.intents.insert_into(&mut intents)?;
            give_way(rows.intents.places.len());
            for id in &rows.opened_before {
                intents.remove(id.as_bytes()).map_err(failed)?;
            }
            rows.exchanges.insert_into(&mut write.open_table(tables::EXCHANGES).map_err(failed)?)?
        };
        if !settled_before.is_empty() {
            rows.settled.retain(|settled| !settled_before.contains(&settled.id()));
        }
        give_way(rows.settled.len());
        sums::add(&write, &rows.settled)?;
        give_way(rows.settled.len());
        self.change_accounts(&write, &rows.changes)?;
        client_keys::note_uses(&write, &rows.key_uses)?;
        let words = self.words.write(&write)?;
        write.commit().map_err(failed)?;
        self.words.keep(words);
        Ok(())
    }

    /// Lets the changes happen in order, and writes each account once.
    fn change_accounts(
        &self,
        write: &WriteTransaction,
        changes: &[(AccountId, AccountChange, Timestamp)],
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut tables = AccountTables::open(write, self.key)?;
        let mut changed = BTreeMap::new();
        for (id, change, at) in changes {
            if !changed.contains_key(id) {
                let Some(placed) = tables.load(*id)? else { continue };
                changed.insert(*id, placed);
            }
            if let AccountChange::Renamed(name) = change {
                // Names are looked up in the table, so it has to be up to date.
                changed.values().try_for_each(|placed| tables.save(placed))?;
                if tables.is_taken(name, *id)? {
                    tracing::warn!(account = %id, %name, "the account keeps its name: another one has this name");
                    continue;
                }
            }
            if let Some(placed) = changed.get_mut(id) {
                placed.account.apply(change.clone(), *at);
            }
        }
        changed.values().try_for_each(|placed| tables.save(placed))
    }

    fn recover(&self) -> Result<u64, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let (mut interrupted, mut settled) = (Rows::default(), Vec::new());
        {
            let mut intents = write.open_table(tables::INTENTS).map_err(failed)?;
            while let Some((id, row)) = intents.pop_first().map_err(failed)? {
                let intent = intent(ExchangeId::from_bytes(*id.value()), row.value());
                let Some(intent) = readable(intent) else { continue };
                let exchange = Exchange::unfinished(intent, Outcome::Interrupted);
                let bytes = interrupted
                    .push(exchange.intent.id, |bytes| records::encode_exchange(&exchange, self.words, bytes))
                    .map_err(StoreError::backend)?;
                settled.push(Settled::of(&exchange, bytes));
            }
            let known = interrupted.insert_into(&mut write.open_table(tables::EXCHANGES).map_err(failed)?)?;
            settled.retain(|settled| !known.contains(&settled.id()));
        }
        sums::add(&write, &settled)?;
        let words = self.words.write(&write)?;
        write.commit().map_err(failed)?;
        self.words.keep(words);
        Ok(interrupted.places.len() as u64)
    }
}
