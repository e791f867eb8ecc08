//! How much of something is used.

use maud::{Markup, html};

use super::badge::Tone;

/// A bar that is full at 1.0. What it shows has to stand beside it as text; screen readers read that.
pub(crate) fn bar(part: f64, tone: Tone) -> Markup {
    let width = (part.clamp(0.0, 1.0) * 100.0 * 10.0).round() / 10.0;
    html! {
        svg class={ "bar " (tone.class()) } viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" width="100" height="6" {}
            rect class="fill" width=(width) height="6" {}
        }
    }
}

/// The colour of a limit by how much of it is used.
pub(crate) fn severity(used: f64) -> Tone {
    match used {
        used if used >= 1.0 => Tone::Bad,
        used if used >= 0.8 => Tone::Warning,
        _ => Tone::Good,
    }
}

/// Several parts of one whole side by side, each with its own series colour.
pub(crate) fn stack(parts: &[(usize, f64, String)]) -> Markup {
    let whole: f64 = parts.iter().map(|(_, part, _)| part).sum();
    let before = |at: usize| parts[..at].iter().map(|(_, part, _)| part).sum::<f64>();
    let percent = |part: f64| if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    html! {
        svg class="bar stack" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect class="track" width="100" height="6" {}
            @for (at, (series, part, about)) in parts.iter().enumerate() {
                rect class={ "s" (series) } x=(format!("{:.2}", percent(before(at)))) width=(format!("{:.2}", percent(*part))) height="6" { title { (about) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stays_within_its_track() {
        for (part, width) in [(-1.0, "0"), (0.5, "50"), (1.3, "100")] {
            assert!(
                bar(part, Tone::Good).into_string().contains(&format!("class=\"fill\" width=\"{width}\"")),
                "{part}"
            );
        }
        assert_eq!([severity(0.79), severity(0.8), severity(1.0)], [Tone::Good, Tone::Warning, Tone::Bad]);
    }

    #[test]
    fn parts_stand_behind_each_other_and_nothing_has_no_parts() {
        let text = stack(&[(0, 1.0, "a".to_owned()), (1, 3.0, "b".to_owned())]).into_string();
        assert!(text.contains("x=\"25.00\" width=\"75.00\""), "{text}");
        assert!(stack(&[(0, 0.0, "a".to_owned())]).into_string().contains("width=\"0.00\""));
    }
}
