//! Tables: as many columns as there is room for, and the part of the rows around the chosen one.

use std::ops::Range;

use super::{Canvas, canvas::wide};
use crate::theme::Role;

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    /// Its width; of a column that grows, the least.
    width: usize,
    /// Whether it takes a share of what the others leave.
    grows: bool,
    /// Whether its text stands at the right.
    right: bool,
    /// The width of the table from which on it is shown.
    from: usize,
}

impl Column {
    pub(crate) const fn text(title: &'static str, width: usize) -> Self {
        Self { title, width, grows: false, right: false, from: 0 }
    }

    pub(crate) const fn number(title: &'static str, width: usize) -> Self {
        Self { right: true, ..Self::text(title, width) }
    }

    pub(crate) const fn growing(title: &'static str, width: usize) -> Self {
        Self { grows: true, ..Self::text(title, width) }
    }

    /// The same, shown only in tables at least this wide.
    pub(crate) const fn from(self, from: usize) -> Self {
        Self { from, ..self }
    }
}

/// What stands in a row's column.
pub(crate) type Cell = (Role, String);

/// Which rows a table shows, and where: the same for drawing and for a mouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// The row of the screen at which the first one stands.
    pub(crate) top: usize,
    /// Those that are shown.
    pub(crate) shown: Range<usize>,
}

impl Rows {
    /// Of `count` rows those that fit into `height` and have `chosen` in their middle, as far as there are others.
    pub(crate) fn around(chosen: usize, count: usize, top: usize, height: usize) -> Self {
        let first = chosen.saturating_sub(height / 2).min(count.saturating_sub(height));
        Self { top, shown: first..(first + height).min(count) }
    }

    /// Which row stands at this row of the screen.
    pub(crate) fn at(&self, y: usize) -> Option<usize> {
        let row = self.shown.start + y.checked_sub(self.top)?;
        self.shown.contains(&row).then_some(row)
    }
}

/// Draws a head and the rows around the chosen one.
pub(crate) fn table(
    canvas: &Canvas<'_>,
    columns: &[Column],
    count: usize,
    chosen: Option<usize>,
    row: impl Fn(usize) -> Vec<Cell>,
) {
    let places = places(columns, canvas.width());
    for (column, place) in columns.iter().zip(&places) {
        if let Some(place) = place {
            canvas.field(place.start, 0, place.len(), Role::Muted, column.title, column.right);
        }
    }
    let rows = Rows::around(chosen.unwrap_or(0), count, 1, canvas.height().saturating_sub(1));
    for number in rows.shown.clone() {
        let y = rows.top + number - rows.shown.start;
        let is_chosen = chosen == Some(number);
        if is_chosen {
            canvas.put(0, y, Role::Chosen, &" ".repeat(canvas.width()));
        }
        for ((column, place), (role, text)) in columns.iter().zip(&places).zip(row(number)) {
            if let Some(place) = place {
                let role = if is_chosen { Role::Chosen } else { role };
                canvas.field(place.start, y, place.len(), role, &text, column.right);
            }
        }
    }
}

/// `4–9 of 30`, if there is no room for all.
pub(crate) fn extent(rows: &Rows, count: usize) -> Option<String> {
    (rows.shown.len() < count).then(|| format!("{}–{} of {count}", rows.shown.start + 1, rows.shown.end))
}

/// Where each column stands; `None` for one there is no room for.
fn places(columns: &[Column], width: usize) -> Vec<Option<Range<usize>>> {
    let is_shown = |column: &Column| column.from <= width;
    let shown = || columns.iter().filter(|column| is_shown(column));
    let needed = shown().map(|column| column.width.max(wide(column.title)) + 1).sum::<usize>().saturating_sub(1);
    let growing = shown().filter(|column| column.grows).count().max(1);
    let mut left = width.saturating_sub(needed);
    let share = left.div_ceil(growing);
    let mut x = 0;
    let mut place = |column: &Column| {
        let more = if column.grows { share.min(left) } else { 0 };
        left -= more;
        let start = x;
        x += column.width.max(wide(column.title)) + more + 1;
        start..x - 1
    };
    columns.iter().map(|column| is_shown(column).then(|| place(column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_share_what_is_left_and_go_when_there_is_none() {
        let columns = [
            Column::growing("NAME", 4),
            Column::number("N", 3),
            Column::text("WIDE", 5).from(30),
            Column::growing("WHY", 2),
        ];
        assert_eq!(places(&columns, 20), [Some(0..8), Some(9..12), None, Some(13..20)]);
        assert_eq!(places(&columns, 30).iter().flatten().count(), 4);
    }

    #[test]
    fn the_chosen_row_is_always_shown() {
        for chosen in [0, 3, 50, 98, 99] {
            let rows = Rows::around(chosen, 100, 2, 10);
            assert!(rows.shown.contains(&chosen) && rows.shown.len() == 10, "{chosen}: {rows:?}");
        }
        assert_eq!(Rows::around(0, 3, 2, 10).shown, 0..3);
        assert_eq!(Rows::around(0, 0, 2, 10).shown, 0..0);
        assert!(Rows::around(5, 9, 2, 0).shown.is_empty());
    }

    #[test]
    fn a_row_is_found_where_it_stands() {
        let rows = Rows { top: 4, shown: 7..9 };
        assert_eq!([3, 4, 5, 6].map(|y| rows.at(y)), [None, Some(7), Some(8), None]);
        assert_eq!(extent(&rows, 30).as_deref(), Some("8–9 of 30"));
    }
}
