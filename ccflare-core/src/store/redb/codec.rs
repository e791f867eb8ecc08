//! The one place that knows bincode: rows to bytes and back.
//!
//! A row is a version byte and the row's fields in order. The encoding describes nothing of itself, so a field can
//! neither be added nor moved: a changed row gets a new version and its own decoder, and the golden bytes in the tests
//! say when that was forgotten. bincode is no longer maintained; whoever replaces it replaces this file.

use bincode::config::{self, Configuration, LittleEndian, Varint};
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
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
    bincode::serde::encode_into_writer(row, Growing(into), CONFIG)?;
    Ok(())
}

/// Appends to a vector. bincode has a writer for `std::io::Write`, at twice the time.
struct Growing<'a>(&'a mut Vec<u8>);

impl Writer for Growing<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        match bytes {
            // Most fields: tags, codes, small numbers.
            [byte] => self.0.push(*byte),
            bytes => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }
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

/// Appends fields one by one, as [`encode`] does at a third of the time: for rows that are written by the hundred thousand.
pub(super) struct Writing<'a>(pub(super) &'a mut Vec<u8>);

impl Writing<'_> {
    #[inline]
    pub(super) fn u64(&mut self, value: u64) {
        if value <= 250 {
            self.0.push(value as u8);
        } else if let Ok(value) = u16::try_from(value) {
            self.0.push(251);
            self.0.extend_from_slice(&value.to_le_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            self.0.push(252);
            self.0.extend_from_slice(&value.to_le_bytes());
        } else {
            self.0.push(253);
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    #[inline]
    pub(super) fn i64(&mut self, value: i64) {
        self.u64((value << 1 ^ value >> 63) as u64);
    }

    /// Those that `write` appends.
    pub(super) fn bytes(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.0.len();
        write(self.0);
        // Their number stands before them.
        let end = self.0.len();
        self.u64((end - begin) as u64);
        let length = self.0.len() - end;
        self.0[begin..].rotate_right(length);
    }
}

/// Reads fields one by one, as [`decode`] does at a third of the time: for rows that are read by the hundred thousand.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64, CodecError> {
        match *self.0 {
            [small @ 0..=250, ref rest @ ..] => {
                self.0 = rest;
                Ok(small.into())
            }
            [251, a, b, ref rest @ ..] => {
                self.0 = rest;
                Ok(u16::from_le_bytes([a, b]).into())
            }
            [252, a, b, c, d, ref rest @ ..] => {
                self.0 = rest;
                Ok(u32::from_le_bytes([a, b, c, d]).into())
            }
            [253, a, b, c, d, e, f, g, h, ref rest @ ..] => {
                self.0 = rest;
                Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
            }
            _ => self.no_number(),
        }
    }

    /// Says what is wrong in the decoder's own words.
    #[cold]
    fn no_number(&self) -> Result<u64, CodecError> {
        Ok(bincode::decode_from_slice(self.0, CONFIG)?.0)
    }

    #[inline]
    pub(super) fn i64(&mut self) -> Result<i64, CodecError> {
        let folded = self.u64()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = usize::try_from(self.u64()?).unwrap_or(usize::MAX);
        let Some((bytes, rest)) = self.0.split_at_checked(length) else {
            let additional = length - self.0.len();
            return Err(bincode::error::DecodeError::UnexpectedEnd { additional }.into());
        };
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn end(self) -> Result<(), CodecError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(CodecError::LeftOver(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row<'a> {
        text: &'a str,
        numbers: Vec<u64>,
        unknown: Option<i64>,
    }

    const ROW: Row<'_> = Row { text: "text", numbers: Vec::new(), unknown: Some(-300) };
    const BYTES: &[u8] = b"\x07\x04text\x00\x01\xfb\x57\x02";

    #[test]
    fn a_row_is_its_version_and_its_fields() {
        let mut bytes = Vec::new();
        encode(7, &ROW, &mut bytes).expect("a row");
        assert_eq!(bytes, BYTES);
        let (version, fields) = version(BYTES).expect("a version");
        assert_eq!((version, decode::<Row<'_>>(fields).expect("a row")), (7, ROW));
    }

    #[test]
    fn what_is_missing_or_left_over_is_an_error() {
        assert!(matches!(version(&[]), Err(CodecError::Empty)));
        for end in 1..BYTES.len() {
            assert!(matches!(decode::<Row<'_>>(&BYTES[1..end]), Err(CodecError::Decode(_))), "{end} bytes");
        }
        let more = [&BYTES[1..], &[0, 0]].concat();
        assert!(matches!(decode::<Row<'_>>(&more), Err(CodecError::LeftOver(2))));
    }

    #[test]
    fn a_damaged_length_asks_for_no_memory() {
        let endless = [&[0, 0xfd][..], &[0x7f; 8]].concat();
        assert!(matches!(decode::<Row<'_>>(&endless), Err(CodecError::Decode(_))));
    }

    proptest! {
        #[test]
        fn fields_are_written_and_read_one_by_one_as_they_are_all_at_once(
            row in any::<(u64, i64, u16)>(),
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            cut in any::<prop::sample::Index>(),
        ) {
            let row = (row.0, row.1, row.2, bytes);
            let mut bytes = Vec::new();
            encode(7, &(row.0, row.1, u64::from(row.2), row.3.as_slice()), &mut bytes).expect("a row");
            let mut written = vec![7];
            let mut fields = Writing(&mut written);
            fields.u64(row.0);
            fields.i64(row.1);
            fields.u64(row.2.into());
            fields.bytes(|into| into.extend_from_slice(&row.3));
            prop_assert_eq!(&written, &bytes);
            let read = |bytes| {
                let mut fields = Fields(bytes);
                let row = (fields.u64()?, fields.i64()?, fields.u64()?, fields.bytes()?);
                fields.end().map(|()| row)
            };
            let all = decode::<(u64, i64, u64, &[u8])>(&bytes[1..]).expect("a row");
            prop_assert_eq!(read(&bytes[1..]).expect("a row"), all);
            let part = &bytes[1..1 + cut.index(bytes.len() - 1)];
            prop_assert!(read(part).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<Row<'_>>(&bytes);
        }
    }
}
