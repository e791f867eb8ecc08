//! Parts of a whole as a ring, with its legend.

use ccflare_core::report::Share;
use maud::{Markup, html};

use super::{COLOURS, swatch};
use crate::components::text::model;

/// One part.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) name: String,
    pub(crate) value: f64,
    /// The value as it prints.
    pub(crate) text: String,
}

/// The ring's circumference; what the dashes are measured in.
const ROUND: f64 = 100.0;

/// Draws the parts in the order they come; `middle` stands in the middle.
pub(crate) fn donut(about: &str, middle: &str, slices: &[Slice]) -> Markup {
    let whole: f64 = slices.iter().map(|slice| slice.value).sum();
    if whole <= 0.0 {
        return html! { p.nothing { "Nothing to draw in this range." } };
    }
    let before = |at: usize| slices[..at].iter().map(|slice| slice.value).sum::<f64>() / whole * ROUND;
    html! {
        figure.donut {
            svg viewBox="0 0 42 42" role="img" aria-label=(about) {
                circle.track cx="21" cy="21" r="15.9155" {}
                @for (at, slice) in slices.iter().enumerate() {
                    @let part = slice.value / whole * ROUND;
                    circle class={ "slice s" (at % COLOURS) } cx="21" cy="21" r="15.9155"
                        stroke-dasharray=(dash(part, slices.len())) stroke-dashoffset=(format!("{:.2}", 25.0 - before(at))) {
                        title { (slice.name) ": " (slice.text) ", " (Share::new(slice.value / whole)) }
                    }
                }
                text x="21" y="22.6" { (middle) }
            }
            table {
                caption.unseen { (about) }
                tbody {
                    @for (at, slice) in slices.iter().enumerate() {
                        tr {
                            th scope="row" { (swatch(at)) (model(&slice.name)) }
                            td.number { (slice.text) }
                            td.number { (Share::new(slice.value / whole)) }
                        }
                    }
                }
            }
        }
    }
}

/// A dash of this length, with a hair of room to the next.
fn dash(part: f64, slices: usize) -> String {
    let gap = if slices > 1 { 0.6 } else { 0.0 };
    let dash = (part - gap).max(0.2);
    format!("{dash:.2} {:.2}", ROUND - dash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_follow_each_other_around_the_ring() {
        let slice = |name: &str, value| Slice { name: name.to_owned(), value, text: value.to_string() };
        let text = donut("Models", "4", &[slice("a", 3.0), slice("b", 1.0)]).into_string();
        assert!(text.contains("stroke-dasharray=\"74.40 25.60\" stroke-dashoffset=\"25.00\""), "{text}");
        assert!(text.contains("stroke-dashoffset=\"-50.00\""), "{text}");
        assert!(text.contains("a: 3, 75 %"), "{text}");
        assert!(!donut("Models", "", &[slice("a", 0.0)]).into_string().contains("<svg"));
    }
}
