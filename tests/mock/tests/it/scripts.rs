//! Which request gets which step.

use std::time::Duration;

use ccflare_mock::{LimitAfter, MockConfig, MockUpstream, RateLimits, Reply, Step, UnifiedLimits};

use crate::raw::{PLAIN, ask};

async fn status(mock: &MockUpstream, key: &str) -> u16 {
    ask(mock, key, &[], PLAIN).await.unwrap().status
}

#[tokio::test]
async fn steps_are_used_in_order_and_by_key() {
    let mock = MockUpstream::start(MockConfig::with_keys(["a", "b"])).await;
    mock.script("a", [Step::overloaded(), Step::reply(Reply { model: Some("m".to_owned()), ..Reply::default() })]);
    mock.script("a", [Step::billing()]);
    mock.script("b", [Step::bare_429()]);
    assert_eq!(mock.pending_steps("a"), 3);
    assert_eq!(status(&mock, "a").await, 529);
    assert_eq!(status(&mock, "b").await, 429);
    assert_eq!(ask(&mock, "a", &[], PLAIN).await.unwrap().json()["model"], "m");
    assert_eq!(status(&mock, "a").await, 402);
    assert_eq!((status(&mock, "a").await, status(&mock, "b").await), (200, 200));
    let totals = mock.totals();
    assert_eq!((totals.status(200), totals.status(529), totals.key("a").status(402)), (3, 1, 1));
    assert_eq!(totals.usage, ccflare_mock::Usage::new(30, 60));
}

#[tokio::test]
async fn always_follows_the_script_until_cleared() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.always("a", Step::unavailable());
    mock.script("a", [Step::overloaded()]);
    assert_eq!([status(&mock, "a").await, status(&mock, "a").await, status(&mock, "a").await], [529, 503, 503]);
    mock.clear("a");
    assert_eq!(status(&mock, "a").await, 200);
}

#[tokio::test]
async fn a_quota_ends_and_begins_afresh() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.limit_after("a", LimitAfter { requests: 2, reset: Duration::from_secs(1) });
    assert_eq!([status(&mock, "a").await, status(&mock, "a").await, status(&mock, "a").await], [200, 200, 429]);
    assert_eq!(status(&mock, "b").await, 200);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!([status(&mock, "a").await, status(&mock, "a").await, status(&mock, "a").await], [200, 200, 429]);
}

#[tokio::test]
async fn limits_can_change() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.set_limits("a", RateLimits::Unified(UnifiedLimits::allowed((0.9, 1), (0.1, 2))));
    let answer = ask(&mock, "a", &[], PLAIN).await.unwrap();
    assert_eq!(answer.header("anthropic-ratelimit-unified-5h-utilization"), Some("0.9"));
}
