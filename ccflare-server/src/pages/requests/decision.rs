//! Why a request goes where it goes.

use ccflare_core::{
    control::views::{CandidateView, DecisionView, ExcludedView, MoveView},
    domain::{NanoUsd, Timestamp},
    report::{Count, Known, Money, Share, Took},
};
use maud::{Markup, html};

use crate::components::{
    badge::{Tone, badge},
    bar::{bar, severity},
    text, when,
};

/// Of many accounts, those that come first are what somebody looks for.
const SHOWN: usize = 5;

/// Who was thought of, in which order, and who was not.
pub(in crate::pages) fn view(decision: &DecisionView, now: Timestamp) -> Markup {
    html! {
        p.quiet { "By the strategy " code { (decision.strategy) } "." }
        @if let Some(moved) = &decision.moved { (left(moved)) }
        @if decision.candidates.is_empty() {
            p { "No account could serve it." }
        } @else {
            @let (first, others) = decision.candidates.split_at(decision.candidates.len().min(SHOWN));
            ol.attempts { @for candidate in first { li { (possible(candidate)) } } }
            @if !others.is_empty() {
                details {
                    summary { "And " (others.len()) " more that could serve it" }
                    ol.attempts start=(SHOWN + 1) { @for candidate in others { li { (possible(candidate)) } } }
                }
            }
        }
        @if !decision.excluded.is_empty() {
            h3 { "Left out" }
            ul.closures { @for excluded in &decision.excluded { li { (impossible(excluded, now)) } } }
        }
        @if decision.unnamed > 0 { p.quiet { "And " (decision.unnamed) " more." } }
    }
}

/// The conversation leaves the account that has its cache.
fn left(moved: &MoveView) -> Markup {
    let price = moved.price_nano_usd.map(|nanos| Money(NanoUsd(nanos)));
    html! {
        p {
            (badge(Tone::Purple, "moved")) " The conversation leaves " strong { (moved.from) } ": " (text::closure(&moved.reason))
            @if moved.free { "; that costs nothing" } @else {
                "; " (Count(moved.cached_tokens)) "\u{a0}tokens of its cache are written anew, for " (Known(price)) " more"
            }
            "."
        }
    }
}

fn possible(candidate: &CandidateView) -> Markup {
    html! {
        p.who {
            strong { a href={ "/accounts/" (candidate.account_id) } { (candidate.account) } }
            (badge(Tone::Plain, text::word(&candidate.choice)))
            @if candidate.wait_ms > 0.0 { (badge(Tone::Warning, &format!("waited for {}", text::whole(Took::from_millis(candidate.wait_ms))))) }
        }
        p.why { (candidate.reason) }
        @if let Some(left) = candidate.left {
            (bar(1.0 - left, severity(1.0 - left)))
            p.times {
                (text::whole(Share::new(left))) " left"
                @if let Some(window) = &candidate.window { " of its limit for " (text::window(window)) }
                @if let Some(conversations) = candidate.conversations { ", " (text::counted(conversations.into(), "conversation", "conversations")) }
                @if let Some(in_flight) = candidate.in_flight { ", " (in_flight) "\u{a0}in\u{a0}flight" }
            }
        }
    }
}

fn impossible(excluded: &ExcludedView, now: Timestamp) -> Markup {
    html! {
        strong { (excluded.account) } ": " (text::closure(&excluded.reason))
        @if let Some(until) = &excluded.until { "; opens " (when::until(until, now)) }
        @if !excluded.evidence.is_empty() { span.evidence { (excluded.evidence) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_thought_of_and_who_was_not_stand_with_their_reasons() {
        let candidate = |number: u32| {
            let reason = if number == 0 { "it has the most room" } else { "if those before it can't serve" };
            serde_json::json!({
                "account": format!("account {number}"), "accountId": "1", "priority": 0, "choice": "headroom",
                "reason": reason, "score": 4.0, "size": 20, "left": 0.25, "window": "5h", "conversations": 3,
                "inFlight": 1, "expires": null, "waitMs": 0.0,
            })
        };
        let candidates: Vec<_> = (0..7).map(candidate).collect();
        let decision: DecisionView = serde_json::from_value(serde_json::json!({
            "strategy": "conversation",
            "candidates": candidates,
            "excluded": [{ "account": "spare", "accountId": "2", "reason": "paused", "until": null, "evidence": "" }],
            "unnamed": 2,
            "moved": { "from": "old", "reason": "rate_limited", "free": false, "cachedTokens": 42_000,
                "priceUsd": 0.1, "priceNanoUsd": 100_000_000 },
        }))
        .expect("a view");
        let text = view(&decision, Timestamp::from_seconds(1_800_000_000)).into_string();
        for part in [
            "it has the most room",
            "25\u{a0}%",
            "5\u{a0}hours",
            "spare",
            "And 2 more that could",
            "account 6",
            "And 2 more.",
            "42k",
            "$0.10",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
