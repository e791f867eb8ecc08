//! Every fault on a raw socket.

use std::time::{Duration, Instant};

use ccflare_mock::{Disposition, ErrorAnswer, MockConfig, MockUpstream, Step, Usage};
use serde_json::json;

use crate::raw::{Answer, Ended, PLAIN, Raw, SOON, STREAM, ask, events};

async fn with(step: Step, body: &str) -> (Result<Answer, Ended>, MockUpstream) {
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.script("k", [step]);
    let answer = ask(&mock, "k", &[], body).await;
    (answer, mock)
}

fn end(mock: &MockUpstream) -> Disposition {
    mock.requests()[0].disposition.clone()
}

#[tokio::test]
async fn nothing_before_the_headers() {
    for (step, ended) in [(Step::ResetBeforeHeaders, Ended::Reset), (Step::CloseBeforeHeaders, Ended::Eof)] {
        let (answer, mock) = with(step, STREAM).await;
        assert_eq!(answer.unwrap_err(), ended);
        assert_eq!(end(&mock), Disposition::ResetBefore);
        assert_eq!(mock.requests()[0].body, STREAM, "the request was read first");
        assert!(mock.wait_for(|mock| mock.connections_open() == 0, SOON).await);
    }
}

#[tokio::test]
async fn cuts_within_a_stream() {
    for after_events in [0, 1, 5] {
        for (step, ended) in [
            (Step::ResetMidStream { after_events }, Ended::Reset),
            (Step::CloseMidStream { after_events }, Ended::Eof),
            (Step::CleanEofMidStream { after_events }, Ended::Whole),
        ] {
            let name = format!("{step:?}");
            let (answer, mock) = with(step, STREAM).await;
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.ended), (200, ended), "{name}");
            assert_eq!(events(&answer.text()).len(), after_events, "{name}");
            let usage = (after_events > 0).then(|| Usage::new(10, 1));
            let model = Some("claude-opus-5-5".to_owned());
            assert!(mock.settled(SOON).await);
            assert_eq!(end(&mock), Disposition::Cut { status: Some(200), usage, model }, "{name}");
            assert_eq!(mock.requests()[0].sent, answer.body(), "{name}");
        }
    }
}

#[tokio::test]
async fn cuts_within_json() {
    let (answer, _mock) = with(Step::ResetMidStream { after_events: 1 }, PLAIN).await;
    let answer = answer.unwrap();
    assert_eq!(answer.ended, Ended::Reset);
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert!(!answer.body().is_empty() && answer.body().len() < length);
    let (answer, mock) = with(Step::CleanEofMidStream { after_events: 0 }, PLAIN).await;
    let answer = answer.unwrap();
    assert_eq!((answer.ended, answer.body().len()), (Ended::Whole, 0));
    assert!(matches!(end(&mock), Disposition::Cut { usage: None, .. }));
}

#[tokio::test]
async fn a_stall_lasts_until_the_client_leaves() {
    let (answer, mock) = with(Step::StallMidStream { after_events: 4 }, STREAM).await;
    let answer = answer.unwrap();
    assert_eq!((answer.ended, events(&answer.text()).len()), (Ended::Silent, 4));
    assert!(mock.wait_for(|mock| end(mock).is_client_left(), SOON).await, "{:?}", end(&mock));
    assert_eq!(end(&mock).usage(), Some(Usage::new(10, 1)));
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_leaves() {
    let (answer, mock) = with(Step::Hang, STREAM).await;
    assert_eq!(answer.unwrap_err(), Ended::Silent);
    assert!(mock.wait_for(|mock| end(mock).is_client_left(), SOON).await);
    assert_eq!(end(&mock), Disposition::ClientLeft { status: None, usage: None, model: None });
}

#[tokio::test]
async fn slow_headers_come() {
    let start = Instant::now();
    let (answer, _mock) = with(Step::SlowHeaders(Duration::from_millis(120)), STREAM).await;
    assert_eq!(events(&answer.unwrap().text()).len(), 9);
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn an_error_event_ends_the_stream() {
    for after_events in [0, 3] {
        let step = Step::ErrorEvent { after_events, error_type: "overloaded_error".to_owned() };
        let (answer, mock) = with(step, STREAM).await;
        let answer = answer.unwrap();
        let events = events(&answer.text());
        assert_eq!((answer.ended, events.len()), (Ended::Whole, after_events + 1));
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        assert_eq!(events[after_events], ("error".to_owned(), error));
        assert_eq!(end(&mock).usage(), (after_events > 0).then(|| Usage::new(10, 1)));
    }
    let step = Step::ErrorEvent { after_events: 0, error_type: "overloaded_error".to_owned() };
    let (answer, _mock) = with(step, PLAIN).await;
    assert_eq!(answer.unwrap().status, 529, "a JSON answer has no events");
}

#[tokio::test]
async fn statuses() {
    for (step, status, kind) in [
        (Step::bare_429(), 429, "rate_limit_error"),
        (Step::unauthorized(), 401, "authentication_error"),
        (Step::billing(), 402, "billing_error"),
        (Step::bad_request(), 400, "invalid_request_error"),
        (Step::not_found(), 404, "not_found_error"),
        (Step::too_large(), 413, "request_too_large"),
        (Step::unprocessable(), 422, "invalid_request_error"),
        (Step::forbidden_model(), 403, "permission_error"),
        (Step::overloaded(), 529, "overloaded_error"),
        (Step::unavailable(), 503, "api_error"),
        (Step::server_error(), 500, "api_error"),
    ] {
        let (answer, mock) = with(step, STREAM).await;
        let answer = answer.unwrap();
        let json = answer.json();
        assert_eq!((answer.status, json["error"]["type"].as_str()), (status, Some(kind)));
        assert_eq!(json["request_id"].as_str(), answer.header("request-id"));
        assert_eq!(answer.header("retry-after"), None);
        assert_eq!(end(&mock), Disposition::Answered { status, usage: None, model: None });
    }
    for (step, code) in
        [(Step::spend_limit(), "enforced_spend_limit_reached"), (Step::on_hold(), "organization_on_hold")]
    {
        let answer = with(step, PLAIN).await.0.unwrap();
        assert_eq!((answer.status, &answer.json()["error"]["details"]["error_code"]), (400, &json!(code)));
    }
}

#[tokio::test]
async fn quotas_say_when_they_end() {
    let reset = jiff::Timestamp::now().as_second() as u64 + 100;
    let answer = with(Step::quota_unified("7d_oi", reset), STREAM).await.0.unwrap();
    let unified = |field: &str| answer.header(&format!("anthropic-ratelimit-unified-{field}")).unwrap().to_owned();
    assert_eq!((unified("status"), unified("reset")), ("rejected".to_owned(), reset.to_string()));
    assert_eq!(unified("representative-claim"), "seven_day_overage_included");
    assert_eq!((unified("7d_oi-status"), unified("5h-status")), ("rejected".to_owned(), "allowed".to_owned()));
    assert_eq!(unified("7d-status"), "allowed");
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((95..=100).contains(&after), "{after}");

    let answer = with(Step::quota_api_key("2030-01-01T00:00:00Z"), STREAM).await.0.unwrap();
    assert_eq!(answer.header("anthropic-ratelimit-requests-remaining"), Some("0"));
    assert_eq!(answer.header("anthropic-ratelimit-requests-reset"), Some("2030-01-01T00:00:00Z"));

    let answer = with(Step::throttle("7"), STREAM).await.0.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
    let at = std::time::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let answer = with(Step::throttle_until(at), STREAM).await.0.unwrap();
    assert_eq!(answer.header("retry-after"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
}

#[tokio::test]
async fn raw_bodies_and_headers_go_out_as_they_are() {
    let edge = ErrorAnswer::new(502, "", "").raw_body("<html>").header("content-type", "text/html");
    let answer = with(Step::from(edge).set_cookie("a=1").set_cookie("b=2"), STREAM).await.0.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (502, "<html>"));
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
    let empty = ErrorAnswer::new(500, "", "").raw_body("");
    let (answer, mock) = with(empty.into(), STREAM).await;
    assert!(answer.unwrap().body().is_empty());
    assert!(end(&mock).is_answered());
}

#[tokio::test]
async fn head_requests_have_an_end() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut raw = Raw::connect(mock.addr()).await;
    raw.send("HEAD", "/", &[], "").await;
    assert!(mock.wait_for(|mock| mock.totals().answered == 1, SOON).await);
}
