//! How many, how much, how large, how fast.

use std::fmt;

use super::{grouped, three_digits};
use crate::domain::NanoUsd;

/// Things that are counted: requests, tokens. `9,999`, then `12.3k`, `4.56M`; exact as `{:#}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() || self.0 < 10_000 {
            return f.pad(&grouped(self.0));
        }
        f.pad(&scaled(self.0 as f64, 1000.0, &["", "k", "M", "G", "T", "P", "E"]))
    }
}

/// Dollars: cents from a cent on, two significant digits below, thousands as `$12.3k`; exact as `{:#}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub NanoUsd);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.pad(&self.0.to_string());
        }
        let NanoUsd(nanos) = self.0;
        let dollars = self.0.as_dollars();
        f.pad(&match nanos {
            0 => "$0.00".to_owned(),
            1..100_000 => "<$0.0001".to_owned(),
            100_000..1_000_000 => format!("${dollars:.4}"),
            1_000_000..9_950_000 => format!("${dollars:.4}"),
            9_950_000..1_000_000_000_000 => format!("${dollars:.2}"),
            1_000_000_000_000..10_000_000_000_000 => format!("${}", grouped(dollars.round() as u64)),
            _ => format!("${}", scaled(dollars, 1000.0, &["", "k", "M", "G", "T"])),
        })
    }
}

/// Bytes, in powers of 1024: `812 B`, `1.2 KiB`; exact as `{:#}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() || self.0 < 1024 {
            return f.pad(&format!("{} B", grouped(self.0)));
        }
        f.pad(&scaled(self.0 as f64, 1024.0, &["", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"]))
    }
}

/// So many a second: `84.3/s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_finite() {
            return f.pad(super::UNKNOWN);
        }
        let number = self.0.max(0.0);
        let text = if number < 10_000.0 { three_digits(number) } else { scaled(number, 1000.0, &["", "k", "M", "G"]) };
        f.pad(&format!("{text}/s"))
    }
}

/// `number` in the largest unit of which there is at least one.
fn scaled(number: f64, step: f64, units: &[&str]) -> String {
    let mut number = number;
    let mut unit = 0;
    while number >= step && unit + 1 < units.len() {
        number /= step;
        unit += 1;
    }
    format!("{}{}", three_digits(number), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_for_people_and_exact_on_request() {
        for (count, short, exact) in [
            (0, "0", "0"),
            (9_999, "9,999", "9,999"),
            (10_000, "10k", "10,000"),
            (12_399, "12.3k", "12,399"),
            (999_999, "999k", "999,999"),
            (1_000_000, "1M", "1,000,000"),
            (4_567_890_123, "4.56G", "4,567,890,123"),
        ] {
            assert_eq!((Count(count).to_string().as_str(), format!("{:#}", Count(count)).as_str()), (short, exact));
        }
        assert_eq!(Count(u64::MAX).to_string(), "18.4E");
    }

    #[test]
    fn money_shows_cents_and_what_is_less_than_one() {
        for (nanos, short, exact) in [
            (0, "$0.00", "$0.00"),
            (99_999, "<$0.0001", "$0.000099999"),
            (123_000, "$0.0001", "$0.000123"),
            (1_250_000, "$0.0013", "$0.00125"),
            (9_949_999, "$0.0099", "$0.009949999"),
            (12_345_678, "$0.01", "$0.012345678"),
            (2_500_000_000, "$2.50", "$2.50"),
            (999_990_000_000, "$999.99", "$999.99"),
            (1_234_560_000_000, "$1,235", "$1234.56"),
            (12_345_000_000_000, "$12.3k", "$12345.00"),
        ] {
            let money = Money(NanoUsd(nanos));
            assert_eq!((money.to_string().as_str(), format!("{money:#}").as_str()), (short, exact));
        }
    }

    #[test]
    fn sizes_and_rates_keep_three_digits() {
        for (bytes, text) in [(0, "0 B"), (1023, "1,023 B"), (1024, "1 KiB"), (1_500_000, "1.43 MiB")] {
            assert_eq!(Size(bytes).to_string(), text);
        }
        for (rate, text) in [(0.0, "0/s"), (84.39, "84.3/s"), (1234.0, "1234/s"), (f64::NAN, "–")] {
            assert_eq!(Rate(rate).to_string(), text);
        }
    }
}
