//! Bars and sparklines of block characters.

use std::ops::Range;

use super::Canvas;
use crate::theme::Role;

const LYING: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const STANDING: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A lying bar, `share` of `width` columns long. What is more than nothing is seen.
pub(crate) fn bar(share: f64, width: usize) -> String {
    let eighths = if share.is_finite() { (share.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize } else { 0 };
    let eighths = if share > 0.0 { eighths.max(1) } else { eighths };
    "█".repeat(eighths / 8) + LYING[eighths % 8]
}

/// A row of standing bars, one column each, the highest as high as the row; a dot where nothing is known. The newest
/// `width` values are shown.
pub(crate) fn spark(values: &[Option<f64>], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let highest = shown.iter().flatten().copied().fold(0.0, f64::max);
    shown.iter().map(|value| value.map_or('·', |value| STANDING[height(value, highest, 8)])).collect()
}

/// In eighths of a row.
fn height(value: f64, highest: f64, eighths: usize) -> usize {
    if value <= 0.0 || highest <= 0.0 {
        return 0;
    }
    ((value / highest * eighths as f64).round() as usize).clamp(1, eighths)
}

/// Standing bars over the whole canvas, each a stack of parts from the bottom up; `highest` is as high as the canvas.
pub(crate) fn columns(canvas: &Canvas<'_>, stacks: &[Vec<f64>], highest: f64) {
    let count = stacks.len().max(1);
    let rows = canvas.height();
    for (number, stack) in stacks.iter().enumerate() {
        let (left, right) = (number * canvas.width() / count, (number + 1) * canvas.width() / count);
        // A gap between bars, where they are wide enough for one.
        let width = (right - left).saturating_sub(usize::from(right - left > 2)).max(1);
        let mut sum = 0.0;
        for (part, value) in stack.iter().enumerate() {
            let from = height(sum, highest, rows * 8);
            sum += value;
            let to = height(sum, highest, rows * 8);
            draw_part(canvas, left..left + width, from..to, Role::of_series(part));
        }
    }
}

/// One part of a bar, from one height to another in eighths; its lower end begins at a whole row.
fn draw_part(canvas: &Canvas<'_>, place: Range<usize>, eighths: Range<usize>, role: Role) {
    for row in eighths.start.div_ceil(8)..eighths.end.div_ceil(8) {
        let filled = (eighths.end - row * 8).min(8);
        let text: String = std::iter::repeat_n(STANDING[filled], place.len()).collect();
        canvas.put(place.start, canvas.height().saturating_sub(row + 1), role, &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        for (share, bars) in [(0.0, ""), (0.5, "██"), (0.53, "██▏"), (1.0, "████"), (7.0, "████"), (0.001, "▏")]
        {
            assert_eq!(bar(share, 4), bars, "{share}");
        }
        assert_eq!(bar(f64::NAN, 4), "");
    }

    #[test]
    fn a_spark_shows_the_newest_and_what_is_not_known() {
        assert_eq!(spark(&[Some(9.0), Some(0.0), Some(1.0), None, Some(2.0)], 4), " ▄·█");
        assert_eq!(spark(&[], 4), "");
        assert_eq!(spark(&[Some(0.0)], 4), " ");
    }
}
