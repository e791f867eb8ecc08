//! What requests add up to.

pub(super) mod groups;
pub(super) mod series;
pub(super) mod sums;

use axum::extract::{Query, State};
use ccflare_core::control::views::{AnalyticsQuery, AnalyticsView};
use maud::{Markup, html};

use super::{
    Page, Problem, Shared,
    scope::{Choices, Scope, filters, ranges},
};
use crate::components::{
    card::{card, card_with},
    layout::Place,
    notice::empty,
    tabs::tabs,
};

const PATH: &str = "/analytics";

pub(super) async fn show(State(control): State<Shared>, Query(scope): Query<Scope>) -> Result<Page, Problem> {
    // Everything but the one chart is about all models together, and about each time by itself.
    let plain = AnalyticsQuery { mode: None, model_breakdown: false, ..scope.query() };
    let traffic = if plain == scope.query() { None } else { Some(control.analytics(scope.query()).await?) };
    let sums = control.analytics(plain).await?;
    let choices = Choices::of(&*control).await?;
    Ok(Page::new(Place::Analytics, "Analytics", view(&sums, traffic.as_ref().unwrap_or(&sums), &scope, &choices)))
}

fn view(sums: &AnalyticsView, traffic: &AnalyticsView, scope: &Scope, choices: &Choices) -> Markup {
    let kept =
        [("range", scope.range.as_str()), ("metric", &scope.metric), ("split", &scope.split), ("mode", &scope.mode)];
    html! {
        div.above { (ranges(PATH, scope)) (export(scope)) }
        (filters(PATH, scope, choices, &kept))
        div id="sums" data-live {
            @if sums.totals.requests == 0 {
                (empty("Nothing happened in this range", &html! { p { "Choose a longer one, or fewer filters." } }))
            } @else {
                (sums::figures(&sums.totals, &sums.previous))
                (card_with("Traffic", &switches(scope), &series::traffic(traffic, &scope.metric)))
                div.columns.even {
                    (card("Success", &series::success(sums)))
                    (card("Read from the cache", &series::cached(sums)))
                    (card("Tokens and cost by class", &sums::tokens(&sums.token_breakdown, &sums.cost_breakdown)))
                    (card("Cost by day", &series::days(&sums.cost_by_day)))
                }
                (card("Models", &groups::models(&sums.model_performance, &sums.cost_by_model)))
                (card("Accounts", &groups::groups("Account", &sums.account_performance)))
                (card("Agents", &groups::groups("Agent", &sums.agent_performance)))
                (card("Client keys", &groups::groups("Client key", &sums.client_key_performance)))
            }
        }
    }
}

/// What the chart shows, and how.
fn switches(scope: &Scope) -> Markup {
    let metric = |(name, text): (&str, &'static str)| {
        (scope.link(PATH, &[("metric", name)]), text, series::metric(&scope.metric).name == name)
    };
    let (split, sum) = (scope.split == "model", scope.mode == "cumulative");
    html! {
        div.above {
            (tabs("Metric", &series::METRICS.map(|metric| (metric.name, metric.title)).map(metric)))
            (tabs("How", &[
                (scope.link(PATH, &[("split", if split { "" } else { "model" })]), "By model", split),
                (scope.link(PATH, &[("mode", if sum { "" } else { "cumulative" })]), "Running sum", sum),
            ]))
        }
    }
}

fn export(scope: &Scope) -> Markup {
    let filter = scope.filter();
    let part = |value: Option<String>| value.unwrap_or_default();
    let parts = [
        part(filter.accounts),
        part(filter.models),
        part(filter.agents),
        part(filter.client_keys),
        part(filter.status),
    ];
    let names = ["accounts", "models", "agents", "clientKeys", "status"];
    let pairs: Vec<_> = names.into_iter().zip(parts.iter().map(String::as_str)).collect();
    let to = |format: &str| {
        crate::components::pager::link("/api/requests/export", &[&[("format", format)], &pairs[..]].concat())
    };
    html! { p.quiet { "Export requests: " a href=(to("csv")) download { "CSV" } ", " a href=(to("jsonl")) download { "JSON lines" } } }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Two hours of one model.
    pub(in crate::pages) fn sums() -> AnalyticsView {
        let point = |ts: i64, requests: u64| {
            serde_json::json!({
                "ts": ts, "requests": requests, "tokens": 100 * requests, "costUsd": 0.5, "successRate": 90.0,
                "errorRate": 10.0, "cacheHitRate": 75.0, "avgResponseTime": 1200.0,
            })
        };
        serde_json::from_value(serde_json::json!({
            "meta": { "range": "24h", "bucket": "1h", "bucketMs": 3_600_000, "cumulative": false, "modelBreakdown": false,
                "from": "2027-01-14T08:00:00Z", "to": "2027-01-15T08:00:00Z", "quantileError": 0.02 },
            "totals": { "requests": 30, "successRate": 90.0, "p50ResponseTime": 900.0, "p95ResponseTime": 2500.0,
                "costNanoUsd": 1_000_000_000_u64, "totalCostUsd": 1.0, "cacheHitRate": 75.0, "totalTokens": 3000 },
            "previous": { "requests": 20 },
            "timeSeries": [point(1_800_000_000_000, 10), point(1_800_003_600_000, 20)],
            "tokenBreakdown": { "inputTokens": 1, "cacheReadInputTokens": 2, "cacheCreationInputTokens": 3,
                "cacheCreation5mInputTokens": 3, "cacheCreation1hInputTokens": 0, "outputTokens": 4 },
            "costBreakdown": { "inputNanoUsd": 0, "cacheReadNanoUsd": 250_000_000, "cacheWrite5mNanoUsd": 0,
                "cacheWrite1hNanoUsd": 0, "outputNanoUsd": 750_000_000, "otherNanoUsd": 0 },
            "modelDistribution": [{ "model": "claude-opus-5-5", "count": 30 }],
            "accountPerformance": [{ "name": "work", "requests": 30, "successRate": 90.0, "costNanoUsd": 5 }],
            "agentPerformance": [], "clientKeyPerformance": [],
            "costByModel": [{ "model": "claude-opus-5-5", "costUsd": 1.0, "requests": 30, "totalTokens": 3000, "cacheSavingsUsd": 0.1 }],
            "modelPerformance": [{ "model": "claude-opus-5-5", "requests": 30, "p95ResponseTime": 2500.0 }],
            "costByDay": [{ "date": "2027-01-15", "costUsd": 1.0, "requests": 30, "totalTokens": 3000 }],
        }))
        .expect("a view")
    }

    #[test]
    fn figures_stand_against_the_time_before() {
        let text = view(&sums(), &sums(), &Scope::default(), &Choices::default()).into_string();
        assert!(text.contains("+50\u{a0}%") && text.contains("$1.00") && text.contains("claude-opus-5-5"), "{text}");
        assert!(text.contains("<title>15 Jan 09:00: 20</title>"), "{text}");
    }

    #[test]
    fn each_class_has_its_part_of_the_cost() {
        let text = sums::tokens(&sums().token_breakdown, &sums().cost_breakdown).into_string();
        assert!(text.contains(">$0.75<") && text.contains(">75.0 %<") || text.contains(">75 %<"), "{text}");
    }

    #[test]
    fn an_export_has_the_filters_of_the_page() {
        let scope = Scope { account: "work".into(), ..Scope::default() };
        let text = export(&scope).into_string();
        assert!(text.contains("/api/requests/export?format=csv&amp;accounts=work"), "{text}");
    }

    #[test]
    fn an_empty_range_says_so() {
        let mut none = sums();
        none.totals.requests = 0;
        let text = view(&none, &none, &Scope::default(), &Choices::default()).into_string();
        assert!(text.contains("Nothing happened in this range") && !text.contains("class=\"chart\""), "{text}");
    }
}
