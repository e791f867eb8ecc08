//! Words, as records hold them: by number, or spelt out where there was no room for one more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RecordError, senseless};
use crate::store::redb::words::Words;

/// A text.
#[derive(Serialize, Deserialize)]
pub(super) enum TextRow<'a> {
    Known(u32),
    Spelt(&'a str),
}

/// Something with an id of its own, and what it was called.
#[derive(Serialize, Deserialize)]
pub(super) enum NamedRow<'a> {
    Known(u32),
    Spelt(u128, &'a str),
}

/// Bytes of an id.
const ID: usize = 16;

impl<'a> TextRow<'a> {
    pub(super) fn of(text: &'a str, words: &Words) -> Self {
        words.number(text.as_bytes()).map_or(Self::Spelt(text), Self::Known)
    }

    pub(super) fn read(self, words: &Words) -> Result<Arc<str>, RecordError> {
        match self {
            Self::Spelt(text) => Ok(text.into()),
            Self::Known(number) => Ok(text(&known(number, words)?, number)?.into()),
        }
    }
}

impl<'a> NamedRow<'a> {
    pub(super) fn of(id: &[u8; ID], name: &'a str, words: &Words) -> Self {
        let word = [id.as_slice(), name.as_bytes()].concat();
        words.number(&word).map_or(Self::Spelt(u128::from_be_bytes(*id), name), Self::Known)
    }

    pub(super) fn read(self, words: &Words) -> Result<([u8; ID], Arc<str>), RecordError> {
        match self {
            Self::Spelt(id, name) => Ok((id.to_be_bytes(), name.into())),
            Self::Known(number) => {
                let word = known(number, words)?;
                let (id, name) = word.split_first_chunk().ok_or_else(|| senseless("word", number))?;
                Ok((*id, text(name, number)?.into()))
            }
        }
    }
}

/// The word with this number.
pub(super) fn known(number: u32, words: &Words) -> Result<Arc<[u8]>, RecordError> {
    words.word(number).ok_or_else(|| senseless("word", number))
}

fn text(bytes: &[u8], number: u32) -> Result<&str, RecordError> {
    std::str::from_utf8(bytes).map_err(|_| senseless("word", number))
}
