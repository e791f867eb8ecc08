//! Numbers side by side: of models, accounts, agents, client keys.

use ccflare_core::{
    control::views::{GroupView, ModelCost, ModelPerformance},
    domain::NanoUsd,
    report::{Count, Known, Money, Rate, Took},
};
use maud::{Markup, html};

use super::{series::dollars, sums::percent};
use crate::components::{badge::Tone, bar::bar};

/// How models did, and what they cost.
pub(super) fn models(models: &[ModelPerformance], costs: &[ModelCost]) -> Markup {
    let cost = |name: &str| costs.iter().find(|cost| cost.model == name).map(|cost| dollars(cost.cost_usd));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Models" {
            table.rows {
                thead {
                    tr {
                        th { "Model" } th.number { "Requests" } th.number { "Errors" } th.number { "Cost" } th.number { "Median" } th.number { "95th" } th.number { "99th" }
                        th.number { "First token, 95th" } th.number { "Tokens a second" } th.number.range { "Slowest, fastest" }
                    }
                }
                tbody {
                    @for model in models {
                        tr {
                            th scope="row" { span.name title=(model.model) { (model.model) } }
                            td.number { (Count(model.requests)) }
                            td.number { (Known(model.error_rate.map(percent))) }
                            td.number { (Known(cost(&model.model))) }
                            td.number { (took(model.p50_response_time)) }
                            td.number { (took(model.p95_response_time)) }
                            td.number { (took(model.p99_response_time)) }
                            td.number { (took(model.p95_time_to_first_token)) }
                            td.number { (Known(model.avg_tokens_per_second.map(Rate))) }
                            td.number.range { (Known(model.min_tokens_per_second.map(Rate))) ", " (Known(model.max_tokens_per_second.map(Rate))) }
                        }
                    }
                }
            }
        }
    }
}

/// What each of them adds up to.
pub(in crate::pages) fn groups(what: &str, groups: &[GroupView]) -> Markup {
    let most = groups.iter().map(|group| group.requests).max().unwrap_or(0).max(1) as f64;
    html! {
        @if groups.is_empty() {
            p.quiet { "None in this range." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(what) {
                table.rows {
                    thead {
                        tr {
                            th { (what) } th.part { span.unseen { "Part" } } th.number { "Requests" } th.number { "Successful" } th.number { "Cost" }
                            th.number { "Tokens" } th.number { "From the cache" } th.number { "Median" } th.number { "95th" }
                        }
                    }
                    tbody {
                        @for group in groups {
                            tr {
                                th scope="row" { span.name title=(group.name) { (said(&group.name)) } }
                                td.part { (bar(group.requests as f64 / most, Tone::Accent)) }
                                td.number { (Count(group.requests)) }
                                td.number { (Known(group.success_rate.map(percent))) }
                                td.number { (Money(NanoUsd(group.cost_nano_usd))) }
                                td.number { (Count(group.total_tokens)) }
                                td.number { (Known(group.cache_hit_rate.map(percent))) }
                                td.number { (took(group.p50_response_time)) }
                                td.number { (took(group.p95_response_time)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The names that stand for none.
pub(in crate::pages) fn said(name: &str) -> &str {
    match name {
        "no_account" => "the client's own credentials",
        "no_agent" => "no agent",
        "no_key" => "no key",
        other => other,
    }
}

fn took(millis: Option<f64>) -> Known<Took> {
    Known(millis.map(Took::from_millis))
}
