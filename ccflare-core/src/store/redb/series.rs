//! The series in memory, for readers: thousands of rows that hardly ever change.

use std::sync::Arc;

use parking_lot::Mutex;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::{corrupt, failed, records, tables};
use crate::{analytics::Dimensions, store::StoreError};

/// How often all series were made anew, big-endian.
const GENERATION: &str = "series_generation";

/// The dimensions of each series, by number.
pub(super) type AllSeries = Arc<Vec<Dimensions>>;

/// The series as they were read last.
#[derive(Default)]
pub(super) struct KnownSeries(Mutex<Known>);

#[derive(Default)]
struct Known {
    generation: u64,
    series: AllSeries,
}

impl KnownSeries {
    /// The series of a snapshot, and perhaps some that came after it; and which generation of numbers they have.
    pub(super) fn of(&self, read: &ReadTransaction) -> Result<(u64, AllSeries), StoreError> {
        let generation = generation(&read.open_table(tables::META).map_err(failed)?)?;
        let table = read.open_table(tables::SERIES).map_err(failed)?;
        let mut known = self.0.lock();
        if generation < known.generation {
            // An old snapshot; nobody else will want it.
            return Ok((generation, Arc::new(rows_from(0, &table)?)));
        }
        if generation > known.generation {
            *known = Known { generation, series: AllSeries::default() };
        }
        let count = known.series.len();
        if (count as u64) < table.len().map_err(failed)? {
            let more = rows_from(u32::try_from(count).map_err(StoreError::backend)?, &table)?;
            Arc::make_mut(&mut known.series).extend(more);
        }
        Ok((generation, Arc::clone(&known.series)))
    }
}

/// Says that numbers mean something else from now on.
pub(super) fn renew(write: &WriteTransaction) -> Result<(), StoreError> {
    let mut meta = write.open_table(tables::META).map_err(failed)?;
    let next = generation(&meta)? + 1;
    meta.insert(GENERATION, next.to_be_bytes().as_slice()).map_err(failed)?;
    Ok(())
}

fn generation(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, StoreError> {
    let row = meta.get(GENERATION).map_err(failed)?;
    Ok(row.and_then(|row| row.value().try_into().ok()).map_or(0, u64::from_be_bytes))
}

fn rows_from(first: u32, table: &impl ReadableTable<u32, &'static [u8]>) -> Result<Vec<Dimensions>, StoreError> {
    let rows = table.range(first..).map_err(failed)?;
    rows.map(|row| {
        let (number, row) = row.map_err(failed)?;
        let dimensions = records::decode_dimensions(row.value());
        dimensions.map_err(|error| corrupt(format!("series {}", number.value()), error))
    })
    .collect()
}
