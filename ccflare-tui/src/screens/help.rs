//! Every key.

use crate::{
    keys,
    model::Screen,
    theme::Role,
    widgets::{Canvas, Line, page},
};

pub(super) fn draw(screen: Screen, canvas: &Canvas<'_>, scroll: usize) {
    let lines = lines(screen);
    // Two columns where both fit.
    if canvas.width() >= 140 && lines.len() > canvas.height() {
        let half = lines.len().div_ceil(2);
        let width = canvas.width() / 2;
        page(&canvas.area(0, 0, width, canvas.height()), &lines[..half], scroll);
        page(&canvas.area(width, 0, width, canvas.height()), &lines[half..], scroll);
        return;
    }
    page(canvas, &lines, scroll);
}

/// The keys of the screen that was left come first.
fn lines(screen: Screen) -> Vec<Line> {
    let mut keys = keys::table();
    keys.sort_by_key(|(place, ..)| *place != screen.title());
    let mut lines = Vec::new();
    let mut under = "";
    for (place, key, does) in keys {
        if place != under {
            if !under.is_empty() {
                lines.push(Vec::new());
            }
            lines.push(vec![(Role::Strong, place.to_owned())]);
            under = place;
        }
        lines.push(vec![(Role::Key, format!("  {key:<11}")), (Role::Plain, does)]);
    }
    lines
}
