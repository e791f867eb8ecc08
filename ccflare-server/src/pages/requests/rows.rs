//! A table of requests.

use ccflare_core::{
    control::views::RequestView,
    domain::{NanoUsd, Timestamp},
    report::{Count, Known, Money, Share, Took},
};
use maud::{Markup, html};

use crate::components::{
    badge::{self, Tone, badge},
    when,
};

/// Draws it.
pub(in crate::pages) fn table(requests: &[RequestView], now: Timestamp) -> Markup {
    html! {
        div.scroll.framed tabindex="0" role="region" aria-label="Requests" {
            table.rows.listed.requests {
                thead {
                    tr {
                        th { "When" } th { "Model" } th { "Account" } th { "Result" }
                        th.number { "Prompt" } th.number { "Cached" } th.number { "Output" }
                        th.number { "Cost" } th.number { "Took" }
                    }
                }
                tbody { @for request in requests { (row(request, now)) } }
            }
        }
    }
}

fn row(request: &RequestView, now: Timestamp) -> Markup {
    let path = format!("/requests/{}", request.id);
    let model = request.model.as_deref().unwrap_or(&request.path);
    html! {
        tr.failed[!request.success] {
            td { a href=(path) { (when::ago(Some(&request.timestamp), now)) } }
            td { span.name title=(request.path) { (model) } }
            td { span.name { (request.account_used.as_deref().unwrap_or("client's own")) } }
            td { (result(request)) }
            td.number { (exact(request.prompt_tokens)) }
            td.number { (cached(request)) }
            td.number { (exact(request.output_tokens)) }
            td.number { (cost(request)) }
            td.number { (Known(request.response_time_ms.map(Took::from_millis))) }
        }
    }
}

/// Status, outcome if it is not the usual one, and whether it had to move.
pub(super) fn result(request: &RequestView) -> Markup {
    html! {
        (badge::status(request.status_code))
        @if request.outcome != "answered" { " " (badge::outcome(&request.outcome)) }
        @if request.failover_attempts > 0 {
            " " (badge(Tone::Purple, &format!("moved {}×", request.failover_attempts)))
        }
    }
}

fn exact(tokens: Option<u64>) -> Markup {
    html! { @match tokens { Some(count) => span title=(format!("{:#}", Count(count))) { (Count(count)) }, None => "–" } }
}

/// Which part of the prompt came from the cache.
fn cached(request: &RequestView) -> Markup {
    let part = request.cache_read_input_tokens.zip(request.prompt_tokens).map(|(read, all)| Share::of(read, all));
    html! { (Known(part)) }
}

fn cost(request: &RequestView) -> Markup {
    html! {
        @match request.cost_nano_usd.map(|nanos| Money(NanoUsd(nanos))) {
            Some(cost) => span title=(format!("{cost:#}")) { (cost) },
            None => "–",
        }
    }
}
