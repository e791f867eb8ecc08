//! Charts, drawn here: SVG with classes for colours, round ticks, a tooltip for each column, and the numbers themselves
//! in a table behind it.
//!
//! The plot is stretched to the room there is; its lines keep their width (`vector-effect`), and all text stands beside
//! it in its own size.

mod donut;
mod plot;
mod ticks;

pub(crate) use donut::{Slice, donut};
pub(crate) use plot::{Chart, Kind, Series};
pub(crate) use ticks::{round_moments, round_ticks, spaced};

use maud::{Markup, html};

/// How many colours there are for series.
pub(crate) const COLOURS: usize = 8;

/// What each colour stands for.
fn legend<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Markup {
    html! {
        ul.legend { @for (colour, name) in names { li { (swatch(colour)) (name) } } }
    }
}

/// The colour of a series, as a small square.
pub(crate) fn swatch(colour: usize) -> Markup {
    let class = format!("s{}", colour % COLOURS);
    html! { svg.swatch viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} } }
}
