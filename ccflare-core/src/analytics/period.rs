//! Time, cut into pieces that cells are kept for.

use std::ops::{Add, Range, Sub};

use super::Filter;
use crate::domain::Timestamp;

/// A whole minute since the Unix epoch (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub u32);

impl Minute {
    /// The one that a moment lies in. Moments before the epoch count as its beginning.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(u32::try_from((at.as_micros() / 60_000_000).max(0)).unwrap_or(u32::MAX))
    }

    /// Its beginning.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_seconds(i64::from(self.0) * 60)
    }

    /// The beginning of the piece of `length` minutes that it lies in.
    #[must_use]
    pub const fn floor(self, length: u32) -> Self {
        Self(self.0 - self.0 % length)
    }

    /// The first beginning of such a piece that is not before it.
    #[must_use]
    pub const fn ceil(self, length: u32) -> Self {
        Self(self.0.next_multiple_of(length))
    }
}

impl Add<u32> for Minute {
    type Output = Self;

    fn add(self, minutes: u32) -> Self {
        Self(self.0.saturating_add(minutes))
    }
}

impl Sub<u32> for Minute {
    type Output = Self;

    fn sub(self, minutes: u32) -> Self {
        Self(self.0.saturating_sub(minutes))
    }
}

/// How long the pieces are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A minute: only for the last days.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// All time.
    Ever,
}

impl Level {
    /// Each of them, the finest first.
    pub const ALL: [Self; 4] = [Self::Minute, Self::Hour, Self::Day, Self::Ever];

    /// Minutes of a piece.
    #[must_use]
    pub const fn minutes(self) -> u32 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
            Self::Ever => u32::MAX,
        }
    }

    /// The beginning of the piece that `minute` lies in.
    #[must_use]
    pub const fn start(self, minute: Minute) -> Minute {
        match self {
            Self::Ever => Minute(0),
            other => minute.floor(other.minutes()),
        }
    }
}

/// Since when each fineness is kept; what is older is known by the coarser ones only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Minutes.
    pub minutes: Minute,
    /// Hours.
    pub hours: Minute,
    /// Days.
    pub days: Minute,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The first minute.
    pub from: Minute,
    /// The first minute that is not meant any more.
    pub to: Minute,
    /// Minutes of each point in time of the answer.
    pub bucket: u32,
    /// Which requests.
    pub filter: Filter,
    /// Whether quantiles are wanted too; sums alone are cheaper.
    pub distributions: bool,
}

impl Question {
    /// All time, at once.
    #[must_use]
    pub const fn ever(filter: Filter) -> Self {
        Self { from: Minute(0), to: Minute(u32::MAX), bucket: u32::MAX, filter, distributions: true }
    }

    /// The same without quantiles.
    #[must_use]
    pub fn sums_only(self) -> Self {
        Self { distributions: false, ..self }
    }

    /// The cells that answer it: stretches of pieces of one length each, in order, without gap or overlap, no piece longer
    /// than a bucket. Where minutes or hours are not kept any more, pieces are longer, and the ends are moved back to theirs.
    #[must_use]
    pub fn stretches(&self, kept: Kept) -> Vec<Stretch> {
        if self.bucket == u32::MAX {
            return vec![Stretch { level: Level::Ever, minutes: Minute(0)..Minute(u32::MAX) }];
        }
        let round = |minute: Minute| match minute {
            minute if minute < kept.hours => minute.floor(Level::Day.minutes()),
            minute if minute < kept.minutes => minute.floor(Level::Hour.minutes()),
            minute => minute,
        };
        let (mut at, to) = (round(self.from), round(self.to));
        let mut stretches: Vec<Stretch> = Vec::new();
        while at < to {
            let fits = |level: &Level| {
                let length = level.minutes();
                length <= self.bucket.max(1) && at.0.is_multiple_of(length) && at.0.saturating_add(length) <= to.0
            };
            let level = match at {
                at if at < kept.hours || fits(&Level::Day) => Level::Day,
                at if at < kept.minutes || fits(&Level::Hour) => Level::Hour,
                _ => Level::Minute,
            };
            let end = at + level.minutes();
            match stretches.last_mut() {
                Some(last) if last.level == level => last.minutes.end = end,
                _ => stretches.push(Stretch { level, minutes: at..end }),
            }
            at = end;
        }
        stretches
    }
}

/// Pieces of one length, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// How long each is.
    pub level: Level,
    /// From the beginning of the first to the end of the last.
    pub minutes: Range<Minute>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u32 = 24 * 60;

    fn question(from: u32, to: u32, bucket: u32) -> Question {
        Question { from: Minute(from), to: Minute(to), bucket, filter: Filter::default(), distributions: true }
    }

    #[test]
    fn a_month_is_days_with_hours_and_minutes_at_its_ends() {
        let found = question(DAY - 61, 30 * DAY + 2, DAY).stretches(Kept::default());
        let found: Vec<_> = found.iter().map(|stretch| (stretch.level, stretch.minutes.end.0)).collect();
        let expected =
            [(Level::Minute, DAY - 60), (Level::Hour, DAY), (Level::Day, 30 * DAY), (Level::Minute, 30 * DAY + 2)];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_not_kept_by_the_minute_is_asked_by_the_hour() {
        let kept = Kept { minutes: Minute(2 * DAY), hours: Minute(DAY), days: Minute(0) };
        let found = question(DAY + 61, 2 * DAY + 1, 60).stretches(kept);
        assert_eq!(found[0], Stretch { level: Level::Hour, minutes: Minute(DAY + 60)..Minute(2 * DAY) });
        assert_eq!(found[1], Stretch { level: Level::Minute, minutes: Minute(2 * DAY)..Minute(2 * DAY + 1) });
        let found = question(61, DAY, DAY).stretches(kept);
        assert_eq!(found, [Stretch { level: Level::Day, minutes: Minute(0)..Minute(DAY) }]);
    }

    proptest! {
        #[test]
        fn stretches_cover_all_of_it_once(from in 0_u32..5 * DAY, length in 0_u32..5 * DAY, bucket in prop::sample::select(vec![1, 5, 60, DAY])) {
            let asked = question(from, from + length, bucket);
            let mut at = asked.from;
            for Stretch { level, minutes } in asked.stretches(Kept::default()) {
                prop_assert_eq!(minutes.start, at);
                prop_assert_eq!((minutes.start.0 % level.minutes(), minutes.end.0 % level.minutes()), (0, 0));
                prop_assert!(level.minutes() <= bucket);
                at = minutes.end;
            }
            prop_assert_eq!(at, asked.to);
        }
    }
}
