//! Numbers of a whole range.

use ccflare_core::{
    control::views::{TokenBreakdown, TotalsView},
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

/// The classes that have prices of their own.
pub(super) fn tokens(tokens: &TokenBreakdown) -> Markup {
    let classes = [
        ("Fresh input", tokens.input_tokens),
        ("Read from the cache", tokens.cache_read_input_tokens),
        ("Written for 5 minutes", tokens.cache_creation5m_input_tokens),
        ("Written for an hour", tokens.cache_creation1h_input_tokens),
        ("Output", tokens.output_tokens),
    ];
    let all: u64 = classes.iter().map(|(_, count)| count).sum();
    let part = |(at, (name, count)): (usize, &(&str, u64))| (at, *count as f64, format!("{name}: {:#}", Count(*count)));
    let parts: Vec<_> = classes.iter().enumerate().map(part).collect();
    html! {
        (stack(&parts))
        table.plain {
            caption.unseen { "Tokens by class" }
            tbody {
                @for (at, (name, count)) in classes.iter().enumerate() {
                    tr {
                        th scope="row" { (swatch(at)) (name) }
                        td.number title=(format!("{:#}", Count(*count))) { (Count(*count)) }
                        td.number { (Share::of(*count, all)) }
                    }
                }
            }
        }
    }
}
