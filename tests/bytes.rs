//! Bytes are sacred: what one side sends is what the other side gets.

use std::time::Duration;

use ccflare_core::gateway::GatewayOptions;
use ccflare_mock::{ErrorAnswer, Framing, MockConfig, Reply, Step};
use serde_json::json;

use crate::harness::{Stage, message};

async fn reply(reply: Reply) -> Stage {
    Stage::set(&["a"], MockConfig::with_reply(reply), GatewayOptions::default()).await
}

#[tokio::test]
async fn a_stream_passes_unchanged_however_it_is_framed() {
    for framing in
        [Framing::EventPerWrite, Framing::Burst, Framing::OneWrite, Framing::PerByte, Framing::Crlf, Framing::Comments]
    {
        for gzip in [false, true] {
            let stage = reply(Reply { deltas: 40, delta_bytes: 37, framing, gzip, ..Reply::default() }).await;
            let accept = if gzip { "gzip" } else { "identity" };
            let answer = stage.send(message("claude-opus-5-5", true), &[("accept-encoding", accept)]).await;
            assert_eq!(answer.header("content-encoding"), gzip.then_some("gzip"));
            assert_eq!(answer.bytes(), &stage.mock.requests()[0].sent, "{framing:?}, gzip {gzip}");

            let ledger = stage.finish().await;
            let (outcome, used) = (ledger[0].outcome.as_str(), (ledger[0].input_tokens, ledger[0].output_tokens));
            assert_eq!((outcome, used), ("answered", (Some(10), Some(20))), "{framing:?}, gzip {gzip}");
        }
    }
}

#[tokio::test]
async fn slow_deltas_are_passed_on_as_they_come() {
    let stage = reply(Reply { deltas: 3, pace: Duration::from_millis(200), ..Reply::default() }).await;
    let request = stage.client.post(stage.url("/v1/messages")).body(message("claude-opus-5-5", true).to_string());
    let mut answer = request.send().await.expect("headers");
    let mut chunks = 0;
    while answer.chunk().await.expect("unbroken").is_some() {
        chunks += 1;
    }
    assert!(chunks >= 3, "{chunks} chunks: the deltas were held back");
    stage.finish().await;
}

#[tokio::test]
async fn an_answer_in_one_piece_passes_unchanged() {
    for gzip in [false, true] {
        let stage = reply(Reply { deltas: 500, delta_bytes: 400, gzip, ..Reply::default() }).await;
        let answer = stage.send(message("claude-opus-5-5", false), &[("accept-encoding", "gzip")]).await;
        assert_eq!(answer.bytes(), &stage.mock.requests()[0].sent);
        let ledger = stage.finish().await;
        assert_eq!(ledger[0].output_tokens, Some(20));
        assert_eq!(ledger[0].response_bytes, answer.bytes().len() as u64);
    }
}

#[tokio::test]
async fn a_request_body_arrives_byte_for_byte_whatever_is_in_it() {
    let bodies: [Vec<u8>; 5] = [
        br#"{ "model" : "claude-opus-5-5",  "messages":[], "n": 1.0e2 , "big":12345678901234567890, "u":"\u00e9" }"#
            .to_vec(),
        b"not json at all".to_vec(),
        vec![0, 159, 146, 150, 255],
        Vec::new(),
        vec![b'x'; 1_000_000],
    ];
    for body in bodies {
        let stage = Stage::with(&["a"]).await;
        stage.client.post(stage.url("/v1/messages")).body(body.clone()).send().await.expect("an answer");
        assert_eq!(stage.mock.requests()[0].body, body);
        stage.finish().await;
    }
}

#[tokio::test]
async fn an_upstream_error_passes_verbatim_with_its_headers() {
    let stage = Stage::with(&["a"]).await;
    let body = "<html>odd\r\n\r\n bytes \u{1F980}</html>";
    let error = ErrorAnswer::new(418, "teapot", "").header("x-odd", "one").header("x-should-retry", "false");
    stage.mock.script("a", [error.raw_body(body).into()]);
    let answer = stage.ask().await;
    assert_eq!((answer.status, &answer.bytes()[..]), (418, body.as_bytes()));
    assert_eq!((answer.header("x-odd"), answer.header("x-should-retry")), (Some("one"), Some("false")));
    assert!(answer.header("request-id").is_some_and(|id| id.starts_with("req_")));
    stage.finish().await;
}

#[tokio::test]
async fn an_error_body_larger_than_what_is_read_to_judge_it_passes_whole() {
    let stage = Stage::with(&["a"]).await;
    let body = "x".repeat(3_000_000);
    stage.mock.script("a", [ErrorAnswer::new(400, "invalid_request_error", "").raw_body(body.clone()).into()]);
    assert_eq!(stage.ask().await.bytes().len(), body.len());
    stage.finish().await;
}

#[tokio::test]
async fn exactly_one_credential_goes_up_and_never_the_clients() {
    let stage = Stage::with(&["the-accounts"]).await;
    let headers = [
        ("x-api-key", "the-clients"),
        ("authorization", "Bearer the-clients"),
        ("cookie", "session=the-clients"),
        ("anthropic-workspace-id", "the-clients"),
        ("proxy-authorization", "Basic the-clients"),
        ("x-ccflare-account", "the-clients"),
        ("x-forwarded-for", "10.0.0.1"),
    ];
    stage.send(message("claude-opus-5-5", false), &headers).await;
    let received = &stage.mock.requests()[0];
    let all = format!("{:?}", received.headers);
    assert!(!all.contains("the-clients") && !all.contains("10.0.0.1"), "{all}");
    assert_eq!(received.header_values("x-api-key").collect::<Vec<_>>(), ["the-accounts"]);
    stage.finish().await;
}

#[tokio::test]
async fn headers_that_are_nobodys_business_pass_with_their_duplicates_in_order() {
    let stage = Stage::with(&["a"]).await;
    let headers = [
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "one,two"),
        ("anthropic-beta", "three"),
        ("x-unknown", "1"),
        ("anthropic-beta", "four"),
        ("user-agent", "claude-cli/2.1.330 (external, cli)"),
        ("connection", "x-hop"),
        ("x-hop", "dropped"),
    ];
    let mut request = stage.client.post(stage.url("/v1/messages?beta=true&x=%2F")).body("{}");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await.expect("an answer");
    let received = &stage.mock.requests()[0];
    assert_eq!(received.path_and_query, "/v1/messages?beta=true&x=%2F");
    assert_eq!(received.header_values("anthropic-beta").collect::<Vec<_>>(), ["one,two", "three", "four"]);
    let ours = ["anthropic-version", "anthropic-beta", "x-unknown", "user-agent"];
    let mut order: Vec<_> = received.headers.iter().map(|(name, _)| name.as_str()).collect();
    order.retain(|name| ours.contains(name));
    order.dedup();
    assert_eq!(order, ours);
    assert_eq!(received.header("x-hop"), None);
    stage.finish().await;
}

#[tokio::test]
async fn cookies_and_hop_by_hop_headers_do_not_come_back() {
    let stage = Stage::with(&["a"]).await;
    let answer = Reply::default().set_cookie("tracker=1").header("keep-alive", "timeout=5").header("x-kept", "yes");
    stage.mock.script("a", [Step::reply(answer)]);
    let answer = stage.ask().await;
    assert_eq!((answer.header("set-cookie"), answer.header("keep-alive")), (None, None));
    assert_eq!(answer.header("x-kept"), Some("yes"));
    stage.finish().await;
}

#[tokio::test]
async fn each_answer_names_its_record() {
    let stage = Stage::with(&["a"]).await;
    let answers = [stage.ask().await, stage.ask_stream().await];
    let ids: Vec<_> = answers.iter().map(|answer| answer.header("x-ccflare-request-id").expect("an id")).collect();
    let ledger = stage.finish().await;
    let recorded: Vec<_> = ledger.iter().map(|request| request.id.as_str()).collect();
    assert_eq!(ids, recorded);
}

#[tokio::test]
async fn only_what_is_on_the_list_goes_up() {
    let stage = Stage::with(&["a"]).await;
    for path in [
        "/v1/organizations/me",
        "/v1/oauth/token",
        "/v1/messages/../organizations",
        "/v1/messages%2f..%2forganizations",
        "/v1//organizations",
    ] {
        let answer = raw_get(&stage, path).await;
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
    }
    assert!(stage.mock.requests().is_empty());
    let models = stage.client.get(stage.url("/v1/models?limit=1000")).send().await.expect("an answer");
    assert_eq!(models.status(), 200);
    let counted = stage.client.post(stage.url("/v1/messages/count_tokens")).json(&json!({"messages": []}));
    assert_eq!(counted.send().await.expect("an answer").status(), 200);
    let ledger = stage.finish().await;
    assert!(ledger.iter().all(|request| request.total_tokens.is_none()), "nothing was billed");
}

/// reqwest would tidy the path up.
async fn raw_get(stage: &Stage, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    crate::harness::raw(stage.address, request.as_bytes()).await
}
