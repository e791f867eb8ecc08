//! How a number stands to the one before.

use std::{cmp::Ordering, fmt};

/// The change from one period to the next: `+12 %`, `−3.1 %`, `±0 %`, `×14`. Where there was nothing before there is
/// nothing to compare with: a dash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    before: f64,
    now: f64,
}

impl Change {
    /// From what was `before` to what is `now`.
    #[must_use]
    pub const fn new(before: f64, now: f64) -> Self {
        Self { before, now }
    }

    /// Whether it went up, down, or stayed as far as the eye can tell; `None` if it can't be compared.
    #[must_use]
    pub fn direction(self) -> Option<Ordering> {
        let ratio = self.ratio()?;
        Some(if ratio.abs() < 0.0005 { Ordering::Equal } else { ratio.total_cmp(&0.0) })
    }

    fn ratio(self) -> Option<f64> {
        let ratio = (self.now - self.before) / self.before.abs();
        ratio.is_finite().then_some(ratio)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ratio) = self.ratio() else { return f.pad(super::UNKNOWN) };
        let sign = if ratio < 0.0 { '−' } else { '+' };
        let percent = ratio.abs() * 100.0;
        f.pad(&match percent {
            p if p < 0.05 => "±0 %".to_owned(),
            p if p < 9.95 => format!("{sign}{p:.1} %"),
            p if p < 999.5 => format!("{sign}{p:.0} %"),
            _ => format!("×{:.0}", ratio + 1.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_which_way_and_how_far() {
        for (before, now, text, direction) in [
            (100.0, 112.0, "+12 %", Some(Ordering::Greater)),
            (100.0, 96.9, "−3.1 %", Some(Ordering::Less)),
            (100.0, 100.0, "±0 %", Some(Ordering::Equal)),
            (100.0, 100.01, "±0 %", Some(Ordering::Equal)),
            (10.0, 140.0, "×14", Some(Ordering::Greater)),
            (100.0, 0.0, "−100 %", Some(Ordering::Less)),
            (0.0, 5.0, "–", None),
            (0.0, 0.0, "–", None),
        ] {
            let change = Change::new(before, now);
            assert_eq!((change.to_string().as_str(), change.direction()), (text, direction), "{before} -> {now}");
        }
    }
}
