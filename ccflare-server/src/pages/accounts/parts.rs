//! What the list and the page of one account have in common.

use ccflare_core::{
    control::views::{AccountView, AnalyticsView, ClosureView, GroupView, WindowView},
    domain::{NanoUsd, Timestamp},
    report::{Count, Known, Money, Share},
};
use maud::{Markup, html};

use crate::components::{
    badge::{self, Tone, badge},
    bar::{bar, severity},
    text, when,
};

/// What all accounts did in the last thirty days.
#[derive(Debug, Default)]
pub(super) struct Done {
    accounts: Vec<GroupView>,
    requests: u64,
}

impl Done {
    pub(super) fn of(month: &AnalyticsView) -> Self {
        Self { accounts: month.account_performance.clone(), requests: month.totals.requests }
    }

    /// What one of them cost, and its part of all requests.
    pub(super) fn share(&self, account: &AccountView) -> Markup {
        html! { (self.cost(account)) " in 30\u{a0}days, " (text::whole(self.part(account))) " of all requests" }
    }

    /// What one of them cost.
    pub(super) fn cost(&self, account: &AccountView) -> Markup {
        let cost = Money(NanoUsd(self.of_account(account).map_or(0, |group| group.cost_nano_usd)));
        html! { span title=(format!("{cost:#}")) { (cost) } }
    }

    /// Its part of all requests.
    pub(super) fn part(&self, account: &AccountView) -> Share {
        Share::of(self.of_account(account).map_or(0, |group| group.requests), self.requests)
    }

    fn of_account(&self, account: &AccountView) -> Option<&GroupView> {
        self.accounts.iter().find(|group| group.name == account.name)
    }

    #[cfg(test)]
    pub(super) fn with(name: &str, requests: u64, of: u64, cost: u64) -> Self {
        let group = GroupView { name: name.to_owned(), requests, cost_nano_usd: cost, ..GroupView::default() };
        Self { accounts: vec![group], requests: of }
    }
}

/// The badges behind an account's name.
pub(in crate::pages) fn badges(account: &AccountView) -> Markup {
    html! {
        @if account.active { (badge(Tone::Accent, "active")) " " }
        (badge::account_state(&account.state))
    }
}

/// Its limits, as far as its answers have told.
pub(super) fn windows(account: &AccountView, now: Timestamp) -> Markup {
    html! {
        @if account.windows.is_empty() {
            p.quiet { "No limits known yet: its first answer tells them." }
        } @else {
            ul.windows { @for window in &account.windows { li { (limit(window, now)) } } }
        }
    }
}

/// The window of which most is used.
pub(in crate::pages) fn tightest(account: &AccountView) -> Option<&WindowView> {
    let part = |window: &WindowView| used(window).unwrap_or(0.0);
    account.windows.iter().max_by(|a, b| part(a).total_cmp(&part(b)))
}

pub(super) fn limit(window: &WindowView, now: Timestamp) -> Markup {
    let used = used(window);
    let is_over = window.resets_at.as_deref().and_then(Timestamp::parse_rfc3339).is_some_and(|reset| reset <= now);
    let tone = match window.status.as_deref() {
        _ if is_over => Tone::Plain,
        Some("rejected") => Tone::Bad,
        Some("allowed_warning") => Tone::Warning,
        _ => severity(used.unwrap_or(0.0)),
    };
    html! {
        div.window {
            span.name { (text::window(&window.name)) }
            span.used { (said(window)) }
            (bar(if is_over { 0.0 } else { used.unwrap_or(0.0) }, tone))
            @if let Some(reset) = &window.resets_at {
                span.reset { @if is_over { "was reset " (when::ago(Some(reset), now)) } @else { "resets " (when::until(reset, now)) } }
            }
        }
    }
}

/// The part of a window that is used, if that is known.
pub(in crate::pages) fn used(window: &WindowView) -> Option<f64> {
    window.utilization.or_else(|| {
        let (limit, left) = (window.limit.filter(|limit| *limit > 0)?, window.remaining?);
        Some(1.0 - left as f64 / limit as f64)
    })
}

/// What is used of it, or left, in words.
pub(in crate::pages) fn said(window: &WindowView) -> String {
    match (window.remaining, window.limit) {
        (Some(left), Some(limit)) => format!("{} of {} left", Count(left), Count(limit)),
        _ => text::whole(Known(used(window).map(Share::new))),
    }
}

/// Why it can't serve.
pub(super) fn closures(account: &AccountView, now: Timestamp) -> Markup {
    html! {
        @if !account.closures.is_empty() {
            ul.closures { @for closure in &account.closures { li { (why(closure, now)) } } }
        }
    }
}

fn why(closure: &ClosureView, now: Timestamp) -> Markup {
    html! {
        strong { (text::closure(&closure.reason)) }
        @if let Some((kind, name)) = closure.scope.split_once(':') { " for " (kind) " " code { (name) } }
        ", since " (when::ago(Some(&closure.since), now))
        @match &closure.until {
            Some(until) => { "; opens " (when::until(until, now)) }
            None if closure.reason == "needs_login" => { "; until somebody logs in" }
            None => { "; until it is resumed" }
        }
        @if !closure.evidence.is_empty() { span.evidence { (closure.evidence) } }
    }
}

/// What its credential is, and how long it is good.
pub(super) fn credential(account: &AccountView, now: Timestamp) -> Markup {
    html! {
        @match (&account.token_expires_at, account.token_status.as_str()) {
            (_, "expired") => { (badge(Tone::Bad, "refused")) }
            (Some(expires), _) => { "token, renewed before it expires " (when::until(expires, now)) }
            (None, _) => { "API key" }
        }
    }
}
