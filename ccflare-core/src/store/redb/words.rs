//! What records say again and again, by number.
//!
//! Nearly all of a record has been said before: what accounts, models and agents are called, how a strategy that measures
//! nothing orders the accounts. Such a word is stored once, and records name its number. All words are in memory. Clients
//! make some of them up, so there is a bound; what has no room any more is spelt out in its record.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use foldhash::fast::RandomState;
use parking_lot::RwLock;
use redb::{Database, ReadableDatabase, ReadableTable, TableError, WriteTransaction};

use super::{corrupt, failed, tables};
use crate::store::StoreError;

/// So many words there are at most, and so many bytes of all of them.
const MOST: usize = 65_536;
const MOST_BYTES: usize = 8 << 20;

/// All words.
#[derive(Default)]
pub(super) struct Words {
    known: RwLock<Known>,
    /// So many of the first are in the table.
    kept: AtomicUsize,
}

#[derive(Default)]
struct Known {
    /// By number.
    words: Vec<Arc<[u8]>>,
    numbers: HashMap<Arc<[u8]>, u32, RandomState>,
    bytes: usize,
}

impl Words {
    /// The words of a database.
    pub(super) fn read(db: &Database) -> Result<Self, StoreError> {
        let read = db.begin_read().map_err(failed)?;
        let table = match read.open_table(tables::WORDS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Self::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut known = Known::default();
        for row in table.iter().map_err(failed)? {
            let (number, word) = row.map_err(failed)?;
            if number.value() as usize != known.words.len() {
                return Err(corrupt(
                    "the words of records".to_owned(),
                    format!("number {} is missing", known.words.len()),
                ));
            }
            known.add(word.value());
        }
        let kept = AtomicUsize::new(known.words.len());
        Ok(Self { known: RwLock::new(known), kept })
    }

    /// The number of a word, which it gets now if it is new; `None` if there is no room for it.
    pub(super) fn number(&self, word: &[u8]) -> Option<u32> {
        if let Some(number) = self.known.read().numbers.get(word) {
            return Some(*number);
        }
        let mut known = self.known.write();
        match known.numbers.get(word) {
            Some(number) => Some(*number),
            None if known.words.len() < MOST && known.bytes + word.len() <= MOST_BYTES => Some(known.add(word)),
            None => None,
        }
    }

    /// The word with a number.
    pub(super) fn word(&self, number: u32) -> Option<Arc<[u8]>> {
        self.known.read().words.get(number as usize).cloned()
    }

    /// Writes the words that are not in the table yet. The count has to be handed to [`Words::keep`] once they are
    /// committed; before that, a record that names one of them must not be.
    pub(super) fn write(&self, write: &WriteTransaction) -> Result<usize, StoreError> {
        let known = self.known.read();
        let kept = self.kept.load(Ordering::Acquire);
        if kept < known.words.len() {
            let mut table = write.open_table(tables::WORDS).map_err(failed)?;
            for (number, word) in (0_u32..).zip(&known.words).skip(kept) {
                table.insert(number, &**word).map_err(failed)?;
            }
        }
        Ok(known.words.len())
    }

    /// The first `count` are in the table now.
    pub(super) fn keep(&self, count: usize) {
        self.kept.fetch_max(count, Ordering::AcqRel);
    }
}

impl Known {
    fn add(&mut self, word: &[u8]) -> u32 {
        let (word, number) = (Arc::<[u8]>::from(word), u32::try_from(self.words.len()).unwrap_or(u32::MAX));
        self.bytes += word.len();
        self.words.push(Arc::clone(&word));
        self.numbers.insert(word, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use redb::{Builder, backends::InMemoryBackend};

    use super::*;

    #[test]
    fn words_are_numbered_once_and_come_back_by_number() {
        let db = Builder::new().create_with_backend(InMemoryBackend::new()).expect("memory");
        let words = Words::read(&db).expect("none yet");
        assert_eq!([words.number(b"a"), words.number(b"b"), words.number(b"a")], [Some(0), Some(1), Some(0)]);
        for more in [b"c", b"d"] {
            let write = db.begin_write().expect("a transaction");
            let count = words.write(&write).expect("written");
            write.commit().expect("committed");
            words.keep(count);
            words.number(more);
        }
        let again = Words::read(&db).expect("words");
        assert_eq!(again.word(2).as_deref(), Some(b"c".as_slice()));
        assert_eq!((again.word(3), again.number(b"b"), again.number(b"e")), (None, Some(1), Some(3)));
    }

    #[test]
    fn what_was_not_committed_is_written_again() {
        let db = Builder::new().create_with_backend(InMemoryBackend::new()).expect("memory");
        let words = Words::default();
        words.number(b"a");
        let write = db.begin_write().expect("a transaction");
        words.write(&write).expect("written");
        write.abort().expect("aborted");
        let write = db.begin_write().expect("a transaction");
        words.write(&write).expect("written");
        write.commit().expect("committed");
        assert_eq!(Words::read(&db).expect("words").word(0).as_deref(), Some(b"a".as_slice()));
    }

    #[test]
    fn clients_that_make_up_words_fill_no_more_than_their_room() {
        let words = Words::default();
        let numbered = (0..2 * MOST).filter(|number| words.number(&number.to_be_bytes()).is_some()).count();
        assert_eq!(numbered, MOST);
        let long = Words::default();
        assert_eq!(long.number(&vec![0; MOST_BYTES + 1]), None);
    }
}
