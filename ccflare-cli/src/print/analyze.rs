//! The performance report: what is slow, what fails, what the cache does, how large the store is.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use ccflare_core::{
    control::views::{AnalyticsView, RequestView, SizesView},
    report::{Count, Size, Took},
};
use serde::Serialize;

use super::{json, line, right, sums, table};
use crate::args::Output;

/// Everything that the report says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    range: String,
    requests: u64,
    slowest: Vec<Slow>,
    error_hot_spots: Vec<HotSpot>,
    cache_by_agent: Vec<Cached>,
    store: SizesView,
    /// Milliseconds that the questions took which this report asked.
    timings: BTreeMap<String, f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Slow {
    id: String,
    response_time_ms: f64,
    time_to_first_token_ms: Option<f64>,
    account: Option<String>,
    model: Option<String>,
    output_tokens: Option<u64>,
    tries: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HotSpot {
    account: String,
    model: String,
    what: String,
    count: u64,
    latest: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    agent: String,
    requests: u64,
    cache_hit_rate: Option<f64>,
    cache_savings_usd: f64,
    cost_usd: f64,
}

impl Report {
    /// `latest` and `errors` are newest first.
    pub(crate) fn new(
        analytics: &AnalyticsView,
        latest: &[RequestView],
        errors: &[RequestView],
        store: SizesView,
        timings: &[(&str, Duration)],
        top: usize,
    ) -> Self {
        let timings = timings.iter().map(|(what, took)| ((*what).to_owned(), took.as_secs_f64() * 1e3)).collect();
        Self {
            range: analytics.meta.range.clone(),
            requests: analytics.totals.requests,
            slowest: slowest(latest, top),
            error_hot_spots: hot_spots(errors, top),
            cache_by_agent: cache_by_agent(analytics, top),
            store,
            timings,
        }
    }
}

fn slowest(latest: &[RequestView], top: usize) -> Vec<Slow> {
    let slow = |request: &RequestView| {
        Some(Slow {
            id: request.id.clone(),
            response_time_ms: request.response_time_ms?,
            time_to_first_token_ms: request.time_to_first_token_ms,
            account: request.account_used.clone(),
            model: request.model.clone(),
            output_tokens: request.output_tokens,
            tries: request.attempts.len(),
        })
    };
    let mut slowest: Vec<_> = latest.iter().filter_map(slow).collect();
    slowest.sort_by(|a, b| b.response_time_ms.total_cmp(&a.response_time_ms));
    slowest.truncate(top);
    slowest
}

/// Errors of the same account, model and kind, the most frequent first.
fn hot_spots(errors: &[RequestView], top: usize) -> Vec<HotSpot> {
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    let mut spots: BTreeMap<_, (u64, String)> = BTreeMap::new();
    for request in errors {
        let status = request.status_code.map_or_else(String::new, |status| format!(" {status}"));
        let what = format!("{}{status}", request.outcome);
        let spot = (named(&request.account_used), named(&request.model), what);
        // The first one seen is the latest.
        spots.entry(spot).or_insert_with(|| (0, request.timestamp.clone())).0 += 1;
    }
    let spot = |((account, model, what), (count, latest))| HotSpot { account, model, what, count, latest };
    let mut spots: Vec<_> = spots.into_iter().map(spot).collect();
    spots.sort_by_key(|spot| std::cmp::Reverse(spot.count));
    spots.truncate(top);
    spots
}

fn cache_by_agent(analytics: &AnalyticsView, top: usize) -> Vec<Cached> {
    let cached = analytics.agent_performance.iter().map(|agent| Cached {
        agent: agent.name.clone(),
        requests: agent.requests,
        cache_hit_rate: agent.cache_hit_rate,
        cache_savings_usd: agent.cache_savings_usd,
        cost_usd: agent.cost_usd,
    });
    cached.take(top).collect()
}

pub(crate) fn report(report: &Report, output: Output) -> Result<()> {
    if output.json {
        return json(report);
    }
    line(&format!("{} requests in {}\n", Count(report.requests), report.range))?;
    let mut slow = table(&["SLOWEST LATELY", "FIRST CONTENT", "OUT", "TRIES", "ACCOUNT", "MODEL", "ID"]);
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for one in &report.slowest {
        slow.add_row([
            Took::from_millis(one.response_time_ms).to_string(),
            sums::took(one.time_to_first_token_ms),
            one.output_tokens.map_or_else(|| "-".to_owned(), |tokens| Count(tokens).to_string()),
            one.tries.to_string(),
            text(&one.account),
            text(&one.model),
            one.id.clone(),
        ]);
    }
    right(&mut slow, &[0, 1, 2, 3]);
    let mut spots = table(&["ERRORS LATELY", "WHAT", "ACCOUNT", "MODEL", "LATEST"]);
    for spot in &report.error_hot_spots {
        let HotSpot { account, model, what, count, latest } = spot;
        spots.add_row([count.to_string(), what.clone(), account.clone(), model.clone(), latest.clone()]);
    }
    let mut cached = table(&["CACHE BY AGENT", "REQUESTS", "HIT RATE", "SAVED", "COST"]);
    for agent in &report.cache_by_agent {
        cached.add_row([
            agent.agent.clone(),
            agent.requests.to_string(),
            sums::percent(agent.cache_hit_rate),
            sums::dollars(agent.cache_savings_usd),
            sums::dollars(agent.cost_usd),
        ]);
    }
    right(&mut cached, &[1, 2, 3, 4]);
    line(&format!("{slow}\n\n{spots}\n\n{cached}\n"))?;
    let store = &report.store;
    line(&format!(
        "The database has {} in its file: {} requests with {}, payloads of {} with {}.",
        Size(store.file_bytes),
        Count(store.requests),
        Size(store.request_bytes),
        Count(store.payloads),
        Size(store.payload_bytes)
    ))?;
    let timing = |(what, millis): (&String, &f64)| format!("{what} {}", Took::from_millis(*millis));
    line(&format!("This report asked for {}.", report.timings.iter().map(timing).collect::<Vec<_>>().join(", ")))
}
