//! Texts that may be longer than the screen.

use super::{Canvas, canvas::lines};
use crate::theme::Role;

/// A line in pieces.
pub(crate) type Line = Vec<(Role, String)>;

/// Draws the lines from `scroll` on, at most so far that the last one is still seen.
pub(crate) fn page(canvas: &Canvas<'_>, lines: &[Line], scroll: usize) {
    let first = scroll.min(lines.len().saturating_sub(canvas.height()));
    for (y, line) in lines[first..].iter().take(canvas.height()).enumerate() {
        line.iter().fold(0, |x, (role, text)| canvas.put(x, y, *role, text));
    }
    let last = (first + canvas.height()).min(lines.len());
    if last < lines.len() {
        canvas.right(canvas.height().saturating_sub(1), Role::Muted, &format!(" ↓ {} more", lines.len() - last));
    }
}

/// A text in as many lines as it takes, each of them set in by `indent`.
pub(crate) fn wrap(role: Role, text: &str, indent: usize, width: usize) -> Vec<Line> {
    let line = |line: String| vec![(role, " ".repeat(indent) + &line)];
    text.lines().flat_map(|text| lines(text, width.saturating_sub(indent))).map(line).collect()
}
