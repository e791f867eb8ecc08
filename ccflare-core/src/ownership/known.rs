//! The ids in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::domain::{AccountId, OwnedId, Timestamp};

/// So many things that last are known: files, batches, skills, containers. About 10 MB.
const LASTING: usize = 50_000;

/// So many things that the upstream forgets by itself are known, apart from the others: one thread can make an id a
/// second, and must not cost anybody a file.
const PASSING: usize = 10_000;

/// An id that is seen again and again is not written down each time.
const REFRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// What became of an id that was seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// It was known, and not long ago.
    Old,
    /// It is to be written down, and these, which had to make room for it, are to be forgotten.
    New {
        /// At most one.
        forgotten: Option<Arc<str>>,
    },
}

/// All ids, bounded; the one that was seen longest ago goes first.
#[derive(Debug, Default)]
pub(super) struct Known {
    owned: HashMap<Arc<str>, (u64, OwnedId)>,
    lasting: Shelf<LASTING>,
    passing: Shelf<PASSING>,
    turn: u64,
}

/// Ids in the order in which they were seen last.
#[derive(Debug, Default)]
struct Shelf<const MOST: usize>(BTreeMap<u64, Arc<str>>);

impl<const MOST: usize> Shelf<MOST> {
    /// Puts an id at the end; the first one, if there are too many now.
    fn put(&mut self, turn: u64, id: &Arc<str>) -> Option<Arc<str>> {
        self.0.insert(turn, Arc::clone(id));
        (self.0.len() > MOST).then(|| self.0.pop_first()).flatten().map(|(_, id)| id)
    }
}

impl Known {
    pub(super) fn owner(&self, id: &str, now: Timestamp) -> Option<AccountId> {
        let (_, owned) = self.owned.get(id)?;
        owned.until.is_none_or(|until| now < until).then_some(owned.account)
    }

    pub(super) fn learn(&mut self, owned: OwnedId) -> Learned {
        if self.owned.get(&owned.id).is_some_and(|(_, known)| is_fresh(known, &owned)) {
            return Learned::Old;
        }
        self.forget(&owned.id);
        self.turn += 1;
        let passes = owned.until.is_some();
        let forgotten =
            if passes { self.passing.put(self.turn, &owned.id) } else { self.lasting.put(self.turn, &owned.id) };
        if let Some(oldest) = &forgotten {
            self.owned.remove(oldest);
        }
        self.owned.insert(Arc::clone(&owned.id), (self.turn, owned));
        Learned::New { forgotten }
    }

    pub(super) fn forget(&mut self, id: &str) -> Option<Arc<str>> {
        let (id, (turn, _)) = self.owned.remove_entry(id)?;
        self.lasting.0.remove(&turn);
        self.passing.0.remove(&turn);
        Some(id)
    }
}

/// Whether seeing `now` tells nothing that is worth writing down.
fn is_fresh(known: &OwnedId, now: &OwnedId) -> bool {
    known.account == now.account && known.until.is_some() == now.until.is_some() && now.seen < known.seen + REFRESH
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn owned(id: &str, account: AccountId) -> OwnedId {
        OwnedId { id: id.into(), account, seen: NOW, until: None }
    }

    #[test]
    fn an_id_belongs_to_who_showed_it_last_until_it_is_forgotten() {
        let (mut known, [first, second]) = (Known::default(), [AccountId::new(NOW), AccountId::new(NOW)]);
        assert_eq!(known.learn(owned("file_1", first)), Learned::New { forgotten: None });
        assert_eq!(known.learn(owned("file_1", first)), Learned::Old);
        assert_eq!(known.learn(owned("file_1", second)), Learned::New { forgotten: None });
        assert_eq!(known.owner("file_1", NOW), Some(second));
        assert_eq!(known.forget("file_1").as_deref(), Some("file_1"));
        assert_eq!((known.owner("file_1", NOW), known.forget("file_1")), (None, None));
        assert!(known.lasting.0.is_empty());
    }

    #[test]
    fn what_is_still_seen_a_day_later_is_young_again() {
        let (mut known, account) = (Known::default(), AccountId::new(NOW));
        known.learn(owned("file_1", account));
        known.learn(owned("file_2", account));
        let later = OwnedId { seen: NOW + REFRESH, ..owned("file_1", account) };
        assert_eq!(known.learn(later), Learned::New { forgotten: None });
        let order: Vec<_> = known.lasting.0.values().map(|id| &**id).collect();
        assert_eq!(order, ["file_2", "file_1"]);
    }

    #[test]
    fn the_upstream_forgets_a_thread_and_so_do_we() {
        let (mut known, account) = (Known::default(), AccountId::new(NOW));
        let until = NOW + Duration::from_secs(60);
        known.learn(OwnedId { until: Some(until), ..owned("msg_1", account) });
        assert_eq!(known.owner("msg_1", NOW), Some(account));
        assert_eq!(known.owner("msg_1", until), None);
    }

    #[test]
    fn the_oldest_are_forgotten_and_threads_push_out_no_files() {
        let (mut known, account) = (Known::default(), AccountId::new(NOW));
        known.learn(owned("file_1", account));
        for number in 0..=PASSING {
            let thread = OwnedId { until: Some(NOW + REFRESH), ..owned(&format!("msg_{number}"), account) };
            let forgotten = (number == PASSING).then(|| "msg_0".into());
            assert_eq!(known.learn(thread), Learned::New { forgotten });
        }
        assert_eq!(known.owner("file_1", NOW), Some(account));
        assert_eq!(known.owner("msg_0", NOW), None);
        assert_eq!(known.owned.len(), PASSING + 1);
    }
}
