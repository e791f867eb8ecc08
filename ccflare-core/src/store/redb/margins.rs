//! What whole hours and days came to, in memory: most of a month's answer is about days that are over, and whoever looks
//! on asks the same again and again.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::analytics::{Filter, Level, Margin, Minute};

/// So many bytes they take at most. A month of ten million requests, by the day and its last two weeks by the hour, fits.
const MOST_BYTES: usize = 16 << 20;

/// What one takes beside itself: its place in the map.
const PLACE: usize = 160;

/// Which hour or day, and which of its requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Piece {
    pub(super) level: Level,
    pub(super) start: Minute,
    pub(super) filter: Arc<Filter>,
}

/// What tells whether an hour or a day is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// See [`super::series`].
    pub(super) generation: u64,
    /// See [`super::sums::changes`].
    pub(super) changes: u64,
}

/// Those that were asked for last.
pub(super) struct Margins(Mutex<Known>);

struct Known {
    margins: LruCache<Piece, (Stamp, Arc<Margin>)>,
    bytes: usize,
}

impl Default for Margins {
    fn default() -> Self {
        Self(Mutex::new(Known { margins: LruCache::unbounded(), bytes: 0 }))
    }
}

impl Margins {
    /// What it comes to, if that is known and has not changed.
    pub(super) fn get(&self, piece: &Piece, stamp: Stamp) -> Option<Arc<Margin>> {
        let mut known = self.0.lock();
        let (of, margin) = known.margins.get(piece)?;
        (*of == stamp).then(|| Arc::clone(margin))
    }

    /// Keeps it, and lets go of what was not asked for the longest.
    pub(super) fn put(&self, piece: Piece, stamp: Stamp, margin: Arc<Margin>) {
        let mut known = self.0.lock();
        known.bytes += PLACE + margin.size();
        if let Some((_, (_, before))) = known.margins.push(piece, (stamp, margin)) {
            known.bytes -= PLACE + before.size();
        }
        while known.bytes > MOST_BYTES
            && let Some((_, (_, oldest))) = known.margins.pop_lru()
        {
            known.bytes -= PLACE + oldest.size();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { generation: 1, changes: 5 };

    fn hour(start: u32) -> Piece {
        Piece { level: Level::Hour, start: Minute(start), filter: Arc::default() }
    }

    #[test]
    fn what_has_changed_or_was_not_asked_for_is_not_known() {
        let margins = Margins::default();
        margins.put(hour(0), STAMP, Arc::default());
        assert!(margins.get(&hour(0), STAMP).is_some());
        assert!(margins.get(&hour(0), Stamp { changes: 6, ..STAMP }).is_none());
        assert!(margins.get(&hour(0), Stamp { generation: 2, ..STAMP }).is_none());
        assert!(margins.get(&Piece { level: Level::Day, ..hour(0) }, STAMP).is_none());
        let filter = Arc::new(Filter { success: Some(true), ..Filter::default() });
        assert!(margins.get(&Piece { filter, ..hour(0) }, STAMP).is_none());
    }

    #[test]
    fn what_was_not_asked_for_the_longest_makes_room() {
        let margins = Margins::default();
        let enough = u32::try_from(MOST_BYTES / PLACE).expect("so many");
        for start in 0..enough {
            margins.put(hour(start), STAMP, Arc::default());
            margins.put(hour(start), STAMP, Arc::default());
            assert!(margins.get(&hour(0), STAMP).is_some());
        }
        let known = margins.0.lock();
        assert!(known.bytes <= MOST_BYTES);
        assert_eq!(known.bytes, known.margins.iter().map(|(_, (_, margin))| PLACE + margin.size()).sum::<usize>());
        assert!(known.margins.peek(&hour(1)).is_none());
    }
}
