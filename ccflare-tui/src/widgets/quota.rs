//! A limit window as a bar with the time until it is full again.

use std::time::Duration;

use ccflare_core::{
    control::views::WindowView,
    domain::Timestamp,
    report::{Count, Left, Share, UNKNOWN, Until},
};

use super::{Canvas, bars::bar};
use crate::theme::Role;

/// Columns of a window's name.
const NAME: usize = 13;

/// Draws one window in one row.
pub(crate) fn quota(canvas: &Canvas<'_>, y: usize, window: &WindowView, now: Timestamp) {
    canvas.field(0, y, NAME, Role::Muted, &window.name, false);
    let length = canvas.width().saturating_sub(NAME + 28).clamp(4, 40);
    let role = severity(window);
    let end = canvas.put(NAME, y, role, &bar(share(window).unwrap_or(0.0), length));
    canvas.put(end, y, Role::Muted, &"·".repeat((NAME + length).saturating_sub(end)));
    let says = format!("{:>7}  {}", used(window), reset(window, now));
    canvas.put(NAME + length, y, if role == Role::Good { Role::Plain } else { role }, &says);
}

/// When it is full again.
fn reset(window: &WindowView, now: Timestamp) -> String {
    let Some(until) = window.resets_at.as_deref().and_then(|at| Until::parse(at, now)) else { return String::new() };
    match until.left() {
        Duration::ZERO => "full again".to_owned(),
        left => format!("full in {}", Left(left)),
    }
}

/// How bad it is: what the API says, else by the part that is used.
pub(crate) fn severity(window: &WindowView) -> Role {
    match (window.status.as_deref(), share(window)) {
        (Some("rejected"), _) => Role::Bad,
        (Some("allowed_warning"), _) => Role::Warning,
        (_, Some(share)) if share >= 1.0 => Role::Bad,
        (_, Some(share)) if share >= 0.9 => Role::Warning,
        _ => Role::Good,
    }
}

/// The window of which most is used.
pub(crate) fn tightest(windows: &[WindowView]) -> Option<&WindowView> {
    let used = |window: &&WindowView| share(window);
    windows
        .iter()
        .filter(|window| used(window).is_some())
        .max_by(|a, b| used(a).partial_cmp(&used(b)).unwrap_or(std::cmp::Ordering::Equal))
}

/// The part that is used.
fn share(window: &WindowView) -> Option<f64> {
    let counted = || Some(1.0 - window.remaining? as f64 / (window.limit? as f64).max(1.0));
    window.utilization.or_else(counted)
}

fn used(window: &WindowView) -> String {
    match (share(window), window.remaining) {
        (Some(share), _) => Share::new(share).to_string(),
        (None, Some(remaining)) => format!("{} left", Count(remaining)),
        (None, None) => window.status.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(utilization: Option<f64>, status: Option<&str>) -> WindowView {
        let status = status.map(str::to_owned);
        WindowView { name: "5h".into(), status, utilization, limit: None, remaining: None, resets_at: None }
    }

    #[test]
    fn what_the_api_says_comes_before_what_is_counted() {
        assert_eq!(severity(&window(Some(0.2), None)), Role::Good);
        assert_eq!(severity(&window(Some(0.2), Some("rejected"))), Role::Bad);
        assert_eq!(severity(&window(Some(0.92), Some("allowed"))), Role::Warning);
        assert_eq!(severity(&window(Some(1.0), None)), Role::Bad);
        assert_eq!(severity(&window(None, None)), Role::Good);
    }

    #[test]
    fn counted_windows_have_a_share_too() {
        let counted = WindowView { limit: Some(50), remaining: Some(5), ..window(None, None) };
        assert_eq!((used(&counted).as_str(), severity(&counted)), ("90 %", Role::Warning));
    }
}
