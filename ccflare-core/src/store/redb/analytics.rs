//! What can be asked of the ledger beside its pages: sums from cells, pages of any selection, conversations.

use std::{collections::HashMap, ops::Range, sync::Arc};

use async_trait::async_trait;
use redb::{ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable};

use super::{
    Opened, RedbStore, corrupt, failed,
    margins::{Piece, Stamp},
    records::{self, RecordError},
    sums,
    tables::{self, CellKey},
};
use crate::{
    analytics::{Answer, Apart, Dimensions, Fold, Kept, Level, Minute, Question, Series, SessionSummary, Stretch},
    domain::{AccountId, Timestamp},
    store::{AnalyticsStore, Found, PageRequest, StoreError, Wanted},
};

/// Since when minutes, hours and days are kept, in minutes, big-endian.
const KEPT: &str = "kept";

#[async_trait]
impl AnalyticsStore for RedbStore {
    async fn answer(&self, question: &Question) -> Result<Answer, StoreError> {
        let question = question.clone();
        self.blocking(move |opened| opened.answer(&question)).await
    }

    async fn kept(&self) -> Result<Kept, StoreError> {
        self.blocking(|opened| kept(&opened.db.begin_read().map_err(failed)?)).await
    }

    async fn account_names(&self) -> Result<HashMap<AccountId, Arc<str>>, StoreError> {
        self.blocking(|opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let names = read.open_table(tables::ACCOUNT_NAMES).map_err(failed)?;
            let name = |row: Result<(redb::AccessGuard<'_, _>, redb::AccessGuard<'_, &str>), _>| {
                let (id, name): (redb::AccessGuard<'_, tables::IdKey>, _) = row.map_err(failed)?;
                Ok((AccountId::from_bytes(*id.value()), name.value().into()))
            };
            names.iter().map_err(failed)?.map(name).collect()
        })
        .await
    }

    async fn find(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        let wanted = wanted.clone();
        self.blocking(move |opened| super::find::find(&opened, &wanted)).await
    }

    async fn sessions(&self, page: PageRequest) -> Result<Vec<SessionSummary>, StoreError> {
        self.blocking(move |opened| sessions(&opened.db.begin_read().map_err(failed)?, page)).await
    }

    async fn session(&self, id: &str) -> Result<Option<SessionSummary>, StoreError> {
        let id = id.to_owned();
        self.blocking(move |opened| {
            let read = opened.db.begin_read().map_err(failed)?;
            let table = read.open_table(tables::SESSIONS).map_err(failed)?;
            let row = table.get(id.as_str()).map_err(failed)?;
            row.map(|row| sums::session(&id, row.value()).map(|row| row.summary)).transpose()
        })
        .await
    }

    async fn forget_exchanges(&self) -> Result<u64, StoreError> {
        self.blocking(|opened| opened.forget_exchanges()).await
    }

    async fn sweep_exchanges(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.blocking(move |opened| opened.sweep_exchanges(before, limit)).await
    }

    async fn sweep_sums(&self, keep: Kept, limit: usize) -> Result<usize, StoreError> {
        self.blocking(move |opened| opened.sweep_sums(keep, limit)).await
    }
}

fn kept(read: &ReadTransaction) -> Result<Kept, StoreError> {
    let meta = read.open_table(tables::META).map_err(failed)?;
    Ok(meta.get(KEPT).map_err(failed)?.map_or_else(Kept::default, |row| read_kept(row.value())))
}

fn read_kept(row: &[u8]) -> Kept {
    let minute = |place: usize| {
        let bytes = row.get(place..place + 4).and_then(|bytes| bytes.try_into().ok());
        Minute(bytes.map_or(0, u32::from_be_bytes))
    };
    Kept { minutes: minute(0), hours: minute(4), days: minute(8) }
}

fn sessions(read: &ReadTransaction, page: PageRequest) -> Result<Vec<SessionSummary>, StoreError> {
    let order = read.open_table(tables::SESSION_ORDER).map_err(failed)?;
    let rows = read.open_table(tables::SESSIONS).map_err(failed)?;
    let end = page.before.map_or([0xff; 16], |before| *before.as_bytes());
    let mut found = Vec::new();
    for row in order.range::<&[u8; 16]>(..&end).map_err(failed)?.rev().take(page.limit) {
        let (_, id) = row.map_err(failed)?;
        if let Some(row) = rows.get(id.value()).map_err(failed)? {
            found.push(sums::session(id.value(), row.value())?.summary);
        }
    }
    Ok(found)
}

/// Where the cells of each series go. Most answers are about some of thousands.
struct Places<'a> {
    series: &'a [Dimensions],
    /// `Some(None)` are those that are not asked for.
    known: Vec<Option<Option<Series>>>,
}

impl Places<'_> {
    /// `None` if it is not asked for, or is no series.
    fn of(&mut self, number: u32, fold: &mut Fold<'_>) -> Option<Series> {
        let known = self.known.get_mut(number as usize)?;
        *known.get_or_insert_with(|| fold.series(&self.series[number as usize]))
    }
}

/// Reads the cells of some pieces of time, which `add` takes or finds to be none.
fn each_cell(
    cells: &ReadOnlyTable<CellKey, &'static [u8]>,
    level: Level,
    minutes: Range<Minute>,
    mut add: impl FnMut(u32, Minute, &[u8]) -> Result<bool, RecordError>,
) -> Result<(), StoreError> {
    let (first, end) = (sums::cell_key(level, minutes.start, 0), sums::cell_key(level, minutes.end, 0));
    for row in cells.range::<&[u8; 9]>(&first..&end).map_err(failed)? {
        let (key, row) = row.map_err(failed)?;
        let [_, a, b, c, d, number @ ..] = *key.value();
        let added = add(u32::from_be_bytes(number), Minute(u32::from_be_bytes([a, b, c, d])), row.value());
        let added = added.and_then(|is_cell| if is_cell { Ok(()) } else { Err(records::no_sketch()) });
        added.map_err(|error| corrupt("a sum".to_owned(), error))?;
    }
    Ok(())
}

impl Opened<'_> {
    fn answer(&self, question: &Question) -> Result<Answer, StoreError> {
        let read = self.db.begin_read().map_err(failed)?;
        let (generation, series) = self.series.of(&read)?;
        let (kept, cells) = (kept(&read)?, read.open_table(tables::CELLS).map_err(failed)?);
        let mut fold = Fold::new(question);
        let mut places = Places { series: &series, known: vec![None; series.len()] };
        let filter = Arc::new(question.filter.clone());
        for Stretch { level, minutes } in question.stretches(kept) {
            // Sums that are being swept come to less than they did.
            let whole = if level == Level::Day { kept.days } else { Minute(0) };
            if !matches!(level, Level::Hour | Level::Day) || minutes.start < whole {
                each_cell(&cells, level, minutes, |number, start, row| {
                    // What a filter leaves out is never read.
                    let Some(series) = places.of(number, &mut fold) else { return Ok(true) };
                    Ok(fold.add_packed(series, start, records::read_cell(row)?))
                })?;
                continue;
            }
            let mut start = minutes.start;
            while start < minutes.end {
                let stamp = Stamp { generation, changes: sums::changes(&cells, level, start)? };
                let piece = Piece { level, start, filter: Arc::clone(&filter) };
                let end = start + level.minutes();
                let margin = match self.margins.get(&piece, stamp) {
                    Some(margin) => margin,
                    None => {
                        let mut apart = Apart::default();
                        each_cell(&cells, level, start..end, |number, _, row| {
                            let Some(series) = places.of(number, &mut fold) else { return Ok(true) };
                            Ok(fold.add_apart(&mut apart, series, records::read_cell(row)?))
                        })?;
                        let margin = Arc::new(fold.margin(&apart));
                        self.margins.put(piece, stamp, Arc::clone(&margin));
                        margin
                    }
                };
                fold.add_margin(start, &margin);
                start = end;
            }
        }
        Ok(fold.finish())
    }

    fn forget_exchanges(&self) -> Result<u64, StoreError> {
        use redb::ReadableTableMetadata as _;
        let write = self.db.begin_write().map_err(failed)?;
        let forgotten = write.open_table(tables::EXCHANGES).map_err(failed)?.len().map_err(failed)?;
        write.delete_table(tables::EXCHANGES).map_err(failed)?;
        write.delete_table(tables::PAYLOADS).map_err(failed)?;
        tables::clear_derived(&write)?;
        super::series::renew(&write)?;
        tables::make(&write)?;
        write.commit().map_err(failed)?;
        Ok(forgotten)
    }

    fn sweep_exchanges(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let end = crate::domain::ExchangeId::first_of(before);
        let write = self.db.begin_write().map_err(failed)?;
        let swept = super::sweep::exchanges(&write, end, limit, self.words)?;
        if swept > 0 {
            write.commit().map_err(failed)?
        } else {
            write.abort().map_err(failed)?
        }
        Ok(swept)
    }

    fn sweep_sums(&self, keep: Kept, limit: usize) -> Result<usize, StoreError> {
        let write = self.db.begin_write().map_err(failed)?;
        let keep = note_kept(&write, keep)?;
        let levels = [(Level::Minute, keep.minutes), (Level::Hour, keep.hours), (Level::Day, keep.days)];
        let mut swept = 0;
        {
            let mut cells = write.open_table(tables::CELLS).map_err(failed)?;
            for (level, end) in levels {
                let (first, end) = (sums::cell_key(level, Minute(0), 0), sums::cell_key(level, end, 0));
                swept += super::sweep::range(&mut cells, &first, &end, limit - swept, sums::is_cell)?;
            }
        }
        write.commit().map_err(failed)?;
        Ok(swept)
    }
}

/// Writes down from when on each level is whole, before anything of it is deleted. Never moves back.
fn note_kept(write: &redb::WriteTransaction, keep: Kept) -> Result<Kept, StoreError> {
    let mut meta = write.open_table(tables::META).map_err(failed)?;
    let known = meta.get(KEPT).map_err(failed)?.map_or_else(Kept::default, |row| read_kept(row.value()));
    // What is not kept by the minute must be known by the whole hour, and so on.
    let keep = Kept {
        minutes: keep.minutes.floor(Level::Day.minutes()).max(known.minutes),
        hours: keep.hours.floor(Level::Day.minutes()).max(known.hours),
        days: keep.days.floor(Level::Day.minutes()).max(known.days),
    };
    let row = [keep.minutes, keep.hours, keep.days].map(|minute| minute.0.to_be_bytes()).concat();
    meta.insert(KEPT, row.as_slice()).map_err(failed)?;
    Ok(keep)
}

#[cfg(test)]
mod tests;
