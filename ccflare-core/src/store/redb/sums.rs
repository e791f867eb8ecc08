//! Sums and indexes, kept in the transaction that settles the exchanges they come from.
//!
//! A **series** is a set of [`Dimensions`] with a number. For each minute, hour and day, and for all time, there is a cell
//! for each series that something happened in. The settled exchanges of a series, and those of a conversation, are listed
//! by number and id, so that a page of any selection is read from its end.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use foldhash::fast::RandomState;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    corrupt, failed,
    records::{self, SessionRow},
    tables::{self, CellKey, IdKey, NumberedKey, numbered},
    turns::give_way,
    words::Words,
};
use crate::{
    analytics::{Cell, Dimensions, Level, Minute, SessionSummary},
    domain::{AccountId, Exchange, ExchangeId},
    store::StoreError,
};

/// So many series there are at most, however many models and agents clients make up. Beyond that, models and agents are
/// counted together.
pub(super) const MOST_SERIES: u64 = 20_000;

/// What models and agents are called that are counted together.
pub(super) const OTHERS: &str = "(others)";

/// Beside the cells of an hour or a day stands how often something was added to them, as if it were that series: whoever
/// knows what they came to knows by that whether they still do.
const CHANGES: u32 = u32::MAX;

/// So many neighbours go into a list through a cursor; fewer are cheaper one by one.
const RUN: usize = 8;

/// Exchanges that are taken into sums in one transaction when these are made anew.
const REBUILT_AT_ONCE: usize = 4096;

/// What a settled exchange adds. Made before the write transaction, which others wait for.
pub(super) struct Settled {
    id: ExchangeId,
    minute: Minute,
    dimensions: Dimensions,
    cell: Cell,
    account: Option<(AccountId, std::sync::Arc<str>)>,
    session: Option<SessionSummary>,
    bytes: u64,
}

impl Settled {
    /// `bytes` is the length of its row.
    pub(super) fn of(exchange: &Exchange, bytes: usize) -> Self {
        let asker = exchange.intent.asker.as_ref();
        Self {
            id: exchange.intent.id,
            minute: Minute::of(exchange.intent.at),
            dimensions: Dimensions::of(exchange),
            cell: Cell::of(exchange),
            account: exchange.final_attempt().and_then(|attempt| attempt.account.clone()),
            session: asker.map(|asker| SessionSummary::begin(asker.session.clone(), exchange)),
            bytes: bytes as u64,
        }
    }

    pub(super) const fn id(&self) -> ExchangeId {
        self.id
    }
}

/// Adds exchanges that were settled, each for the first time.
pub(super) fn add(write: &WriteTransaction, settled: &[Settled]) -> Result<(), StoreError> {
    if settled.is_empty() {
        return Ok(());
    }
    let numbers = Series::open(write)?.numbers(settled)?;
    give_way(settled.len());
    list(write, settled, &numbers)?;
    give_way(settled.len());
    add_cells(write, settled, &numbers)?;
    give_way(settled.len());
    note_names(write, settled)?;
    add_sessions(write, settled)?;
    let bytes = settled.iter().map(|settled| settled.bytes).sum();
    tally(write, tables::EXCHANGE_BYTES, |sum| sum.saturating_add(bytes))
}

/// Changes a tally.
pub(super) fn tally(write: &WriteTransaction, name: &str, change: impl FnOnce(u64) -> u64) -> Result<(), StoreError> {
    let mut tallies = write.open_table(tables::TALLIES).map_err(failed)?;
    let sum = tallies.get(name).map_err(failed)?.map_or(0, |sum| sum.value());
    tallies.insert(name, change(sum)).map_err(failed)?;
    Ok(())
}

/// The series and their numbers.
struct Series<'a> {
    rows: Table<'a, u32, &'static [u8]>,
    numbers: Table<'a, &'static [u8], u32>,
}

impl<'a> Series<'a> {
    fn open(write: &'a WriteTransaction) -> Result<Self, StoreError> {
        let rows = write.open_table(tables::SERIES).map_err(failed)?;
        let numbers = write.open_table(tables::SERIES_NUMBERS).map_err(failed)?;
        Ok(Self { rows, numbers })
    }

    /// The number of the series of each exchange.
    fn numbers(&mut self, settled: &[Settled]) -> Result<Vec<u32>, StoreError> {
        let mut known: HashMap<&Dimensions, u32, RandomState> = HashMap::default();
        let all = settled.iter().map(|one| &one.dimensions);
        all.map(|dimensions| match known.entry(dimensions) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(new) => Ok(*new.insert(self.number(dimensions)?)),
        })
        .collect()
    }

    fn number(&mut self, dimensions: &Dimensions) -> Result<u32, StoreError> {
        let mut row = Vec::new();
        records::encode_dimensions(dimensions, &mut row).map_err(StoreError::backend)?;
        if let Some(number) = self.numbers.get(row.as_slice()).map_err(failed)? {
            return Ok(number.value());
        }
        let count = self.rows.len().map_err(failed)?;
        if count >= MOST_SERIES && !is_others(dimensions) {
            return self.number(&others(dimensions));
        }
        let number = u32::try_from(count).map_err(StoreError::backend)?;
        self.rows.insert(number, row.as_slice()).map_err(failed)?;
        self.numbers.insert(row.as_slice(), number).map_err(failed)?;
        Ok(number)
    }
}

fn others(dimensions: &Dimensions) -> Dimensions {
    Dimensions { model: Some(OTHERS.into()), agent: Some(OTHERS.into()), ..dimensions.clone() }
}

/// Whether models and agents are counted together there.
pub(super) fn is_others(dimensions: &Dimensions) -> bool {
    dimensions.model.as_deref() == Some(OTHERS) && dimensions.agent.as_deref() == Some(OTHERS)
}

/// Writes down which exchange is of which series, both ways.
fn list(write: &WriteTransaction, settled: &[Settled], numbers: &[u32]) -> Result<(), StoreError> {
    let mut by_exchange = write.open_table(tables::EXCHANGE_SERIES).map_err(failed)?;
    let mut by_series = write.open_table(tables::SERIES_EXCHANGES).map_err(failed)?;
    let mut pairs: Vec<_> = settled.iter().map(|one| *one.id.as_bytes()).zip(numbers.iter().copied()).collect();
    // Neighbours share pages.
    pairs.sort_unstable();
    let known = tables::insert_ascending(&mut by_exchange, pairs.iter().copied())?;
    debug_assert!(known.is_empty(), "each is settled for the first time");
    let mut keys: Vec<_> = pairs.iter().map(|(id, number)| numbered(*number, id)).collect();
    keys.sort_unstable();
    insert_lists(&mut by_series, &keys)
}

/// Inserts what lists hold, in the order of the keys.
fn insert_lists(table: &mut Table<'_, NumberedKey, ()>, keys: &[[u8; 20]]) -> Result<(), StoreError> {
    for list in keys.chunk_by(|a, b| a[..4] == b[..4]) {
        if list.len() >= RUN {
            // All of them at the end of the list, most likely.
            tables::insert_ascending(table, list.iter().map(|key| (*key, ())))?;
        } else {
            list.iter().try_for_each(|key| table.insert(key, ()).map(drop).map_err(failed))?;
        }
    }
    Ok(())
}

/// The key of a cell.
pub(super) fn cell_key(level: Level, start: Minute, series: u32) -> [u8; 9] {
    let mut key = [records::level_code(level); 9];
    key[1..5].copy_from_slice(&start.0.to_be_bytes());
    key[5..].copy_from_slice(&series.to_be_bytes());
    key
}

/// Whether a cell stands behind a key, and not the count of an hour's or a day's changes.
pub(super) fn is_cell(key: &[u8; 9]) -> bool {
    key[5..] != CHANGES.to_be_bytes()
}

/// Adds the exchanges to the cells of all levels. Each cell is read and written once.
fn add_cells(write: &WriteTransaction, settled: &[Settled], numbers: &[u32]) -> Result<(), StoreError> {
    // What a minute adds to its series, it adds on each level.
    let mut minutes: HashMap<(Minute, u32), Cell, RandomState> = HashMap::default();
    for (one, number) in settled.iter().zip(numbers) {
        minutes.entry((one.minute, *number)).or_default().merge(&one.cell);
    }
    let keys =
        |((minute, number), cell)| Level::ALL.map(|level: Level| (cell_key(level, level.start(minute), number), cell));
    let mut added: Vec<([u8; 9], &Cell)> = minutes.iter().map(|(of, cell)| (*of, cell)).flat_map(keys).collect();
    added.sort_unstable_by_key(|(key, _)| *key);
    let mut table = write.open_table(tables::CELLS).map_err(failed)?;
    let (mut bytes, mut begun, mut cell) = (Vec::new(), Vec::new(), Cell::default());
    for same in added.chunk_by(|(a, _), (b, _)| a == b) {
        let key = same[0].0;
        let is_known = load_cell(&table, &key, &mut cell)?;
        same.iter().for_each(|(_, more)| cell.merge(more));
        let start = bytes.len();
        records::encode_cell(&cell, &mut bytes);
        if is_known {
            table.insert(&key, &bytes[start..]).map_err(failed)?;
            bytes.truncate(start);
        } else {
            begun.push((key, start..bytes.len()));
        }
    }
    // Most of them are of a minute, an hour or a day that begins, and so in one run.
    let begun = begun.into_iter().map(|(key, place)| (key, &bytes[place]));
    tables::insert_ascending(&mut table, begun)?;
    let changed = |one: &Settled| [Level::Hour, Level::Day].map(|level| (level, level.start(one.minute)));
    for (level, start) in settled.iter().flat_map(changed).collect::<BTreeSet<_>>() {
        let times = changes(&table, level, start)? + 1;
        table.insert(&cell_key(level, start, CHANGES), times.to_be_bytes().as_slice()).map_err(failed)?;
    }
    Ok(())
}

/// How often something was added to the cells of an hour or a day, since this is counted.
pub(super) fn changes(
    cells: &impl ReadableTable<CellKey, &'static [u8]>,
    level: Level,
    start: Minute,
) -> Result<u64, StoreError> {
    let row = cells.get(&cell_key(level, start, CHANGES)).map_err(failed)?;
    Ok(row.and_then(|row| row.value().try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// Puts the cell that there is in the place of `into`, or nothing if there is none.
fn load_cell(table: &Table<'_, CellKey, &'static [u8]>, key: &[u8; 9], into: &mut Cell) -> Result<bool, StoreError> {
    let Some(row) = table.get(key).map_err(failed)? else {
        into.clear();
        return Ok(false);
    };
    records::decode_cell(row.value(), into).map_err(|error| corrupt(format!("the cell {key:?}"), error))?;
    Ok(true)
}

/// Writes down what accounts are called, where that has changed.
fn note_names(write: &WriteTransaction, settled: &[Settled]) -> Result<(), StoreError> {
    let latest: BTreeMap<_, _> =
        settled.iter().filter_map(|one| one.account.as_ref()).map(|(id, name)| (*id, &**name)).collect();
    let mut names = write.open_table(tables::ACCOUNT_NAMES).map_err(failed)?;
    for (id, name) in latest {
        let known = names.get(id.as_bytes()).map_err(failed)?.is_some_and(|known| known.value() == name);
        if !known {
            names.insert(id.as_bytes(), name).map_err(failed)?;
        }
    }
    Ok(())
}

/// Adds the exchanges to their conversations.
fn add_sessions(write: &WriteTransaction, settled: &[Settled]) -> Result<(), StoreError> {
    let mut added: BTreeMap<&str, (SessionSummary, Vec<ExchangeId>)> = BTreeMap::new();
    for one in settled {
        let Some(session) = &one.session else { continue };
        match added.get_mut(&*session.id) {
            Some((summary, ids)) => {
                summary.merge(session);
                ids.push(one.id);
            }
            None => drop(added.insert(&session.id, (session.clone(), vec![one.id]))),
        }
    }
    let mut sessions = Sessions::open(write)?;
    added.into_values().try_for_each(|(summary, ids)| sessions.add(summary, &ids))
}

/// The conversations, and what is listed of them.
pub(super) struct Sessions<'a> {
    rows: Table<'a, &'static str, &'static [u8]>,
    order: Table<'a, IdKey, &'static str>,
    exchanges: Table<'a, NumberedKey, ()>,
    tallies: Table<'a, &'static str, u64>,
}

impl<'a> Sessions<'a> {
    pub(super) fn open(write: &'a WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            rows: write.open_table(tables::SESSIONS).map_err(failed)?,
            order: write.open_table(tables::SESSION_ORDER).map_err(failed)?,
            exchanges: write.open_table(tables::SESSION_EXCHANGES).map_err(failed)?,
            tallies: write.open_table(tables::TALLIES).map_err(failed)?,
        })
    }

    fn add(&mut self, summary: SessionSummary, ids: &[ExchangeId]) -> Result<(), StoreError> {
        let row = match self.load(&summary.id)? {
            Some(mut row) => {
                self.order.remove(row.summary.last.as_bytes()).map_err(failed)?;
                row.summary.merge(&summary);
                row
            }
            None => SessionRow { number: self.next_number()?, summary },
        };
        let id = &*row.summary.id;
        self.order.insert(row.summary.last.as_bytes(), id).map_err(failed)?;
        let bytes = records::encode_session(&row).map_err(StoreError::backend)?;
        self.rows.insert(id, bytes.as_slice()).map_err(failed)?;
        let mut keys: Vec<_> = ids.iter().map(|exchange| numbered(row.number, exchange.as_bytes())).collect();
        keys.sort_unstable();
        insert_lists(&mut self.exchanges, &keys)
    }

    fn load(&self, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let row = self.rows.get(id).map_err(failed)?;
        row.map(|row| session(id, row.value())).transpose()
    }

    fn next_number(&mut self) -> Result<u32, StoreError> {
        let number = self.tallies.get(tables::SESSION_NUMBERS).map_err(failed)?.map_or(0, |number| number.value());
        self.tallies.insert(tables::SESSION_NUMBERS, number + 1).map_err(failed)?;
        u32::try_from(number).map_err(StoreError::backend)
    }

    /// Takes an exchange off its conversation's list, and the conversation away with its last one.
    pub(super) fn remove(&mut self, id: &str, exchange: ExchangeId) -> Result<(), StoreError> {
        let Some(row) = self.load(id)? else { return Ok(()) };
        self.exchanges.remove(&numbered(row.number, exchange.as_bytes())).map_err(failed)?;
        if row.summary.last <= exchange {
            self.order.remove(row.summary.last.as_bytes()).map_err(failed)?;
            self.rows.remove(id).map_err(failed)?;
        }
        Ok(())
    }
}

/// The conversation that a row stands for.
pub(super) fn session(id: &str, row: &[u8]) -> Result<SessionRow, StoreError> {
    records::decode_session(id, row).map_err(|error| corrupt(format!("the record of session {id:?}"), error))
}

/// Makes all sums and indexes anew, from the settled exchanges.
pub(super) fn rebuild(db: &Database, words: &Words) -> Result<(), StoreError> {
    let write = db.begin_write().map_err(failed)?;
    tables::make(&write)?;
    tables::clear_derived(&write)?;
    super::series::renew(&write)?;
    count_payloads(&write)?;
    write.commit().map_err(failed)?;
    let read = db.begin_read().map_err(failed)?;
    let table = read.open_table(tables::EXCHANGES).map_err(failed)?;
    let total = table.len().map_err(failed)?;
    if total > 0 {
        tracing::info!(exchanges = total, "making sums of what is in the ledger; this is done once");
    }
    let (mut rows, mut done) = (table.iter().map_err(failed)?, 0);
    loop {
        let chunk: Vec<_> =
            rows.by_ref().take(REBUILT_AT_ONCE).map(|row| settled(row, words)).collect::<Result<_, StoreError>>()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let write = db.begin_write().map_err(failed)?;
        add(&write, &chunk)?;
        write.commit().map_err(failed)?;
        done += chunk.len() as u64;
        if done % (64 * REBUILT_AT_ONCE as u64) == 0 {
            tracing::info!(done, total, "making sums");
        }
    }
}

type Row<'a> = (redb::AccessGuard<'a, IdKey>, redb::AccessGuard<'a, &'static [u8]>);

fn settled(row: Result<Row<'_>, redb::StorageError>, words: &Words) -> Result<Settled, StoreError> {
    let (id, row) = row.map_err(failed)?;
    let id = ExchangeId::from_bytes(*id.value());
    let exchange = records::decode_exchange(id, row.value(), words);
    let exchange = exchange.map_err(|error| corrupt(format!("the record of request {id}"), error))?;
    Ok(Settled::of(&exchange, row.value().len()))
}

fn count_payloads(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut bytes = 0;
    for row in write.open_table(tables::PAYLOADS).map_err(failed)?.iter().map_err(failed)? {
        bytes += row.map_err(failed)?.1.value().len() as u64;
    }
    tally(write, tables::PAYLOAD_BYTES, |_| bytes)
}
