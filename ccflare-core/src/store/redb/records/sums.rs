//! What exchanges add up to, and by what they are told apart.

use serde::{Deserialize, Serialize};

use super::{Code, RecordError, senseless};
use crate::{
    analytics::{Cell, Counts, Dimensions, Level, Packed, SessionSummary, Share},
    domain::{AccountId, ClientKeyId, ExchangeId, NanoUsd, Outcome, Timestamp},
    store::redb::codec::{self, CodecError, Fields, Writing},
};

const CELL: u8 = 1;
const DIMENSIONS: u8 = 1;
const SESSION: u8 = 1;

/// The code that stands for a level in keys. Never given a second meaning.
pub(in crate::store::redb) const fn level_code(level: Level) -> u8 {
    match level {
        Level::Minute => 0,
        Level::Hour => 1,
        Level::Day => 2,
        Level::Ever => 3,
    }
}

/// Appends the row of a cell. How many succeeded is its series' to say: all or none.
///
/// Field by field, as [`codec::encode`] would: each settlement writes four of them.
pub(in crate::store::redb) fn encode_cell(cell: &Cell, into: &mut Vec<u8>) {
    let counts = &cell.counts;
    into.push(CELL);
    let mut row = Writing(into);
    row.u64(counts.requests);
    row.u64(counts.failovers);
    row.u64(counts.input);
    row.u64(counts.output);
    row.u64(counts.cache_read);
    row.u64(counts.cache_write_5m);
    row.u64(counts.cache_write_1h);
    row.u64(counts.cost.0);
    row.u64(counts.priced);
    row.i64(counts.saved);
    row.u64(counts.duration);
    row.u64(counts.timed);
    row.u64(counts.first_token);
    row.u64(counts.first_tokens);
    row.u64(counts.speed);
    row.u64(counts.speeds);
    row.u64(counts.request_bytes);
    row.u64(counts.response_bytes);
    for sketch in [&cell.durations, &cell.first_tokens, &cell.speeds] {
        row.bytes(|bytes| sketch.encode(bytes));
    }
}

/// What a row says; its distributions stay where they are. Field by field, in the order of
/// [`encode_cell`]: an answer reads a hundred thousand of them.
pub(in crate::store::redb) fn read_cell(bytes: &[u8]) -> Result<Packed<'_>, RecordError> {
    let mut row = match codec::version(bytes)? {
        (CELL, fields) => Fields(fields),
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    let counts = Counts {
        requests: row.u64()?,
        succeeded: 0,
        failovers: row.u64()?,
        input: row.u64()?,
        output: row.u64()?,
        cache_read: row.u64()?,
        cache_write_5m: row.u64()?,
        cache_write_1h: row.u64()?,
        cost: NanoUsd(row.u64()?),
        priced: row.u64()?,
        saved: row.i64()?,
        duration: row.u64()?,
        timed: row.u64()?,
        first_token: row.u64()?,
        first_tokens: row.u64()?,
        speed: row.u64()?,
        speeds: row.u64()?,
        request_bytes: row.u64()?,
        response_bytes: row.u64()?,
    };
    let cell = Packed { counts, durations: row.bytes()?, first_tokens: row.bytes()?, speeds: row.bytes()? };
    row.end()?;
    Ok(cell)
}

/// What to say of a cell whose distributions are none.
pub(in crate::store::redb) fn no_sketch() -> RecordError {
    senseless("a distribution", "these bytes")
}

/// Puts what a row says in the place of what `cell` holds, and takes no new memory for it.
pub(in crate::store::redb) fn decode_cell(bytes: &[u8], cell: &mut Cell) -> Result<(), RecordError> {
    if read_cell(bytes)?.unpack(cell) { Ok(()) } else { Err(no_sketch()) }
}

#[derive(Serialize, Deserialize)]
struct DimensionsRow<'a> {
    account: Option<u128>,
    client_key: Option<u128>,
    model: Option<&'a str>,
    agent: Option<&'a str>,
    outcome: u8,
    success: bool,
}

/// Appends the row of dimensions; the same dimensions have the same bytes.
pub(in crate::store::redb) fn encode_dimensions(dimensions: &Dimensions, into: &mut Vec<u8>) -> Result<(), CodecError> {
    let row = DimensionsRow {
        account: dimensions.account.map(|id| u128::from_be_bytes(*id.as_bytes())),
        client_key: dimensions.client_key.map(|id| u128::from_be_bytes(*id.as_bytes())),
        model: dimensions.model.as_deref(),
        agent: dimensions.agent.as_deref(),
        outcome: dimensions.outcome.code(),
        success: dimensions.success,
    };
    codec::encode(DIMENSIONS, &row, into)
}

/// The dimensions that a row stands for.
pub(in crate::store::redb) fn decode_dimensions(bytes: &[u8]) -> Result<Dimensions, RecordError> {
    let row: DimensionsRow<'_> = match codec::version(bytes)? {
        (DIMENSIONS, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    Ok(Dimensions {
        account: row.account.map(|id| AccountId::from_bytes(id.to_be_bytes())),
        client_key: row.client_key.map(|id| ClientKeyId::from_bytes(id.to_be_bytes())),
        model: row.model.map(Into::into),
        agent: row.agent.map(Into::into),
        outcome: Outcome::of_code(row.outcome)?,
        success: row.success,
    })
}

#[derive(Serialize, Deserialize)]
struct StoredSession {
    number: u32,
    first: i64,
    last: u128,
    requests: u64,
    errors: u64,
    tokens: u64,
    cache_read: u64,
    output: u64,
    cost: u64,
}

/// A conversation and its number.
pub(in crate::store::redb) struct SessionRow {
    pub(in crate::store::redb) number: u32,
    pub(in crate::store::redb) summary: SessionSummary,
}

/// The row of a conversation; its id is the key.
pub(in crate::store::redb) fn encode_session(row: &SessionRow) -> Result<Vec<u8>, CodecError> {
    let SessionSummary { first, last, all, .. } = &row.summary;
    let stored = StoredSession {
        number: row.number,
        first: first.as_micros(),
        last: u128::from_be_bytes(*last.as_bytes()),
        requests: all.requests,
        errors: all.errors,
        tokens: all.tokens,
        cache_read: all.cache_read,
        output: all.output,
        cost: all.cost.0,
    };
    let mut bytes = Vec::with_capacity(64);
    codec::encode(SESSION, &stored, &mut bytes)?;
    Ok(bytes)
}

/// The conversation that a row stands for.
pub(in crate::store::redb) fn decode_session(id: &str, bytes: &[u8]) -> Result<SessionRow, RecordError> {
    let stored: StoredSession = match codec::version(bytes)? {
        (SESSION, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    let all = Share {
        requests: stored.requests,
        errors: stored.errors,
        tokens: stored.tokens,
        cache_read: stored.cache_read,
        output: stored.output,
        cost: NanoUsd(stored.cost),
    };
    let summary = SessionSummary {
        id: id.into(),
        first: Timestamp::from_micros(stored.first),
        last: ExchangeId::from_bytes(stored.last.to_be_bytes()),
        all,
    };
    Ok(SessionRow { number: stored.number, summary })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_cell_has_these_bytes() {
        let counts = Counts { requests: 2, output: 300, cost: NanoUsd(70_000), saved: -5, ..Counts::default() };
        let mut cell = Cell { counts, ..Cell::default() };
        cell.durations.insert(5);
        cell.durations.insert(1_000_000);
        let (mut bytes, mut read) = (Vec::new(), Cell::default());
        encode_cell(&cell, &mut bytes);
        assert_eq!(hex(&bytes), "01020000fb2c01000000fc7011010000090000000000000000030af0070000");
        read.speeds.insert(1);
        decode_cell(&bytes, &mut read).expect("a cell");
        assert_eq!(read, cell);
    }

    #[test]
    fn dimensions_have_these_bytes() {
        let dimensions = Dimensions {
            account: Some(AccountId::from_bytes([1; 16])),
            client_key: None,
            model: Some("m".into()),
            agent: None,
            outcome: Outcome::Cut,
            success: false,
        };
        let mut bytes = Vec::new();
        encode_dimensions(&dimensions, &mut bytes).expect("a row");
        assert_eq!(hex(&bytes), "0101fe010101010101010101010101010101010001016d000200");
        assert_eq!(decode_dimensions(&bytes).expect("dimensions"), dimensions);
    }

    #[test]
    fn a_session_comes_back() {
        let all = Share { requests: 3, errors: 1, tokens: 900, cache_read: 7, output: 30, cost: NanoUsd(5) };
        let last = ExchangeId::from_bytes([9; 16]);
        let summary = SessionSummary { id: "s".into(), first: Timestamp::from_micros(8), last, all };
        let bytes = encode_session(&SessionRow { number: 4, summary: summary.clone() }).expect("a row");
        let read = decode_session("s", &bytes).expect("a session");
        assert_eq!((read.number, read.summary), (4, summary));
    }
}
