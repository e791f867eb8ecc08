//! Parts of a whole.

use std::fmt;

/// A part of a whole, 0.0 to 1.0 and sometimes more. Prints `97.3 %`; `100 %` is all of it and `0 %` nothing, so what
/// is nearly so says `99.9 %` and `<0.1 %`. Of nothing there is no part: a dash.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// From a ratio.
    #[must_use]
    pub const fn new(ratio: f64) -> Self {
        Self(ratio)
    }

    /// `part` of `whole`.
    #[must_use]
    pub fn of(part: u64, whole: u64) -> Self {
        Self(part as f64 / whole as f64)
    }

    /// The ratio, if there is one.
    #[must_use]
    pub fn ratio(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ratio) = self.ratio() else { return f.pad(super::UNKNOWN) };
        let tenths = (ratio * 1000.0 + 1e-6).floor().max(0.0);
        f.pad(&match ratio {
            r if r <= 0.0 => "0 %".to_owned(),
            r if r < 0.001 => "<0.1 %".to_owned(),
            _ if tenths % 10.0 == 0.0 => format!("{:.0} %", tenths / 10.0),
            _ => format!("{:.1} %", tenths / 10.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_whole_only_when_it_is() {
        for (part, whole, text) in [
            (0, 10, "0 %"),
            (1, 100_000, "<0.1 %"),
            (1, 3, "33.3 %"),
            (1, 2, "50 %"),
            (99_999, 100_000, "99.9 %"),
            (10, 10, "100 %"),
            (12, 10, "120 %"),
            (0, 0, "–"),
        ] {
            assert_eq!(Share::of(part, whole).to_string(), text, "{part} of {whole}");
        }
        assert_eq!(Share::new(0.57).to_string(), "57 %");
    }
}
