//! The one place that knows bincode: rows to bytes and back.
//!
//! A row is a version byte and the row's fields in order. The encoding describes nothing of itself, so a field can
//! neither be added nor moved: a changed row gets a new version and its own decoder, and the golden bytes in the tests
//! say when that was forgotten. bincode is no longer maintained; whoever replaces it replaces this file.

use bincode::config::{self, Configuration, LittleEndian, Varint};
use serde::{Deserialize, Serialize};

/// More than any row can have, and little enough that damaged lengths cannot ask for all the memory there is.
const LIMIT: usize = 1 << 20;

type Config = Configuration<LittleEndian, Varint, config::Limit<LIMIT>>;

const CONFIG: Config = config::standard().with_limit::<LIMIT>();

/// Why bytes are no row, or a row makes no bytes.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    /// There is nothing, not even a version.
    #[error("it is empty")]
    Empty,
    /// A version that no decoder knows.
    #[error("its version is {0}")]
    Version(u8),
    /// The fields do not come out.
    #[error("{0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// There is more than the fields.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// The fields do not go in.
    #[error("{0}")]
    Encode(#[from] bincode::error::EncodeError),
}

/// Appends the version and the row.
pub(super) fn encode(version: u8, row: &impl Serialize, into: &mut Vec<u8>) -> Result<(), CodecError> {
    into.push(version);
    bincode::serde::encode_into_std_write(row, into, CONFIG)?;
    Ok(())
}

/// Splits the version from the fields.
pub(super) fn version(bytes: &[u8]) -> Result<(u8, &[u8]), CodecError> {
    bytes.split_first().map(|(version, fields)| (*version, fields)).ok_or(CodecError::Empty)
}

/// Reads a row's fields; its text stays where it is.
pub(super) fn decode<'a, T: Deserialize<'a>>(fields: &'a [u8]) -> Result<T, CodecError> {
    let (row, read) = bincode::serde::borrow_decode_from_slice(fields, CONFIG)?;
    match fields.len() - read {
        0 => Ok(row),
        left => Err(CodecError::LeftOver(left)),
    }
}
