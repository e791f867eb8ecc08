//! Numbers of a whole range.

use ccflare_core::{
    control::views::{CostBreakdown, TokenBreakdown, TotalsView},
    domain::NanoUsd,
    report::{Change, Count, Known, Money, Share, Took},
};
use maud::{Markup, html};

use crate::components::{
    bar::stack,
    card::{Better, Figure, figures as row},
    chart::swatch,
};

/// The figures of a range, against the one before.
pub(in crate::pages) fn figures(now: &TotalsView, before: &TotalsView) -> Markup {
    let cost = Money(NanoUsd(now.cost_nano_usd));
    let unpriced = match now.unpriced_requests {
        0 => String::new(),
        some => format!("{} of unknown price", Count(some)),
    };
    let change = |now: u64, before: u64| Change::new(before as f64, now as f64);
    row(&[
        Figure::new("Requests", Count(now.requests))
            .exactly(format!("{:#}", Count(now.requests)))
            .against(change(now.requests, before.requests), Better::Neither),
        Figure::new("Successful", Known(now.success_rate.map(percent)))
            .against(between(before.success_rate, now.success_rate), Better::More),
        Figure::new("Median time", Known(now.p50_response_time.map(Took::from_millis)))
            .against(between(before.p50_response_time, now.p50_response_time), Better::Less),
        Figure::new("95th percentile", Known(now.p95_response_time.map(Took::from_millis)))
            .against(between(before.p95_response_time, now.p95_response_time), Better::Less),
        Figure::new("Cost", cost)
            .exactly(format!("{cost:#}"))
            .against(change(now.cost_nano_usd, before.cost_nano_usd), Better::Neither)
            .note(unpriced),
        Figure::new("Tokens", Count(now.total_tokens))
            .exactly(format!("{:#}", Count(now.total_tokens)))
            .against(change(now.total_tokens, before.total_tokens), Better::Neither),
        Figure::new("Read from the cache", Known(now.cache_hit_rate.map(percent)))
            .against(between(before.cache_hit_rate, now.cache_hit_rate), Better::More),
    ])
}

/// A percentage of a view as a share.
pub(in crate::pages) fn percent(percent: f64) -> Share {
    Share::new(percent / 100.0)
}

fn between(before: Option<f64>, now: Option<f64>) -> Change {
    Change::new(before.unwrap_or(f64::NAN), now.unwrap_or(f64::NAN))
}

/// The classes that have prices of their own: how many tokens, and what they cost.
pub(super) fn tokens(tokens: &TokenBreakdown, costs: &CostBreakdown) -> Markup {
    let classes = [
        ("Fresh input", tokens.input_tokens, costs.input_nano_usd),
        ("Read from the cache", tokens.cache_read_input_tokens, costs.cache_read_nano_usd),
        ("Written for 5\u{a0}minutes", tokens.cache_creation5m_input_tokens, costs.cache_write5m_nano_usd),
        ("Written for an hour", tokens.cache_creation1h_input_tokens, costs.cache_write1h_nano_usd),
        ("Output", tokens.output_tokens, costs.output_nano_usd),
    ];
    let all: u64 = classes.iter().map(|(_, count, _)| count).sum();
    let paid: u64 = classes.iter().map(|(.., cost)| cost).sum::<u64>() + costs.other_nano_usd;
    let counted = |(at, (name, count, _)): (usize, &(&str, u64, u64))| {
        (at, *count as f64, format!("{name}: {:#}", Count(*count)))
    };
    let priced = |(at, (name, _, cost)): (usize, &(&str, u64, u64))| {
        (at, *cost as f64, format!("{name}: {:#}", Money(NanoUsd(*cost))))
    };
    html! {
        p.hint { "Tokens" }
        (stack(&classes.iter().enumerate().map(counted).collect::<Vec<_>>()))
        p.hint { "Cost" }
        (stack(&classes.iter().enumerate().map(priced).collect::<Vec<_>>()))
        div.scroll tabindex="0" role="region" aria-label="Tokens and cost by class" {
            table.plain {
                thead { tr { th { "Class" } th.number { "Tokens" } th.number.share { span.unseen { "Part of all tokens" } } th.number { "Cost" } th.number.share { span.unseen { "Part of the cost" } } } }
                tbody {
                    @for (at, (name, count, cost)) in classes.iter().enumerate() {
                        tr {
                            th scope="row" { (swatch(at)) (name) }
                            td.number title=(format!("{:#}", Count(*count))) { (Count(*count)) }
                            td.number.share { (Share::of(*count, all)) }
                            td.number title=(format!("{:#}", Money(NanoUsd(*cost)))) { (Money(NanoUsd(*cost))) }
                            td.number.share { (Share::of(*cost, paid)) }
                        }
                    }
                    @if costs.other_nano_usd > 0 {
                        tr {
                            th scope="row" { "Not parted" } td {} td.share {}
                            td.number { (Money(NanoUsd(costs.other_nano_usd))) } td.number.share { (Share::of(costs.other_nano_usd, paid)) }
                        }
                    }
                }
            }
        }
    }
}
