//! The request header `x-mock`.

use ccflare_mock::{MockConfig, MockUpstream, Step, Usage};
use serde_json::json;

use crate::raw::{Ended, PLAIN, STREAM, ask, events, text_of};

#[tokio::test]
async fn a_request_shapes_its_reply() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let steer = r#"{"deltas":5,"delta_bytes":8,"framing":"one_write","input":1,"output":2,"cache_read":3,
        "cache_write_5m":4,"cache_write_1h":5,"model":"m","set_cookie":"c=1","headers":{"x-more":"y"},
        "tool":{"name":"T","input":{"a":1}}}"#
        .replace('\n', "");
    let answer = ask(&mock, "k", &[("x-mock", &steer)], STREAM).await.unwrap();
    assert_eq!((answer.chunks.len(), answer.header("set-cookie")), (1, Some("c=1")));
    assert_eq!(answer.header("x-more"), Some("y"));
    let events = events(&answer.text());
    assert_eq!(text_of(&events).len(), 40);
    assert_eq!(events[events.len() - 2].1["delta"]["stop_reason"], "tool_use");
    let usage = Usage { input: 1, output: 2, cache_read: 3, cache_write_5m: 4, cache_write_1h: 5 };
    assert_eq!(mock.requests()[0].disposition.usage(), Some(usage));
}

#[tokio::test]
async fn a_request_asks_for_its_fault() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.script("k", [Step::billing()]);
    let fault = [("x-mock", r#"{"fault":"reset_mid_stream","after_events":2}"#)];
    let answer = ask(&mock, "k", &fault, STREAM).await.unwrap();
    assert_eq!((answer.ended, events(&answer.text()).len()), (Ended::Reset, 2));
    assert_eq!(mock.pending_steps("k"), 1, "the script is not used up");
    let fault = [("x-mock", r#"{"fault":"status","status":418,"message":"m","retry_after":3,"error_code":"c"}"#)];
    let answer = ask(&mock, "k", &fault, PLAIN).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (418, Some("3")));
    let error = json!({"type": "invalid_request_error", "message": "m", "details": {"error_code": "c"}});
    assert_eq!(answer.json()["error"], error);
}

#[tokio::test]
async fn a_fault_may_be_for_one_key_only() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let fault = [("x-mock", r#"{"fault":"overloaded","only_keys":["a"]}"#)];
    assert_eq!(ask(&mock, "a", &fault, PLAIN).await.unwrap().status, 529);
    assert_eq!(ask(&mock, "b", &fault, PLAIN).await.unwrap().status, 200);
}

#[tokio::test]
async fn every_fault_has_a_name() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    for (fault, status) in [
        ("quota_unified", 429),
        ("quota_api_key", 429),
        ("throttle", 429),
        ("bare_429", 429),
        ("unauthorized", 401),
        ("billing", 402),
        ("spend_limit", 400),
        ("on_hold", 400),
        ("bad_request", 400),
        ("not_found", 404),
        ("too_large", 413),
        ("unprocessable", 422),
        ("forbidden_model", 403),
        ("overloaded", 529),
        ("unavailable", 503),
        ("server_error", 500),
        ("slow_headers", 200),
        ("error_event", 529),
    ] {
        let steer = format!(r#"{{"fault":"{fault}"}}"#);
        assert_eq!(ask(&mock, "k", &[("x-mock", &steer)], PLAIN).await.unwrap().status, status, "{fault}");
    }
}

#[tokio::test]
async fn a_mistake_is_told() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    for wrong in [r#"{"deltaz":1}"#, r#"{"fault":"none"}"#, "nonsense"] {
        let answer = ask(&mock, "k", &[("x-mock", wrong)], PLAIN).await.unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.json()["error"]["message"].as_str().unwrap().starts_with("x-mock: "));
    }
}
