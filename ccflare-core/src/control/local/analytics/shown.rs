//! Answers as an operator sees them. Pure.

use std::{collections::HashMap, sync::Arc};

use super::{Called, asked::Asked};
use crate::{
    analytics::{Answer, Counts, Group, Minute, sketch::RELATIVE_ERROR},
    control::views::{
        AccountStats, AnalyticsMeta, AnalyticsView, CostBreakdown, DayCost, GroupView, ModelCost, ModelCount,
        ModelPerformance, PointView, StatsView, TokenBreakdown, TopModel, TotalsView,
    },
    domain::{AccountId, ClientKeyId, Exchange, Outcome, Tokens},
    pricing::PriceTable,
};

/// Models that are listed, as in the original.
const MODELS: usize = 10;
/// Agents and client keys that are listed.
const GROUPS: usize = 50;
const RECENT_ERRORS: usize = 10;

const NO_ACCOUNT: &str = "no_account";
const UNKNOWN: &str = "unknown";

/// An answer about a time.
pub(super) fn analytics(asked: &Asked, answer: &Answer, previous: &Answer, called: &Called) -> AnalyticsView {
    let question = &asked.question;
    AnalyticsView {
        meta: AnalyticsMeta {
            range: asked.range.to_owned(),
            bucket: asked.bucket().to_owned(),
            bucket_ms: u64::from(question.bucket) * 60_000,
            cumulative: asked.cumulative,
            model_breakdown: asked.by_model,
            from: question.from.start().to_string(),
            to: question.to.start().to_string(),
            quantile_error: RELATIVE_ERROR,
        },
        totals: totals(answer),
        previous: totals(previous),
        time_series: time_series(asked, answer),
        token_breakdown: tokens(&answer.total.counts),
        cost_breakdown: costs(answer),
        model_distribution: models(answer).map(|(model, group)| count(model, group)).take(MODELS).collect(),
        account_performance: answer.accounts.iter().map(|(id, found)| account(*id, found, called)).collect(),
        agent_performance: answer
            .agents
            .iter()
            .take(GROUPS)
            .map(|(name, found)| agent(name.as_deref(), found))
            .collect(),
        client_key_performance: answer
            .client_keys
            .iter()
            .take(GROUPS)
            .map(|(id, found)| key(*id, found, called))
            .collect(),
        cost_by_model: cost_by_model(answer),
        model_performance: models(answer).map(|(model, group)| performance(model, group)).take(MODELS).collect(),
        cost_by_day: answer.days.iter().map(day).collect(),
    }
}

/// Everything there is.
pub(super) fn stats(answer: &Answer, failed: &[Exchange], called: &Called) -> StatsView {
    let counts = &answer.total.counts;
    let top = |(model, group): (&str, &Group)| TopModel {
        model: model.to_owned(),
        count: group.counts.requests,
        percentage: percent(group.counts.requests, counts.requests).unwrap_or(0.0),
    };
    let account = |(id, group): &(Option<AccountId>, Group)| AccountStats {
        name: account_name(*id, called),
        request_count: group.counts.requests,
        succeeded_requests: group.counts.succeeded,
        success_rate: whole(percent(group.counts.succeeded, group.counts.requests)),
        total_requests: group.counts.requests,
    };
    StatsView {
        total_requests: counts.requests,
        succeeded_requests: counts.succeeded,
        success_rate: whole(percent(counts.succeeded, counts.requests)),
        active_accounts: active(answer),
        avg_response_time: whole(average(counts.duration, counts.timed, 1e3)),
        total_tokens: counts.tokens(),
        total_cost_usd: counts.cost.as_dollars(),
        cache_savings_usd: counts.saved as f64 / 1e9,
        top_models: models(answer).take(5).map(top).collect(),
        avg_tokens_per_second: average(counts.speed, counts.speeds, 1e3),
        accounts: answer.accounts.iter().take(10).map(account).collect(),
        recent_errors: recent_errors(failed),
    }
}

/// Each error once, the latest first.
fn recent_errors(failed: &[Exchange]) -> Vec<String> {
    let mut errors: Vec<String> = Vec::new();
    for exchange in failed {
        let outcome = exchange.outcome.as_str();
        let status = || match (exchange.outcome, exchange.status) {
            (Outcome::Answered, Some(status)) => format!("status {status}"),
            (_, Some(status)) => format!("{outcome}, status {status}"),
            (_, None) => outcome.to_owned(),
        };
        let error = exchange.error.as_deref().map_or_else(status, str::to_owned);
        if errors.len() < RECENT_ERRORS && !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

fn totals(answer: &Answer) -> TotalsView {
    let Group { counts, durations, first_tokens, speeds } = &answer.total;
    TotalsView {
        requests: counts.requests,
        success_rate: percent(counts.succeeded, counts.requests),
        error_rate: percent(counts.requests - counts.succeeded, counts.requests),
        failovers: counts.failovers,
        active_accounts: active(answer),
        total_tokens: counts.tokens(),
        input_tokens: counts.input,
        output_tokens: counts.output,
        cache_read_input_tokens: counts.cache_read,
        cache_creation_input_tokens: counts.cache_write(),
        cache_hit_rate: percent(counts.cache_read, counts.prompt()),
        total_cost_usd: counts.cost.as_dollars(),
        cost_nano_usd: counts.cost.0,
        unpriced_requests: counts.requests - counts.priced,
        cache_savings_usd: counts.saved as f64 / 1e9,
        avg_response_time: average(counts.duration, counts.timed, 1e3),
        p50_response_time: thousandth(durations.quantile(0.50)),
        p95_response_time: thousandth(durations.quantile(0.95)),
        p99_response_time: thousandth(durations.quantile(0.99)),
        avg_time_to_first_token: average(counts.first_token, counts.first_tokens, 1e3),
        p50_time_to_first_token: thousandth(first_tokens.quantile(0.50)),
        p95_time_to_first_token: thousandth(first_tokens.quantile(0.95)),
        p99_time_to_first_token: thousandth(first_tokens.quantile(0.99)),
        avg_tokens_per_second: average(counts.speed, counts.speeds, 1e3),
        p50_tokens_per_second: thousandth(speeds.quantile(0.50)),
    }
}

/// Every bucket of the time, and of each model that has points of its own.
fn time_series(asked: &Asked, answer: &Answer) -> Vec<PointView> {
    let question = &asked.question;
    let listed = models(answer).take(MODELS).map(|(model, _)| model);
    let lines: Vec<Option<&str>> = if asked.by_model { listed.map(Some).collect() } else { vec![None] };
    let mut found: HashMap<(Minute, Option<&str>), Counts> = HashMap::new();
    for bucket in &answer.buckets {
        let model = asked.by_model.then(|| model_name(bucket.model.as_ref()));
        found.entry((bucket.start, model)).or_default().merge(&bucket.counts);
    }
    let mut sums = vec![Counts::default(); lines.len()];
    let mut points = Vec::new();
    let mut start = question.from.floor(question.bucket);
    while start < question.to {
        for (line, sum) in lines.iter().zip(&mut sums) {
            let counts = found.remove(&(start, *line)).unwrap_or_default();
            sum.merge(&counts);
            points.push(point(start, *line, &counts, if asked.cumulative { sum } else { &counts }));
        }
        start = start + question.bucket;
    }
    points
}

/// A point whose counts may be running sums; its rates and averages are always its own.
fn point(start: Minute, model: Option<&str>, counts: &Counts, summed: &Counts) -> PointView {
    PointView {
        ts: start.start().as_millis(),
        model: model.map(str::to_owned),
        requests: summed.requests,
        tokens: summed.tokens(),
        cost_usd: summed.cost.as_dollars(),
        success_rate: percent(counts.succeeded, counts.requests),
        error_rate: percent(counts.requests - counts.succeeded, counts.requests),
        cache_hit_rate: percent(counts.cache_read, counts.prompt()),
        avg_response_time: average(counts.duration, counts.timed, 1e3),
        avg_time_to_first_token: average(counts.first_token, counts.first_tokens, 1e3),
        avg_tokens_per_second: average(counts.speed, counts.speeds, 1e3),
    }
}

fn tokens(counts: &Counts) -> TokenBreakdown {
    TokenBreakdown {
        input_tokens: counts.input,
        cache_read_input_tokens: counts.cache_read,
        cache_creation_input_tokens: counts.cache_write(),
        cache_creation5m_input_tokens: counts.cache_write_5m,
        cache_creation1h_input_tokens: counts.cache_write_1h,
        output_tokens: counts.output,
    }
}

/// What each class cost, model by model.
fn costs(answer: &Answer) -> CostBreakdown {
    let mut costs = CostBreakdown::default();
    for (model, Group { counts, .. }) in models(answer) {
        let tokens = Tokens {
            input: Some(counts.input),
            output: Some(counts.output),
            cache_read: Some(counts.cache_read),
            cache_write_5m: Some(counts.cache_write_5m),
            cache_write_1h: Some(counts.cache_write_1h),
        };
        // How long each prompt was is not in the sum; few are long enough to have other prices.
        match PriceTable::bundled().split(model, &tokens, 0, counts.cost) {
            Some([input, output, read, for_minutes, for_an_hour]) => {
                costs.input_nano_usd += input.0;
                costs.output_nano_usd += output.0;
                costs.cache_read_nano_usd += read.0;
                costs.cache_write5m_nano_usd += for_minutes.0;
                costs.cache_write1h_nano_usd += for_an_hour.0;
            }
            None => costs.other_nano_usd += counts.cost.0,
        }
    }
    costs
}

fn models(answer: &Answer) -> impl Iterator<Item = (&str, &Group)> {
    answer.models.iter().map(|(model, group)| (model_name(model.as_ref()), group))
}

fn model_name(model: Option<&Arc<str>>) -> &str {
    model.map_or(UNKNOWN, |model| model)
}

fn count(model: &str, group: &Group) -> ModelCount {
    ModelCount { model: model.to_owned(), count: group.counts.requests }
}

fn cost_by_model(answer: &Answer) -> Vec<ModelCost> {
    let mut costs: Vec<_> = models(answer).collect();
    costs.sort_by_key(|(_, group)| std::cmp::Reverse(group.counts.cost));
    let cost = |(model, group): (&str, &Group)| ModelCost {
        model: model.to_owned(),
        cost_usd: group.counts.cost.as_dollars(),
        requests: group.counts.requests,
        total_tokens: group.counts.tokens(),
        cache_savings_usd: group.counts.saved as f64 / 1e9,
    };
    costs.into_iter().take(MODELS).map(cost).collect()
}

fn performance(model: &str, Group { counts, durations, first_tokens, speeds }: &Group) -> ModelPerformance {
    ModelPerformance {
        model: model.to_owned(),
        requests: counts.requests,
        avg_response_time: average(counts.duration, counts.timed, 1e3),
        p50_response_time: thousandth(durations.quantile(0.50)),
        p95_response_time: thousandth(durations.quantile(0.95)),
        p99_response_time: thousandth(durations.quantile(0.99)),
        avg_time_to_first_token: average(counts.first_token, counts.first_tokens, 1e3),
        p95_time_to_first_token: thousandth(first_tokens.quantile(0.95)),
        error_rate: percent(counts.requests - counts.succeeded, counts.requests),
        avg_tokens_per_second: average(counts.speed, counts.speeds, 1e3),
        min_tokens_per_second: thousandth(speeds.quantile(0.0)),
        max_tokens_per_second: thousandth(speeds.quantile(1.0)),
    }
}

fn account(id: Option<AccountId>, found: &Group, called: &Called) -> GroupView {
    GroupView { id: id.map(|id| id.to_string()), ..group(account_name(id, called), found) }
}

fn account_name(id: Option<AccountId>, called: &Called) -> String {
    let name = |id: AccountId| called.accounts.get(&id).map_or_else(|| id.to_string(), ToString::to_string);
    id.map_or_else(|| NO_ACCOUNT.to_owned(), name)
}

fn key(id: Option<ClientKeyId>, found: &Group, called: &Called) -> GroupView {
    let name = |id: ClientKeyId| called.client_keys.get(&id).map_or_else(|| id.to_string(), ToString::to_string);
    let name = id.map_or_else(|| "no_key".to_owned(), name);
    GroupView { id: id.map(|id| id.to_string()), ..group(name, found) }
}

fn agent(name: Option<&str>, found: &Group) -> GroupView {
    group(name.unwrap_or("no_agent").to_owned(), found)
}

fn group(name: String, Group { counts, durations, .. }: &Group) -> GroupView {
    GroupView {
        name,
        id: None,
        requests: counts.requests,
        success_rate: percent(counts.succeeded, counts.requests),
        error_rate: percent(counts.requests - counts.succeeded, counts.requests),
        cost_usd: counts.cost.as_dollars(),
        cost_nano_usd: counts.cost.0,
        cache_savings_usd: counts.saved as f64 / 1e9,
        total_tokens: counts.tokens(),
        input_tokens: counts.input,
        output_tokens: counts.output,
        cache_read_input_tokens: counts.cache_read,
        cache_creation_input_tokens: counts.cache_write(),
        cache_hit_rate: percent(counts.cache_read, counts.prompt()),
        avg_response_time: average(counts.duration, counts.timed, 1e3),
        p50_response_time: thousandth(durations.quantile(0.50)),
        p95_response_time: thousandth(durations.quantile(0.95)),
        p99_response_time: thousandth(durations.quantile(0.99)),
        avg_time_to_first_token: average(counts.first_token, counts.first_tokens, 1e3),
        avg_tokens_per_second: average(counts.speed, counts.speeds, 1e3),
    }
}

fn day((day, counts): &(Minute, Counts)) -> DayCost {
    DayCost {
        date: day.start().to_string().chars().take(10).collect(),
        cost_usd: counts.cost.as_dollars(),
        requests: counts.requests,
        total_tokens: counts.tokens(),
    }
}

/// Accounts that served something.
fn active(answer: &Answer) -> u64 {
    answer.accounts.iter().filter(|(id, _)| id.is_some()).count() as u64
}

fn percent(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64 * 100.0)
}

fn average(sum: u64, of: u64, unit: f64) -> Option<f64> {
    (of > 0).then(|| sum as f64 / of as f64 / unit)
}

fn thousandth(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64 / 1e3)
}

fn whole(value: Option<f64>) -> u64 {
    value.map_or(0, |value| value.round() as u64)
}
