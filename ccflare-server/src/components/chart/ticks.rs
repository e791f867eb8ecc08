//! Where the lines of an axis are: at round numbers.

/// Round numbers from 0 (or `low`, rounded down) to at least `high`, some `wanted` steps: each step is 1, 2, 2.5 or 5
/// times a power of ten, and at least `unit` and a multiple of it, if that is not 0. Of equal ends there is still one step.
pub(crate) fn round_ticks(low: f64, high: f64, wanted: usize, unit: f64) -> Vec<f64> {
    let (low, high) = if low.is_finite() && high.is_finite() { (low, high) } else { (0.0, 1.0) };
    let span = if high > low { high - low } else { low.abs().max(1.0) };
    let step = round_step((span / wanted.max(1) as f64).max(unit), unit);
    let (first, last) = ((low / step).floor(), ((low + span) / step - 1e-9).ceil());
    let mut ticks = Vec::new();
    let mut at = first;
    while at <= last && ticks.len() < 64 {
        ticks.push(at * step);
        at += 1.0;
    }
    ticks
}

fn round_step(least: f64, unit: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let is_whole = |step: f64| unit <= 0.0 || (step / unit).fract() == 0.0;
    let mut steps = [1.0, 2.0, 2.5, 5.0].into_iter().map(|factor| factor * power);
    steps.find(|step| *step >= least * (1.0 - 1e-9) && is_whole(*step)).unwrap_or(10.0 * power)
}

/// Which of `count` labels have room: `most` of them at equal distances, the first among them.
pub(crate) fn spaced(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let step = count.div_ceil(most.max(1)).max(1);
    (0..count).step_by(step)
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What people count time in.
const STEPS: [i64; 14] = [
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    30 * DAY,
];

/// Which of these moments (milliseconds since the epoch) are round ones: full hours, midnights; at most `most` of them.
pub(crate) fn round_moments(moments: &[i64], most: usize) -> Vec<usize> {
    let at = |step: i64| moments.iter().enumerate().filter(move |(_, moment)| *moment % step == 0).map(|(at, _)| at);
    let fits = STEPS.into_iter().find(|step| (2..=most).contains(&at(*step).count()));
    fits.map_or_else(|| spaced(moments.len(), most).collect(), |step| at(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        for (low, high, ticks) in [
            (0.0, 10.0, vec![0.0, 2.5, 5.0, 7.5, 10.0]),
            (0.0, 7.0, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (0.0, 100.0, vec![0.0, 25.0, 50.0, 75.0, 100.0]),
            (0.0, 1234.0, vec![0.0, 500.0, 1000.0, 1500.0]),
            (0.0, 0.03, vec![0.0, 0.01, 0.02, 0.03]),
            (0.8, 1.0, vec![0.8, 0.85, 0.9, 0.95, 1.0]),
        ] {
            let got = round_ticks(low, high, 4, 0.0);
            assert_eq!(got.len(), ticks.len(), "{low} to {high}: {got:?}");
            assert!(got.iter().zip(&ticks).all(|(a, b)| (a - b).abs() < 1e-9), "{low} to {high}: {got:?}");
        }
    }

    #[test]
    fn what_is_counted_has_no_ticks_between() {
        for (high, ticks) in [
            (0.0, &[0.0, 1.0][..]),
            (1.0, &[0.0, 1.0]),
            (3.0, &[0.0, 1.0, 2.0, 3.0]),
            (10.0, &[0.0, 5.0, 10.0]),
            (100.0, &[0.0, 25.0, 50.0, 75.0, 100.0]),
        ] {
            assert_eq!(round_ticks(0.0, high, 4, 1.0), ticks, "{high}");
        }
    }

    #[test]
    fn whatever_comes_there_are_ticks_and_they_hold_it() {
        for high in [0.0, 1e-12, 0.7, 3.0, 999.9, 1e6 + 1.0, 3e15, f64::NAN, f64::INFINITY] {
            let ticks = round_ticks(0.0, high, 4, 0.0);
            assert!((2..=7).contains(&ticks.len()), "{high}: {ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]), "{high}: {ticks:?}");
            if high.is_finite() {
                assert!(ticks[ticks.len() - 1] >= high, "{high}: {ticks:?}");
            }
        }
    }

    #[test]
    fn moments_are_round_for_people() {
        let hourly: Vec<i64> = (0..24).map(|hour| 1_800_000_000_000 + hour * HOUR).collect();
        let round: Vec<_> = round_moments(&hourly, 6).into_iter().map(|at| hourly[at] / HOUR % 24).collect();
        assert_eq!(round, [12, 18, 0, 6], "from 08:00 on");
        let weekly: Vec<i64> = (0..168).map(|hour| 1_800_000_000_000 + hour * HOUR).collect();
        assert!(round_moments(&weekly, 6).iter().all(|at| weekly[*at] % (2 * DAY) == 0));
        assert_eq!(round_moments(&[7], 6), [0]);
        assert_eq!(round_moments(&[], 6), [0; 0]);
    }

    #[test]
    fn labels_keep_their_distance() {
        assert_eq!(spaced(24, 6).collect::<Vec<_>>(), [0, 4, 8, 12, 16, 20]);
        assert_eq!(spaced(3, 6).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(spaced(0, 6).count(), 0);
    }
}
