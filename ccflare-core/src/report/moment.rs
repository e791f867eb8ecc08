//! When.

use std::{fmt, time::Duration};

use super::Left;
use crate::domain::Timestamp;

/// A moment: `24 Nov 08:00:05`, in UTC; RFC 3339 as `{:#}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl At {
    /// From RFC 3339, as the views carry moments.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Timestamp::parse_rfc3339(text).map(Self)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0.as_micros()) {
            Ok(moment) if !f.alternate() => {
                f.pad(&moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %H:%M:%S").to_string())
            }
            _ => f.pad(&self.0.to_string()),
        }
    }
}

/// How long ago a moment was: `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `4 d ago`. What is ahead was just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago {
    /// The moment.
    pub at: Timestamp,
    /// The one from which it is seen.
    pub now: Timestamp,
}

impl Ago {
    /// `at` seen from `now`.
    #[must_use]
    pub const fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// From RFC 3339, as the views carry moments.
    #[must_use]
    pub fn parse(text: &str, now: Timestamp) -> Option<Self> {
        Timestamp::parse_rfc3339(text).map(|at| Self { at, now })
    }
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.now.since(self.at).as_secs();
        f.pad(&match seconds {
            0..5 => "just now".to_owned(),
            5..60 => format!("{seconds} s ago"),
            60..3600 => format!("{} min ago", seconds / 60),
            3600..172_800 => format!("{} h ago", seconds / 3600),
            _ => format!("{} d ago", seconds / 86_400),
        })
    }
}

/// How long until a moment: `in 2 h 14 min`; `now` when it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// The moment.
    pub at: Timestamp,
    /// The one from which it is seen.
    pub now: Timestamp,
}

impl Until {
    /// `at` seen from `now`.
    #[must_use]
    pub const fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// From RFC 3339, as the views carry moments.
    #[must_use]
    pub fn parse(text: &str, now: Timestamp) -> Option<Self> {
        Timestamp::parse_rfc3339(text).map(|at| Self { at, now })
    }

    /// What is left until then.
    #[must_use]
    pub fn left(self) -> Duration {
        self.at.since(self.now)
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left() {
            Duration::ZERO => f.pad("now"),
            left => f.pad(&format!("in {}", Left(left))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn before(seconds: u64) -> Timestamp {
        NOW - Duration::from_secs(seconds)
    }

    #[test]
    fn the_past_is_told_in_one_unit() {
        for (seconds, text) in [
            (0, "just now"),
            (12, "12 s ago"),
            (185, "3 min ago"),
            (7200, "2 h ago"),
            (100_000, "27 h ago"),
            (200_000, "2 d ago"),
        ] {
            assert_eq!(Ago::new(before(seconds), NOW).to_string(), text);
        }
        assert_eq!(Ago::new(NOW + Duration::from_secs(9), NOW).to_string(), "just now");
    }

    #[test]
    fn the_future_counts_down_until_it_is_now() {
        assert_eq!(Until::new(NOW + Duration::from_secs(8040), NOW).to_string(), "in 2 h 14 min");
        assert_eq!(Until::new(NOW + Duration::from_millis(1), NOW).to_string(), "in 1 s");
        assert_eq!(Until::new(before(1), NOW).to_string(), "now");
    }

    #[test]
    fn a_moment_prints_for_people_and_for_programs() {
        let moment = At::parse("2026-11-04T08:00:05.25Z").expect("valid");
        assert_eq!(moment.to_string(), "4 Nov 08:00:05");
        assert_eq!(format!("{moment:#}"), "2026-11-04T08:00:05.250Z");
        assert_eq!(At::parse("soon"), None);
    }
}
