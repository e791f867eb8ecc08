//! Deletes what is old, a little at a time.

use redb::{Key, ReadableTable, Table, Value, WriteTransaction};

use super::{
    failed,
    ledger::{exchange, readable},
    sums::{self, Sessions},
    tables::{self, numbered},
    words::Words,
};
use crate::{domain::ExchangeId, store::StoreError};

/// Deletes the rows from `first` on and before `end` until `limit` of them are gone that count, and says how many did.
pub(super) fn range<'a, K: Key + 'static, V: Value + 'static>(
    table: &mut Table<'_, K, V>,
    first: K::SelfType<'a>,
    end: K::SelfType<'a>,
    limit: usize,
    counts: impl Fn(K::SelfType<'_>) -> bool,
) -> Result<usize, StoreError> {
    let mut swept = 0;
    let mut old = table.extract_from_if(first..end, |_, _| true).map_err(failed)?;
    while swept < limit
        && let Some(row) = old.next()
    {
        let (key, _) = row.map_err(failed)?;
        swept += usize::from(counts(key.value()));
    }
    Ok(swept)
}

/// Deletes at most `limit` settled exchanges before `end`, oldest first, from all lists, with what they carried.
pub(super) fn exchanges(
    write: &WriteTransaction,
    end: ExchangeId,
    limit: usize,
    words: &Words,
) -> Result<usize, StoreError> {
    let mut exchanges = write.open_table(tables::EXCHANGES).map_err(failed)?;
    let mut numbers = write.open_table(tables::EXCHANGE_SERIES).map_err(failed)?;
    let mut lists = write.open_table(tables::SERIES_EXCHANGES).map_err(failed)?;
    let mut payloads = write.open_table(tables::PAYLOADS).map_err(failed)?;
    let (mut sessions_of, mut bytes, mut payload_bytes) = (Vec::new(), 0, 0);
    let mut swept = Vec::new();
    for row in exchanges.range::<&[u8; 16]>(..end.as_bytes()).map_err(failed)?.take(limit) {
        let (id, row) = row.map_err(failed)?;
        let id = ExchangeId::from_bytes(*id.value());
        // A damaged one goes, too; whose session it was nobody can say.
        let asker = readable(exchange(id, row.value(), words)).and_then(|exchange| exchange.intent.asker.clone());
        sessions_of.extend(asker.map(|asker| (asker.session.clone(), id)));
        bytes += row.value().len() as u64;
        swept.push(id);
    }
    for id in &swept {
        exchanges.remove(id.as_bytes()).map_err(failed)?;
        if let Some(number) = numbers.remove(id.as_bytes()).map_err(failed)? {
            lists.remove(&numbered(number.value(), id.as_bytes())).map_err(failed)?;
        }
        if let Some(payload) = payloads.remove(id.as_bytes()).map_err(failed)? {
            payload_bytes += payload.value().len() as u64;
        }
    }
    drop((exchanges, numbers, lists, payloads));
    let mut sessions = Sessions::open(write)?;
    sessions_of.iter().try_for_each(|(session, id)| sessions.remove(session, *id))?;
    drop(sessions);
    sums::tally(write, tables::EXCHANGE_BYTES, |sum| sum.saturating_sub(bytes))?;
    sums::tally(write, tables::PAYLOAD_BYTES, |sum| sum.saturating_sub(payload_bytes))?;
    Ok(swept.len())
}
