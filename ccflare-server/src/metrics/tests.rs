//! The list of metrics that people read.

use std::collections::BTreeSet;

use ccflare_core::{
    control::views::NewAccount,
    domain::{ClosureReason, Leaving, Mark, Scope, Secret, Timestamp},
    gateway::Gateway,
    record::EventKind,
    store::RedbStore,
};
use serde_json::json;
use tower::ServiceExt;

use super::*;

/// The names in the documentation: `ccflare_…`, in the part about metrics.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../docs/observability.md");
    let part = page.split("\n## ").find(|part| part.starts_with("Metrics\n")).expect("a part about metrics");
    let names = part.split('`').filter(|text| text.starts_with("ccflare_"));
    names.map(|name| name.split('{').next().unwrap_or_default().to_owned()).collect()
}

fn shown(metrics: &Metrics) -> String {
    let shown = metrics.shown.lock().expect("whole");
    let mut text = String::new();
    encode(&mut text, &shown.registry).expect("written");
    text::as_prometheus(&text)
}

/// Lets everything happen that puts samples into families, which show themselves with their first one.
async fn busy() -> Metrics {
    let metrics = Metrics::new();
    let store = Arc::new(RedbStore::in_memory());
    let gateway = Gateway::builder(store).observer(metrics.observer()).build().await.expect("an empty store opens");
    let control = gateway.control();
    // Nobody listens there.
    let account = NewAccount::with_key("a", Secret::new("k")).at("http://127.0.0.1:9");
    control.add_account(account).await.expect("an account");
    let request = http::Request::post("/v1/messages").body(bytes::Bytes::from_static(b"{}")).expect("a request");
    let _refused = gateway.proxy().oneshot(request).await;
    let mut account = control.accounts().await.expect("accounts").remove(0);
    let window = json!({ "name": "5h", "status": null, "utilization": 0.5, "resetsAt": "2030-01-01T00:00:00Z" });
    account.windows = vec![serde_json::from_value(window).expect("a window")];
    let mark = Mark {
        reason: ClosureReason::Quota,
        scope: Scope::Account,
        since: Timestamp::default(),
        until: None,
        evidence: "".into(),
    };
    let id = account.id.parse().expect("an id");
    let events = gateway.events();
    events.emit(EventKind::Limit { id, name: "a".into(), mark });
    events.emit(EventKind::TurnedAway { reason: "busy", status: 503 });
    events.emit(EventKind::Moved {
        conversation: "c".into(),
        from: None,
        to: "a".into(),
        reason: Leaving::Idle,
        cache_lost: 0,
        price: None,
    });
    metrics.tally.stored("append", std::time::Duration::ZERO, true);
    let status = control.status().await.expect("a status");
    {
        let shown = metrics.shown.lock().expect("whole");
        shown.standing.set(&[account], &status);
        shown.standing.room(&gateway.vitals());
    }
    gateway.shutdown(std::time::Duration::from_secs(5)).await;
    metrics
}

#[tokio::test]
async fn every_metric_is_in_the_documentation_and_nothing_else() {
    let text = shown(&busy().await);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let there: BTreeSet<_> = types.map(str::to_owned).collect();
    let documented = documented();
    let missing: Vec<_> = there.difference(&documented).collect();
    assert!(missing.is_empty(), "say what these are in docs/observability.md: {missing:?}");
    let gone: Vec<_> = documented.difference(&there).collect();
    assert!(gone.is_empty(), "these are no metrics any more: {gone:?}");
}

#[test]
fn what_the_alerts_and_the_dashboard_ask_for_is_there() {
    let documented = documented();
    for file in [
        include_str!("../../../docs/observability/alerts.yml"),
        include_str!("../../../docs/observability/grafana.json"),
    ] {
        for rest in file.split("ccflare_").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
            let name = format!("ccflare_{}", &rest[..end]);
            let base = name.strip_suffix("_bucket").unwrap_or(&name);
            assert!(documented.contains(base), "{name}");
        }
    }
}
