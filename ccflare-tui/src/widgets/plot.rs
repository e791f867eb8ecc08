//! Lines of braille dots over time: two dots a column, four a row.

use super::{
    Canvas,
    canvas::{cut, wide},
};
use crate::theme::Role;

/// A line: values at even distances, `None` where nothing is known.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) role: Role,
    pub(crate) values: Vec<Option<f64>>,
}

/// The dots of a cell: braille bits by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// An axis from nought to `top`, printed by `says`, with `ends` under both ends of time; returns what lines or bars are
/// drawn on, or nothing where there is no room for them.
pub(crate) fn axes<'a>(
    canvas: &Canvas<'a>,
    top: f64,
    says: impl Fn(f64) -> String,
    ends: (&str, &str),
) -> Option<Canvas<'a>> {
    let labels = [top, top / 2.0, 0.0].map(says);
    let margin = labels.iter().map(|label| wide(label)).max().unwrap_or(0) + 1;
    let (width, height) = (canvas.width().saturating_sub(margin), canvas.height().saturating_sub(1));
    if width < 4 || height < 2 {
        return None;
    }
    for (label, row) in labels.iter().zip([0, (height - 1) / 2, height - 1]) {
        // A middle that reads like one of the ends, or stands on it, is none.
        let is_middle = height > 2 && *label != labels[0] && *label != labels[2];
        if is_middle || row == 0 || row + 1 == height {
            canvas.field(0, row, margin - 1, Role::Muted, label, true);
        }
    }
    canvas.put(margin, height, Role::Muted, &cut(ends.0, width / 2));
    canvas.right(height, Role::Muted, &cut(ends.1, width / 2));
    Some(canvas.area(margin, 0, width, height))
}

/// Draws lines over axes up to a round number.
pub(crate) fn plot(canvas: &Canvas<'_>, series: &[Series], says: impl Fn(f64) -> String, ends: (&str, &str)) {
    let highest = series.iter().flat_map(|line| line.values.iter().flatten()).copied().fold(0.0, f64::max);
    let top = round_up(highest);
    if let Some(inner) = axes(canvas, top, says, ends) {
        series.iter().for_each(|line| draw_line(&inner, line, top));
    }
}

fn draw_line(canvas: &Canvas<'_>, series: &Series, top: f64) {
    let (width, height) = (canvas.width() * 2, canvas.height() * 4);
    let mut cells = vec![0_u32; canvas.width() * canvas.height()];
    let mut before = None;
    for (number, value) in series.values.iter().enumerate() {
        let Some(value) = value else {
            before = None;
            continue;
        };
        let x = number * (width - 1) / series.values.len().saturating_sub(1).max(1);
        let y = ((1.0 - (value / top).clamp(0.0, 1.0)) * (height - 1) as f64).round() as usize;
        for (x, y) in stretch(before.unwrap_or((x, y)), (x, y)) {
            cells[y / 4 * canvas.width() + x / 2] |= DOTS[y % 4][x % 2];
        }
        before = Some((x, y));
    }
    for (place, dots) in cells.into_iter().enumerate().filter(|(_, dots)| *dots != 0) {
        let braille = char::from_u32(0x2800 + dots).unwrap_or(' ');
        canvas.put(place % canvas.width(), place / canvas.width(), series.role, braille.encode_utf8(&mut [0; 4]));
    }
}

/// The dots from one to another.
fn stretch(from: (usize, usize), to: (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
    let between = move |a: usize, b: usize, step: usize| {
        (a as f64 + (b as f64 - a as f64) * step as f64 / steps as f64).round() as usize
    };
    (0..=steps).map(move |step| (between(from.0, to.0, step), between(from.1, to.1, step)))
}

/// The next round number of which a half is round, too.
pub(crate) fn round_up(number: f64) -> f64 {
    if number <= 0.0 || !number.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(number.log10().floor());
    let rounds = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0].map(|digit| digit * power);
    rounds.into_iter().find(|round| *round >= number * 0.999_999).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (number, round) in [(0.0, 1.0), (0.03, 0.04), (1.0, 1.0), (1.2, 2.0), (49.0, 60.0), (730.0, 800.0)] {
            assert!((round_up(number) - round).abs() < 1e-9, "{number}: {}", round_up(number));
        }
    }

    #[test]
    fn a_stretch_has_no_gaps() {
        let dots: Vec<_> = stretch((0, 0), (2, 6)).collect();
        assert_eq!((dots[0], dots[6]), ((0, 0), (2, 6)));
        assert!(dots.windows(2).all(|pair| pair[0].1.abs_diff(pair[1].1) <= 1 && pair[0].0.abs_diff(pair[1].0) <= 1));
    }
}
