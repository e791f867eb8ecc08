//! Caches, prices and limits that follow from the requests.

use ccflare_mock::{Allowance, Economy, MockConfig, MockUpstream, Reply, Usage, VirtualTime};
use serde_json::{Value, json};

use crate::control::control;
use crate::raw::ask;

/// A system prompt of a good thousand tokens, to be cached for five minutes.
fn body(stream: bool) -> String {
    let system = json!([{"type": "text", "text": "x".repeat(4096), "cache_control": {"type": "ephemeral"}}]);
    json!({"model": "claude-opus-5-5", "stream": stream, "system": system, "messages": []}).to_string()
}

async fn start(allowance: Allowance) -> MockUpstream {
    let reply = Reply::with_usage(Usage::new(0, 100));
    let economy = Economy::new(VirtualTime::at(1_800_000_000)).allow("small", allowance);
    MockUpstream::start(MockConfig { economy: Some(economy), ..MockConfig::with_reply(reply) }).await
}

#[tokio::test]
async fn a_prompt_is_written_then_read_and_forgotten_after_five_minutes() {
    let mock = start(Allowance::default()).await;
    let mut usage = Vec::new();
    for (seconds, stream) in [(0, false), (299, true), (299, false), (300, false)] {
        let pass = format!("{{\"advance_seconds\":{seconds}}}");
        assert_eq!(control(&mock, "POST", "/_mock/time", &pass).await.status, 200);
        assert_eq!(ask(&mock, "k", &[], &body(stream)).await.unwrap().status, 200);
        let told = mock.requests().last().and_then(|request| request.disposition.usage()).unwrap();
        usage.push((told.cache_write_5m > 0, told.cache_read > 0, told.output));
    }
    assert_eq!(usage, [(true, false, 100), (false, true, 100), (false, true, 100), (true, false, 100)]);
    let spent = control(&mock, "GET", "/_mock/spent", "").await.json();
    // 1031 tokens, written twice and read twice, and 400 of output.
    let price = 1031 * (2 * 5_000 + 2 * 200) + 400 * 20_000;
    assert_eq!((&spent["k"]["messages"], &spent["k"]["nano_usd"]), (&json!(4), &json!(price)));
}

#[tokio::test]
async fn a_window_that_is_used_up_refuses_until_it_ends() {
    let mock = start(Allowance::subscription(7_000_000, u64::MAX)).await;
    let first = ask(&mock, "small", &[], &body(false)).await.unwrap();
    assert_eq!((first.status, first.header("anthropic-ratelimit-unified-status")), (200, Some("rejected")));
    assert!(!mock.is_open("small") && mock.is_open("other"));
    let refused = ask(&mock, "small", &[], &body(true)).await.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("18000")));
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    assert_eq!(ask(&mock, "other", &[], &body(false)).await.unwrap().status, 200);

    control(&mock, "POST", "/_mock/time", r#"{"advance_seconds":18000}"#).await;
    assert_eq!(ask(&mock, "small", &[], &body(false)).await.unwrap().status, 200);
    assert_eq!((mock.spent()["small"].messages, mock.spent()["small"].refused), (2, 1));
}

#[tokio::test]
async fn without_an_economy_there_is_no_time_to_pass() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    assert_eq!(control(&mock, "POST", "/_mock/time", r#"{"advance_seconds":1}"#).await.status, 400);
    assert_eq!(control(&mock, "GET", "/_mock/spent", "").await.json(), Value::Object(serde_json::Map::new()));
}
