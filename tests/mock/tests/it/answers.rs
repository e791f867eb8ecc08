//! Good answers: order, usage, headers, the other endpoints.

use ccflare_mock::{
    ApiKeyLimits, DeltaUsage, KeyConfig, MockConfig, MockUpstream, RateLimits, Reply, ToolUse, UnifiedLimits, Usage,
};
use serde_json::json;

use crate::raw::{Ended, PLAIN, Raw, STREAM, ask, events, text_of};

fn usage() -> Usage {
    Usage { input: 11, output: 22, cache_read: 33, cache_write_5m: 44, cache_write_1h: 55 }
}

#[tokio::test]
async fn a_stream_has_all_events_in_order() {
    let reply = Reply { deltas: 2, ..Reply::with_usage(usage()) };
    let text = reply.text();
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let answer = ask(&mock, "k", &[], STREAM).await.unwrap();
    assert_eq!((answer.status, answer.ended), (200, Ended::Whole));
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert!(answer.header("request-id").unwrap().starts_with("req_"));
    let events = events(&answer.text());
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    let delta = "content_block_delta";
    let order = ["message_start", "content_block_start", "ping", delta, delta, "content_block_stop"];
    assert_eq!(names[..6], order);
    assert_eq!(names[6..], ["message_delta", "message_stop"]);
    assert!(events.iter().all(|(name, data)| data["type"] == name.as_str()));
    assert_eq!(text_of(&events), text);

    let message = &events[0].1["message"];
    assert_eq!(message["model"], "claude-opus-5-5");
    let start = json!({
        "input_tokens": 11, "output_tokens": 1, "cache_read_input_tokens": 33, "cache_creation_input_tokens": 99,
        "cache_creation": {"ephemeral_5m_input_tokens": 44, "ephemeral_1h_input_tokens": 55}, "service_tier": "standard",
    });
    assert_eq!(message["usage"], start);
    let end = json!({
        "input_tokens": 11, "output_tokens": 22, "cache_read_input_tokens": 33, "cache_creation_input_tokens": 99,
    });
    assert_eq!(events[6].1["usage"], end);
    assert_eq!(events[6].1["delta"]["stop_reason"], "end_turn");
}

#[tokio::test]
async fn a_json_answer_is_the_same_message() {
    let reply = Reply::with_usage(usage());
    let text = reply.text();
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let answer = ask(&mock, "k", &[], PLAIN).await.unwrap();
    assert!(answer.header("content-length").is_some());
    let message = answer.json();
    assert_eq!(message["content"], json!([{"type": "text", "text": text}]));
    assert_eq!(message["usage"]["cache_creation"]["ephemeral_1h_input_tokens"], 55);
    assert_eq!(message["usage"]["output_tokens"], 22);
    let again = ask(&mock, "k", &[], PLAIN).await.unwrap().json();
    assert_ne!(again["id"], message["id"], "every message has an id of its own");
}

#[tokio::test]
async fn message_delta_may_leave_out_the_input() {
    for (delta_usage, expected) in [
        (DeltaUsage::OutputOnly, json!({"output_tokens": 22, "iterations": []})),
        (
            DeltaUsage::NullInput,
            json!({"input_tokens": null, "cache_creation_input_tokens": null, "cache_read_input_tokens": null,
                   "output_tokens": 22, "iterations": []}),
        ),
    ] {
        let reply = Reply { delta_usage, usage_extra: r#""iterations":[]"#.to_owned(), ..Reply::with_usage(usage()) };
        let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
        let events = events(&ask(&mock, "k", &[], STREAM).await.unwrap().text());
        assert_eq!(events[events.len() - 2].1["usage"], expected);
    }
}

#[tokio::test]
async fn a_tool_call_follows_the_text() {
    let tool_use = Some(ToolUse { name: "Agent".to_owned(), input: r#"{"prompt":"grüße"}"#.to_owned() });
    let reply = Reply { tool_use, stop_reason: "tool_use".to_owned(), ..Reply::default() };
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let events = events(&ask(&mock, "k", &[], STREAM).await.unwrap().text());
    let input: String = events.iter().filter_map(|(_, data)| data["delta"]["partial_json"].as_str()).collect();
    assert_eq!(input, r#"{"prompt":"grüße"}"#);
    let message = ask(&mock, "k", &[], PLAIN).await.unwrap().json();
    assert_eq!(message["content"][1]["input"]["prompt"], "grüße");
}

#[tokio::test]
async fn headers_are_the_keys_own() {
    let reset = "2026-11-22T00:00:00Z";
    let api_key = RateLimits::ApiKey(ApiKeyLimits::all(50, 49, reset));
    let config = MockConfig::default()
        .key("api", KeyConfig { organization: "org-a".to_owned(), ..KeyConfig::limits(api_key) })
        .key("sub", KeyConfig::limits(RateLimits::Unified(UnifiedLimits::allowed((0.25, 100), (0.5, 200)))));
    let mock = MockUpstream::start(config).await;
    let api = ask(&mock, "api", &[], PLAIN).await.unwrap();
    assert_eq!(api.header("anthropic-organization-id"), Some("org-a"));
    assert_eq!(api.header("anthropic-ratelimit-input-tokens-remaining"), Some("49"));
    assert_eq!(api.header("anthropic-ratelimit-requests-reset"), Some(reset));
    let sub = ask(&mock, "sub", &[], PLAIN).await.unwrap();
    assert_eq!(sub.header("anthropic-ratelimit-unified-representative-claim"), Some("five_hour"));
    assert_eq!(sub.header("anthropic-ratelimit-unified-7d-utilization"), Some("0.5"));
    assert_eq!(sub.header("anthropic-ratelimit-unified-reset"), Some("100"));
    let unknown = ask(&mock, "other", &[], PLAIN).await.unwrap();
    assert_eq!((unknown.status, &unknown.json()["error"]["type"]), (401, &json!("authentication_error")));
}

#[tokio::test]
async fn other_endpoints_on_one_connection() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut raw = Raw::connect(mock.addr()).await;
    let bearer = [("authorization", "Bearer token")];
    raw.send("POST", "/v1/messages/count_tokens", &bearer, PLAIN).await;
    assert_eq!(raw.answer().await.unwrap().json(), json!({"input_tokens": 10}));
    raw.send("GET", "/v1/models?limit=5", &bearer, "").await;
    assert_eq!(raw.answer().await.unwrap().json()["first_id"], "claude-opus-5-5");
    raw.send("GET", "/v1/models/claude-haiku-5-5", &bearer, "").await;
    assert_eq!(raw.answer().await.unwrap().json()["id"], "claude-haiku-5-5");
    raw.send("GET", "/v1/models/none", &bearer, "").await;
    assert_eq!(raw.answer().await.unwrap().status, 404);
    raw.send("GET", "/v1/elsewhere/abc", &bearer, "").await;
    assert_eq!(raw.answer().await.unwrap().json()["path"], "/v1/elsewhere/abc");
    raw.send("GET", "/elsewhere", &bearer, "").await;
    let missing = raw.answer().await.unwrap();
    assert_eq!((missing.status, &missing.json()["error"]["type"]), (404, &json!("not_found_error")));
    raw.send("POST", "/v1/messages", &bearer, "{broken").await;
    assert_eq!(raw.answer().await.unwrap().status, 400);
    assert_eq!((mock.connections_accepted(), mock.connections_open()), (1, 1));
    assert_eq!(mock.totals().key("token").requests, 7);
}
