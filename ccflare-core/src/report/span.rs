//! How long.

use std::{fmt, time::Duration};

use super::three_digits;

/// How long something took: `0.42 ms`, `12 ms`, `1.23 s`, `2 min 5 s`, `3 h 12 min`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Took(pub Duration);

impl Took {
    /// From milliseconds, as the views carry them; what is no duration is none.
    #[must_use]
    pub fn from_millis(millis: f64) -> Self {
        Self(Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default())
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        f.pad(&match seconds {
            s if s < 1.0 => format!("{} ms", three_digits(s * 1000.0)),
            s if s < 60.0 => format!("{} s", three_digits(s)),
            _ => coarse(self.0.as_secs()),
        })
    }
}

/// How long something still lasts, in whole units and no finer than it matters: `4 d 3 h`, `2 h 14 min`, `35 s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left(pub Duration);

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is not over before it is.
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        f.pad(&coarse(seconds))
    }
}

/// The two largest units of so many seconds.
fn coarse(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(minutes, "min", seconds % 60, "s"),
        3600..86_400 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_a_while_is_told_in_its_own_unit() {
        for (millis, text) in [
            (0.0, "0 ms"),
            (0.421, "0.42 ms"),
            (12.0, "12 ms"),
            (999.9, "999 ms"),
            (1234.0, "1.23 s"),
            (59_900.0, "59.9 s"),
            (125_000.0, "2 min 5 s"),
            (11_520_000.0, "3 h 12 min"),
            (-1.0, "0 ms"),
            (f64::NAN, "0 ms"),
        ] {
            assert_eq!(Took::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn what_is_left_is_rounded_up_and_coarse() {
        for (millis, text) in [
            (0, "0 s"),
            (1, "1 s"),
            (59_001, "1 min"),
            (61_000, "1 min 1 s"),
            (8_040_000, "2 h 14 min"),
            (356_400_000, "4 d 3 h"),
        ] {
            assert_eq!(Left(Duration::from_millis(millis)).to_string(), text);
        }
    }
}
