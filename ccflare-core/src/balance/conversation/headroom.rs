//! How much room each account has for one more conversation.
//!
//! Limits belong to organisations, so accounts of one count as one: what the newest answer to any of them said of a
//! window holds for all, and all share what is left. Nothing is known of an account that has not answered yet; it is
//! taken to be unused.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::{
    domain::{Headroom, ModelFamily, Timestamp, Window},
    pool::Standing,
};

/// What an upstream that warns, and says no more, has left.
const WARNED: f64 = 0.2;

/// What is left is told to a hundredth of a percent, so that what is written down is what was decided by.
const PARTS: f64 = 10_000.0;

/// The room of each account, in the order given, for a request of `family`. `conversations` of each account are given in
/// the same order.
#[must_use]
pub fn headrooms(standings: &[Standing], conversations: &[u32], family: ModelFamily, now: Timestamp) -> Vec<Headroom> {
    let mut pools: Vec<LimitPool<'_>> = Vec::with_capacity(standings.len());
    let mut organizations = HashMap::with_capacity_and_hasher(standings.len(), RandomState::default());
    let mut places = Vec::with_capacity(standings.len());
    for (index, standing) in standings.iter().enumerate() {
        let own = pools.len();
        let shared = standing
            .account
            .organization
            .as_deref()
            .map(|organization| *organizations.entry((organization, &*standing.account.provider)).or_insert(own));
        let at = shared.unwrap_or(own);
        if at == own {
            pools.push(LimitPool::default());
        }
        pools[at].add(standing, conversations.get(index).copied().unwrap_or(0), family);
        places.push(at);
    }
    let rooms: Vec<_> = pools.iter().map(|pool| pool.room(now)).collect();
    places.into_iter().map(|at| rooms[at].clone()).collect()
}

/// What accounts with the same limits have in common.
#[derive(Default)]
struct LimitPool<'a> {
    size: u8,
    conversations: u32,
    in_flight: u32,
    /// Of each name the newest.
    windows: SmallVec<[&'a Window; 6]>,
}

impl<'a> LimitPool<'a> {
    fn add(&mut self, standing: &'a Standing, conversations: u32, family: ModelFamily) {
        self.size = self.size.max(standing.account.effective_tier().into());
        self.conversations = self.conversations.saturating_add(conversations);
        self.in_flight = self.in_flight.saturating_add(standing.in_flight);
        let concerns = |window: &&Window| window.family.is_none_or(|limited| limited == family);
        for window in standing.account.limits.windows.iter().filter(concerns) {
            match self.windows.iter_mut().find(|known| known.name == window.name) {
                Some(known) if known.observed < window.observed => *known = window,
                Some(_) => {}
                None => self.windows.push(window),
            }
        }
    }

    /// Its size times what its tightest window has left, shared by all who are there and the one who comes.
    fn room(&self, now: Timestamp) -> Headroom {
        let measured = self.windows.iter().map(|window| (left(window, now), *window));
        let (left, window) = measured
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map_or((1.0, None), |(left, window)| (left, Some(window.name.clone())));
        let resets = self.windows.iter().filter_map(|window| window.resets);
        Headroom {
            size: self.size,
            left: (left * PARTS).round() / PARTS,
            window,
            conversations: self.conversations,
            in_flight: self.in_flight,
            expires: resets.filter(|reset| *reset > now).max(),
        }
    }
}

/// The part of a window that is left: all of it once it has been reset; of a bucket, which fills all the time, what it
/// has filled up to by now.
fn left(window: &Window, now: Timestamp) -> f64 {
    let Some(resets) = window.resets else { return stated(window) };
    if resets <= now {
        return 1.0;
    }
    let is_bucket = window.limit.is_some();
    let whole = resets.since(window.observed).as_secs_f64();
    if !is_bucket || whole <= 0.0 {
        return stated(window);
    }
    let left = stated(window);
    (left + (1.0 - left) * now.since(window.observed).as_secs_f64() / whole).clamp(0.0, 1.0)
}

fn stated(window: &Window) -> f64 {
    match (window.status.as_deref(), window.utilization) {
        (Some("rejected"), _) => 0.0,
        (_, Some(used)) => (1.0 - used).clamp(0.0, 1.0),
        (Some("allowed_warning"), None) => WARNED,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use proptest::{prelude::*, proptest};

    use super::*;
    use crate::domain::{Account, Credential, Limits, Secret, Tier};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn window(name: &'static str, used: f64, resets_in: u64) -> Window {
        Window {
            name: name.into(),
            status: None,
            utilization: Some(used),
            limit: None,
            remaining: None,
            resets: Some(NOW + Duration::from_secs(resets_in)),
            family: None,
            observed: NOW,
        }
    }

    fn standing(windows: Vec<Window>, organization: Option<&str>, in_flight: u32) -> Standing {
        let mut account = Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), NOW);
        account.limits = Limits { windows, observed: Some(NOW), tier_hint: None }.into();
        account.organization = organization.map(Into::into);
        Standing { account: account.into(), in_flight }
    }

    fn of(standings: &[Standing]) -> Vec<Headroom> {
        headrooms(standings, &vec![0; standings.len()], ModelFamily::Opus, NOW)
    }

    #[test]
    fn the_tightest_window_counts_and_one_that_has_been_reset_does_not() {
        let mut reset = window("7d", 0.99, 0);
        reset.resets = Some(NOW);
        let rooms = of(&[standing(vec![window("5h", 0.25, 60), window("unified", 0.5, 60), reset], None, 0)]);
        assert_eq!((rooms[0].left, rooms[0].window.as_deref()), (0.5, Some("unified")));
    }

    #[test]
    fn a_window_of_another_family_does_not_count() {
        let sonnet = Window { family: Some(ModelFamily::Sonnet), ..window("7d_sonnet", 1.0, 60) };
        let opus = Window { family: Some(ModelFamily::Opus), ..window("requests", 0.25, 60) };
        assert_eq!(of(&[standing(vec![sonnet, opus], None, 0)])[0].left, 0.75);
    }

    #[test]
    fn accounts_of_one_organisation_have_one_room_between_them_and_the_newest_word_on_it_counts() {
        let older = Window { observed: NOW - Duration::from_secs(9), ..window("5h", 0.1, 60) };
        let rooms = of(&[
            standing(vec![older], Some("o"), 2),
            standing(vec![window("5h", 0.5, 60)], Some("o"), 1),
            standing(vec![], None, 0),
        ]);
        assert_eq!(rooms[0], rooms[1]);
        assert_eq!((rooms[0].left, rooms[0].in_flight, rooms[0].score()), (0.5, 3, 0.125));
        assert_eq!((rooms[2].left, rooms[2].window.as_deref(), rooms[2].score()), (1.0, None, 1.0));
    }

    #[test]
    fn a_bucket_fills_as_time_goes_by() {
        let bucket = Window { limit: Some(100), ..window("requests", 1.0, 60) };
        let standings = [standing(vec![bucket], None, 0)];
        let left = |seconds| headrooms(&standings, &[0], ModelFamily::Opus, NOW + Duration::from_secs(seconds))[0].left;
        assert_eq!([left(0), left(30), left(60)], [0.0, 0.5, 1.0]);
    }

    #[test]
    fn what_is_said_without_a_number_is_taken_for_one() {
        let said = |status: &'static str| {
            let window = Window { status: Some(status.into()), utilization: None, ..window("5h", 0.0, 60) };
            of(&[standing(vec![window], None, 0)])[0].left
        };
        assert_eq!([said("allowed"), said("allowed_warning"), said("rejected")], [1.0, WARNED, 0.0]);
    }

    #[test]
    fn a_larger_plan_has_more_room() {
        let mut large = standing(vec![window("5h", 0.9, 60)], None, 0);
        Arc::make_mut(&mut large.account).tier = Some(Tier::Twenty);
        let rooms = of(&[large, standing(vec![window("5h", 0.1, 60)], None, 0)]);
        assert!(rooms[0].score() > rooms[1].score(), "a tenth of twenty is more than nine tenths of one");
    }

    proptest! {
        /// More use, more conversations and more requests never make more room.
        #[test]
        fn room_shrinks_with_use(used in 0.0..1.2_f64, more in 0.0..0.5_f64, busy in 0_u32..50, bound in 0_u32..50) {
            let room = |used, busy, bound| {
                let standings = [standing(vec![window("5h", used, 60)], None, busy)];
                headrooms(&standings, &[bound], ModelFamily::Opus, NOW)[0].score()
            };
            let base = room(used, busy, bound);
            prop_assert!((0.0..=1.0).contains(&base));
            prop_assert!(room(used + more, busy, bound) <= base);
            prop_assert!(room(used, busy + 1, bound) <= base);
            prop_assert!(room(used, busy, bound + 1) <= base);
        }
    }
}
