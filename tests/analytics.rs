//! What requests add up to, asked as an operator would: from within, from afar, and as files.

use std::time::Duration;

use ccflare_core::control::{
    Control, ControlError,
    views::{AnalyticsQuery, MaintenanceTask, MaintenanceView, RequestFilter, RequestPageQuery, SessionPageQuery},
};
use serde_json::{Value, json};

use crate::{
    control::remote,
    harness::{SOON, Stage, TOKEN, message},
};

/// A morning's work: two models, one that fails, and an hour between the last ones.
async fn a_morning(stage: &Stage) {
    let usage = |input: u64, output: u64| json!({ "input": input, "output": output, "cache_read": 1000 }).to_string();
    for number in 0..4 {
        let model = if number < 3 { "claude-opus-5-5" } else { "claude-haiku-5-5" };
        let steering = usage(100, 10 * (number + 1));
        let answer = stage.send(message(model, false), &[("x-mock", &steering)]).await;
        assert_eq!(answer.status, 200);
    }
    let broken = json!({ "fault": "bad_request" }).to_string();
    assert_eq!(stage.send(message("claude-opus-5-5", false), &[("x-mock", &broken)]).await.status, 400);
    stage.clock.advance(Duration::from_secs(3600));
    stage.ask_stream().await;
}

async fn what_it_adds_up_to(control: &dyn Control) {
    let query = || AnalyticsQuery { range: Some("24h".into()), ..AnalyticsQuery::default() };
    let all = control.analytics(query()).await.expect("an answer");
    assert_eq!((all.meta.range.as_str(), all.meta.bucket.as_str(), all.time_series.len()), ("24h", "1h", 24));
    assert_eq!((all.totals.requests, all.totals.active_accounts), (6, 1));
    assert!((all.totals.success_rate.expect("known") - 500.0 / 6.0).abs() < 1e-9);
    let counts: Vec<_> = all.time_series.iter().rev().take(3).map(|point| point.requests).collect();
    assert_eq!(counts, [1, 5, 0]);
    assert_eq!(all.time_series[0].success_rate, None, "of nothing there is no rate");
    assert_eq!(all.model_distribution[0].model, "claude-opus-5-5");
    assert_eq!(all.account_performance[0].name, "a");
    assert_eq!(all.previous.requests, 0);
    let cost: f64 = all.time_series.iter().map(|point| point.cost_usd).sum();
    assert!((cost - all.totals.total_cost_usd).abs() < 1e-12 && cost > 0.0);
    assert!(all.totals.cache_savings_usd > 0.0);
    let requests = control.requests(RequestPageQuery::newest(100)).await.expect("a page").requests;
    let exact: u64 = requests.iter().filter_map(|request| request.cost_nano_usd).sum();
    assert_eq!(all.totals.cost_nano_usd, exact);

    let filter = |models: &str, status: &str| RequestFilter {
        models: Some(models.into()),
        status: Some(status.into()),
        ..RequestFilter::default()
    };
    let some = AnalyticsQuery { filter: filter("claude-haiku-5-5", "success"), ..query() };
    assert_eq!(control.analytics(some).await.expect("an answer").totals.requests, 1);
    let none = RequestFilter { accounts: Some("nobody".into()), ..RequestFilter::default() };
    assert_eq!(control.analytics(AnalyticsQuery { filter: none, ..query() }).await.expect("one").totals.requests, 0);
    let sums = AnalyticsQuery { mode: Some("cumulative".into()), model_breakdown: true, ..query() };
    let sums = control.analytics(sums).await.expect("an answer");
    assert_eq!(sums.time_series.len(), 48, "two models");
    assert_eq!(sums.time_series.iter().rev().take(2).map(|point| point.requests).sum::<u64>(), 6);
    let odd = AnalyticsQuery { range: Some("2h".into()), ..AnalyticsQuery::default() };
    assert!(matches!(control.analytics(odd).await, Err(ControlError::Invalid(_))));

    let stats = control.stats().await.expect("statistics");
    assert_eq!((stats.total_requests, stats.success_rate, stats.active_accounts), (6, 83, 1));
    assert_eq!((stats.top_models[0].count, stats.accounts[0].request_count), (5, 6));
    assert_eq!(stats.recent_errors.len(), 1);

    let page = RequestPageQuery { filter: filter("claude-opus-5-5", "success"), ..RequestPageQuery::newest(2) };
    let first = control.requests(page.clone()).await.expect("a page");
    let rest = RequestPageQuery { before: first.next.clone(), ..page };
    let rest = control.requests(rest).await.expect("a page");
    assert_eq!((first.requests.len(), rest.requests.len(), rest.next), (2, 2, None));
    let refused = RequestPageQuery { status_code: Some(400), ..RequestPageQuery::newest(5) };
    assert_eq!(control.requests(refused).await.expect("a page").requests.len(), 1);
}

#[tokio::test]
async fn sums_are_the_same_from_within_and_from_afar() {
    let stage = Stage::with(&["a"]).await;
    a_morning(&stage).await;
    what_it_adds_up_to(&*stage.control).await;
    what_it_adds_up_to(&*remote(&stage)).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_conversation_is_shown_with_its_agents_and_their_cost() {
    let stage = Stage::with(&["a"]).await;
    let session = [("x-claude-code-session-id", "c0ffee00-0000-4000-8000-000000000001")];
    for _ in 0..2 {
        stage.send(message("claude-opus-5-5", false), &session).await;
    }
    stage.clock.advance(Duration::from_secs(5));
    let subagent = [session[0], ("x-claude-code-agent-id", "aab5d8c27af35d27e")];
    stage.send(message("claude-haiku-5-5", false), &subagent).await;
    for control in [stage.control.clone(), remote(&stage)] {
        let page = control.sessions(SessionPageQuery::default()).await.expect("a page");
        let view = page.sessions.first().expect("a conversation");
        assert_eq!((view.requests, page.next), (3, None));
        let detail = control.session(&view.id).await.expect("one");
        assert_eq!(
            (detail.requests.len(), detail.accounts.as_slice(), detail.truncated),
            (3, &["a".to_owned()][..], false)
        );
        let [lead] = detail.agents.as_slice() else { panic!("one leads: {:?}", detail.agents) };
        assert_eq!((lead.requests, lead.subagents.len(), lead.subagents[0].requests), (2, 1, 1));
        let whole = lead.cost_usd + lead.subagents[0].cost_usd;
        assert!((lead.cost_with_subagents_usd - whole).abs() < 1e-12 && (whole - view.cost_usd).abs() < 1e-12);
        let wanted = RequestPageQuery { session: Some(view.id.clone()), ..RequestPageQuery::newest(9) };
        assert_eq!(control.requests(wanted).await.expect("a page").requests.len(), 3);
    }
    assert!(matches!(stage.control.session("nobody").await, Err(ControlError::NotFound(_))));
    stage.finish().await;
}

async fn get(stage: &Stage, path: &str) -> reqwest::Response {
    stage.client.get(stage.url(path)).bearer_auth(TOKEN).send().await.expect("an answer")
}

#[tokio::test]
async fn the_originals_routes_keep_their_fields() {
    let stage = Stage::with(&["a"]).await;
    a_morning(&stage).await;
    let analytics: Value =
        get(&stage, "/api/analytics?range=24h&modelBreakdown=true").await.json().await.expect("JSON");
    for (part, fields) in [
        ("meta", "range bucket cumulative"),
        ("totals", "requests successRate activeAccounts avgResponseTime totalTokens totalCostUsd avgTokensPerSecond"),
        ("tokenBreakdown", "inputTokens cacheReadInputTokens cacheCreationInputTokens outputTokens"),
    ] {
        for field in fields.split(' ') {
            assert!(analytics[part].get(field).is_some(), "{part}.{field}");
        }
    }
    for (list, fields) in [
        (
            "timeSeries",
            "ts model requests tokens costUsd successRate errorRate cacheHitRate avgResponseTime avgTokensPerSecond",
        ),
        ("modelDistribution", "model count"),
        ("accountPerformance", "name requests successRate"),
        ("costByModel", "model costUsd requests totalTokens"),
        (
            "modelPerformance",
            "model avgResponseTime p95ResponseTime errorRate avgTokensPerSecond minTokensPerSecond maxTokensPerSecond",
        ),
    ] {
        for field in fields.split(' ') {
            assert!(analytics[list][0].get(field).is_some(), "{list}[0].{field}");
        }
    }
    let stats: Value = get(&stage, "/api/stats").await.json().await.expect("JSON");
    for field in "totalRequests successRate activeAccounts avgResponseTime totalTokens totalCostUsd topModels \
                  avgTokensPerSecond accounts recentErrors"
        .split_whitespace()
    {
        assert!(stats.get(field).is_some(), "{field}");
    }
    let detail: Value = get(&stage, "/api/requests/detail?limit=2").await.json().await.expect("JSON");
    assert_eq!(detail.as_array().map(Vec::len), Some(2));
    assert_eq!(detail[0]["meta"]["accountName"], "a");
    for wrong in ["/api/analytics?rnage=1h", "/api/requests?limit=0", "/api/requests?status=odd", "/api/sessions?x=1"] {
        assert_eq!(get(&stage, wrong).await.status(), 400, "{wrong}");
    }
    let reset = stage.client.post(stage.url("/api/stats/reset")).bearer_auth(TOKEN).json(&json!({})).send().await;
    let reset: Value = reset.expect("an answer").json().await.expect("JSON");
    assert_eq!((&reset["success"], &reset["removedRequests"]), (&json!(true), &json!(6)));
    let stats: Value = get(&stage, "/api/stats").await.json().await.expect("JSON");
    assert_eq!(stats["totalRequests"], 0);
    assert!(stage.finish().await.is_empty());
}

#[tokio::test]
async fn an_export_has_every_request_once_and_no_formula() {
    let stage = Stage::with(&["a"]).await;
    for _ in 0..3 {
        stage.ask().await;
    }
    stage.send(message("=HYPERLINK(\"http://x\",\"y\")", false), &[]).await;
    let lines = get(&stage, "/api/requests/export?format=jsonl").await;
    assert_eq!(lines.headers()["content-type"], "application/jsonl");
    let lines = lines.text().await.expect("text");
    let ids: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone()).collect();
    let page = stage.control.requests(RequestPageQuery::newest(10)).await.expect("a page");
    assert_eq!(ids, page.requests.iter().map(|request| json!(request.id)).collect::<Vec<_>>());
    let table = get(&stage, "/api/requests/export?limit=2").await;
    assert!(table.headers()["content-disposition"].to_str().expect("text").contains("ccflare-requests.csv"));
    let table = table.text().await.expect("text");
    assert_eq!(table.lines().count(), 3, "a head and two requests");
    assert!(table.starts_with("id,timestamp,method,path,account,model,"), "{table}");
    assert!(table.contains(",\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\","), "{table}");
    let some = get(&stage, "/api/requests/export?models=claude-opus-5-5").await.text().await.expect("text");
    assert_eq!(some.lines().count(), 4);
    assert_eq!(get(&stage, "/api/requests/export?format=xlsx").await.status(), 400);
    stage.finish().await;
}

async fn ended(control: &dyn Control) -> MaintenanceView {
    tokio::time::timeout(SOON, async {
        loop {
            match control.maintenance().await.expect("a state") {
                Some(task) if task.state != "running" => return task,
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await
    .expect("it ends")
}

#[tokio::test]
async fn the_store_is_cared_for_while_requests_go_on() {
    let stage = Stage::with(&["a"]).await;
    for _ in 0..3 {
        stage.ask().await;
    }
    for control in [stage.control.clone(), remote(&stage)] {
        assert_eq!(control.sizes().await.expect("sizes").requests, 3);
        control.begin_maintenance(MaintenanceTask::Check).await.expect("begun");
        let checked = ended(&*control).await.result.expect("done");
        assert_eq!((checked.checked_rows, checked.problems), (Some(3), Some(vec![])));
        control.begin_maintenance(MaintenanceTask::Cleanup).await.expect("begun");
        assert_eq!(ended(&*control).await.result.expect("done").removed_requests, Some(0));
        // The stage's database is in memory.
        control.begin_maintenance(MaintenanceTask::Backup { name: None }).await.expect("begun");
        let failed = ended(&*control).await;
        assert_eq!(failed.state, "failed");
        assert!(failed.error.expect("why").contains("in memory"));
    }
    stage.clock.advance(Duration::from_secs(366 * 24 * 60 * 60));
    let cleanup = stage.client.post(stage.url("/api/maintenance/cleanup")).bearer_auth(TOKEN).json(&json!({}));
    let done: Value = cleanup.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&done["removedRequests"], &done["removedPayloads"]), (&json!(3), &json!(0)), "{done}");
    assert!(done["cutoffIso"].is_string());
    assert!(stage.finish().await.is_empty());
}
