//! Numbers as people read them: each value prints itself, and prints the same in a page, a terminal and a table.
//!
//! The plain form is short (`12.3k`, `3 min ago`); the alternate form (`{:#}`) is exact where the short one rounds. What
//! is not known prints as a dash, never as nought: wrap it in [`Known`].
//!
//! ```
//! use ccflare_core::{domain::NanoUsd, report::{Count, Known, Money, Share, Took}};
//!
//! assert_eq!(Count(12_345).to_string(), "12.3k");
//! assert_eq!(format!("{:#}", Count(12_345)), "12,345");
//! assert_eq!(Money(NanoUsd(1_234_500_000)).to_string(), "$1.23");
//! assert_eq!(Share::of(1, 3).to_string(), "33.3 %");
//! assert_eq!(Took::from_millis(1234.5).to_string(), "1.23 s");
//! assert_eq!(Known(None::<Count>).to_string(), "–");
//! ```

mod amount;
mod change;
mod moment;
mod share;
mod span;

use std::fmt;

pub use amount::{Count, Money, Rate, Size};
pub use change::Change;
pub use moment::{Ago, At, Until};
pub use share::Share;
pub use span::{Left, Took};

/// What stands where nothing is known.
pub const UNKNOWN: &str = "–";

/// A value, or a dash where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<T>(pub Option<T>);

impl<T: fmt::Display> fmt::Display for Known<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.pad(UNKNOWN),
        }
    }
}

/// Digits of `number` with a comma before every three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `number` with three significant digits, rounded down to them: a limit is not reached before it is.
fn three_digits(number: f64) -> String {
    let decimals = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    let scale = 10_f64.powi(decimals);
    // The nudge undoes what binary fractions lose: 1.15 is a little less than that.
    let floored = (number * scale + 1e-6).floor() / scale;
    let text = format!("{floored:.*}", usize::try_from(decimals).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn what_is_not_known_is_a_dash_and_widths_hold() {
        assert_eq!(format!("[{:>4}]", Known(None::<Count>)), "[   –]");
        assert_eq!(format!("[{:>4}]", Known(Some(Count(7)))), "[   7]");
        assert_eq!(format!("[{:<8}]", Share::of(1, 2)), "[50 %    ]");
    }
}
