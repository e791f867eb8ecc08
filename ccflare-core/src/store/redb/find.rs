//! Pages of selected exchanges.
//!
//! Most selections are found by walking back from the newest exchange: a list of numbers tells which are wanted, and only
//! those are read. What is rarer than one in some hundred is found through the lists of its series instead, which are
//! merged from their ends.

use std::{cmp::Reverse, collections::BinaryHeap};

use redb::{Range, ReadOnlyTable, ReadTransaction, ReadableDatabase};

use super::{
    Opened, failed,
    ledger::{exchange, readable},
    sums,
    tables::{self, IdKey, NumberedKey, numbered},
    words::Words,
};
use crate::{
    analytics::{Dimensions, Filter},
    domain::ExchangeId,
    store::{Found, StoreError, Wanted},
};

/// Exchanges that are walked over before the lists are taken: about a millisecond.
const WALKED: usize = 10_000;

/// Exchanges that are read and not wanted before a page is given back unfinished.
const READ: usize = 2_000;

/// A page of what is wanted.
pub(super) fn find(opened: &Opened<'_>, wanted: &Wanted) -> Result<Found, StoreError> {
    let read = &opened.db.begin_read().map_err(failed)?;
    let mut page = Page::open(read, wanted, opened.words)?;
    if let Some(session) = &wanted.session {
        if let Some(number) = session_number(read, session)? {
            page.walk_list(number, &read.open_table(tables::SESSION_EXCHANGES).map_err(failed)?)?;
        }
    } else if wanted.filter.is_open() {
        page.walk_all()?;
    } else {
        let series = Selected::of(&opened.series.of(read)?.1, &wanted.filter);
        if !series.numbers.is_empty() && page.walk_numbers(read, &series)? == Walk::Tired {
            page.merge_lists(read, &series)?;
        }
    }
    Ok(page.found)
}

/// Why a walk has stopped.
#[derive(PartialEq, Eq)]
enum Walk {
    /// At the beginning of time, or with a full page.
    Done,
    /// What is wanted is rare.
    Tired,
}

/// The page as far as it is read.
struct Page<'a> {
    wanted: &'a Wanted,
    words: &'a Words,
    exchanges: ReadOnlyTable<IdKey, &'static [u8]>,
    /// The oldest that may be on it, and the first behind the newest.
    first: [u8; 16],
    end: [u8; 16],
    found: Found,
    /// How many were read in vain.
    vain: usize,
}

impl<'a> Page<'a> {
    fn open(read: &ReadTransaction, wanted: &'a Wanted, words: &'a Words) -> Result<Self, StoreError> {
        let exchanges = read.open_table(tables::EXCHANGES).map_err(failed)?;
        let first = wanted.from.map_or([0; 16], |from| *ExchangeId::first_of(from).as_bytes());
        // Ids know milliseconds: the end may lie within one.
        let millisecond = std::time::Duration::from_millis(1);
        let to = wanted.to.map_or([0xff; 16], |to| *ExchangeId::first_of(to + millisecond).as_bytes());
        let before = wanted.before.map_or([0xff; 16], |before| *before.as_bytes());
        let end = to.min(before).max(first);
        Ok(Self { wanted, words, exchanges, first, end, found: Found::default(), vain: 0 })
    }

    /// Looks at one more exchange, and says whether the page is finished.
    fn look(&mut self, id: [u8; 16], row: Option<&[u8]>) -> Result<bool, StoreError> {
        let id = ExchangeId::from_bytes(id);
        let read = match row {
            Some(row) => readable(exchange(id, row, self.words)),
            None => self
                .exchanges
                .get(id.as_bytes())
                .map_err(failed)?
                .and_then(|row| readable(exchange(id, row.value(), self.words))),
        };
        match read.filter(|exchange| self.wanted.admits(exchange)) {
            Some(_) if self.found.exchanges.len() == self.wanted.limit => {
                // There is one more, so there is a next page.
                self.found.next = self.found.exchanges.last().map(|last| last.intent.id);
                return Ok(true);
            }
            Some(exchange) => self.found.exchanges.push(exchange),
            None => self.vain += 1,
        }
        if self.vain >= READ {
            self.found.next = Some(id);
        }
        Ok(self.vain >= READ)
    }

    fn walk_all(&mut self) -> Result<(), StoreError> {
        for row in self.exchanges.range::<&[u8; 16]>(&self.first..&self.end).map_err(failed)?.rev() {
            let (id, row) = row.map_err(failed)?;
            if self.look(*id.value(), Some(row.value()))? {
                break;
            }
        }
        Ok(())
    }

    fn walk_list(&mut self, number: u32, list: &ReadOnlyTable<NumberedKey, ()>) -> Result<(), StoreError> {
        for row in self.list(number, list)?.rev() {
            if self.look(id_of(row.map_err(failed)?.0.value()), None)? {
                break;
            }
        }
        Ok(())
    }

    fn list(
        &self,
        number: u32,
        list: &ReadOnlyTable<NumberedKey, ()>,
    ) -> Result<Range<'static, NumberedKey, ()>, StoreError> {
        let (first, end) = (numbered(number, &self.first), numbered(number, &self.end));
        list.range::<&[u8; 20]>(&first..&end).map_err(failed)
    }

    fn walk_numbers(&mut self, read: &ReadTransaction, series: &Selected) -> Result<Walk, StoreError> {
        let table = read.open_table(tables::EXCHANGE_SERIES).map_err(failed)?;
        let mut walked = 0;
        for row in table.range::<&[u8; 16]>(&self.first..&self.end).map_err(failed)?.rev() {
            let (id, number) = row.map_err(failed)?;
            if series.has(number.value()) && self.look(*id.value(), None)? {
                return Ok(Walk::Done);
            }
            walked += 1;
            if walked == WALKED {
                self.end = *id.value();
                return Ok(Walk::Tired);
            }
        }
        Ok(Walk::Done)
    }

    /// Takes the newest of all lists, again and again.
    fn merge_lists(&mut self, read: &ReadTransaction, series: &Selected) -> Result<(), StoreError> {
        let table = read.open_table(tables::SERIES_EXCHANGES).map_err(failed)?;
        let mut lists = Vec::with_capacity(series.numbers.len());
        let mut heads = BinaryHeap::new();
        for number in &series.numbers {
            let mut list = self.list(*number, &table)?;
            if let Some(id) = last(&mut list)? {
                heads.push((id, Reverse(lists.len())));
                lists.push(list);
            }
        }
        while let Some((id, Reverse(place))) = heads.pop() {
            if self.look(id, None)? {
                break;
            }
            if let Some(id) = last(&mut lists[place])? {
                heads.push((id, Reverse(place)));
            }
        }
        Ok(())
    }
}

fn last(list: &mut Range<'_, NumberedKey, ()>) -> Result<Option<[u8; 16]>, StoreError> {
    list.next_back().map(|row| Ok(id_of(row.map_err(failed)?.0.value()))).transpose()
}

fn id_of(key: &[u8; 20]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&key[4..]);
    id
}

fn session_number(read: &ReadTransaction, session: &str) -> Result<Option<u32>, StoreError> {
    let table = read.open_table(tables::SESSIONS).map_err(failed)?;
    let row = table.get(session).map_err(failed)?;
    row.map(|row| sums::session(session, row.value()).map(|row| row.number)).transpose()
}

/// The series that may have wanted exchanges in them.
struct Selected {
    numbers: Vec<u32>,
    has: Vec<bool>,
}

impl Selected {
    fn of(series: &[Dimensions], filter: &Filter) -> Self {
        // What is counted together may be anything.
        let loose = Filter { models: None, agents: None, ..filter.clone() };
        let may = |series: &Dimensions| filter.admits(series) || (sums::is_others(series) && loose.admits(series));
        let has: Vec<_> = series.iter().map(may).collect();
        let numbers = (0..).zip(&has).filter_map(|(number, may)| may.then_some(number)).collect();
        Self { numbers, has }
    }

    fn has(&self, number: u32) -> bool {
        self.has.get(number as usize).copied().unwrap_or(false)
    }
}
