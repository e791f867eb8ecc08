//! What happens when an account cannot answer.

use std::time::Duration;

use ccflare_mock::{ErrorAnswer, Step};
use serde_json::json;

use crate::harness::{SOON, START, Stage, after, message};

#[tokio::test]
async fn a_used_up_window_moves_the_request_and_closes_the_account_until_the_latest_rejected_reset() {
    let stage = Stage::with(&["a", "b"]).await;
    let limited = ErrorAnswer::new(429, "rate_limit_error", "limited")
        .header("anthropic-ratelimit-unified-status", "rejected")
        .header("anthropic-ratelimit-unified-reset", after(60).to_string())
        .header("anthropic-ratelimit-unified-5h-status", "rejected")
        .header("anthropic-ratelimit-unified-5h-reset", after(3600).to_string())
        .header("anthropic-ratelimit-unified-7d-status", "rejected")
        .header("anthropic-ratelimit-unified-7d-reset", after(400_000).to_string())
        .header("retry-after", "60");
    stage.mock.script("a", [limited.into()]);

    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["a", "b"]);
    let a = stage.account("a").await;
    assert_eq!(a.state, "rate_limited");
    assert_eq!(a.closures[0].until.as_deref(), Some(&*(START + Duration::from_secs(400_000)).to_string()));

    let ledger = stage.finish().await;
    assert_eq!((ledger[0].failover_attempts, ledger[0].account_used.as_deref()), (1, Some("b")));
    let verdicts: Vec<_> = ledger[0].attempts.iter().map(|attempt| attempt.verdict.as_str()).collect();
    assert_eq!(verdicts, ["quota", "success"]);
}

/// Each way in which an upstream may say when: the account is closed until exactly then.
#[tokio::test]
async fn every_way_of_stating_a_reset_is_understood() {
    let date = httpdate::fmt_http_date((START + Duration::from_secs(7200)).into());
    let rfc3339 = (START + Duration::from_secs(7200)).to_string();
    let bare = || ErrorAnswer::new(429, "rate_limit_error", "limited");
    let cases = [
        ("retry-after in seconds", bare().header("retry-after", "7200")),
        ("retry-after as an HTTP date", bare().header("retry-after", date)),
        (
            "RFC 3339",
            bare()
                .header("anthropic-ratelimit-requests-limit", "50")
                .header("anthropic-ratelimit-requests-remaining", "0")
                .header("anthropic-ratelimit-requests-reset", rfc3339),
        ),
        (
            "seconds since the epoch",
            bare()
                .header("anthropic-ratelimit-unified-5h-status", "rejected")
                .header("anthropic-ratelimit-unified-5h-reset", after(7200).to_string()),
        ),
    ];
    for (name, answer) in cases {
        let stage = Stage::with(&["a", "b"]).await;
        stage.mock.script("a", [answer.into()]);
        assert_eq!(stage.ask().await.status, 200, "{name}");
        let until = stage.account("a").await.closures[0].until.clone().expect("a stated end");
        let until = ccflare_core::domain::Timestamp::parse_rfc3339(&until).expect("RFC 3339");
        let seconds = until.since(START).as_secs();
        assert!((7199..=7201).contains(&seconds), "{name}: {seconds} s");
        stage.finish().await;
    }
}

#[tokio::test]
async fn the_session_stays_on_the_new_account_although_the_old_one_opens_and_comes_back_when_needed() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::quota_unified("5h", after(60))]);
    stage.ask().await;
    stage.clock.advance(Duration::from_secs(120));
    stage.ask().await;
    assert!(stage.account("b").await.active);
    stage.mock.script("b", [Step::quota_unified("5h", after(10_000))]);
    stage.ask().await;
    stage.ask().await;
    assert_eq!(stage.asked(), ["a", "b", "b", "b", "a", "a"]);
    assert!(stage.account("a").await.active);
    stage.finish().await;
}

#[tokio::test]
async fn when_the_sticky_window_ends_priority_decides() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::quota_unified("5h", after(60))]);
    stage.ask().await;
    stage.clock.advance(Duration::from_secs(5 * 3600 + 1));
    stage.ask().await;
    assert_eq!(stage.asked(), ["a", "b", "a"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_short_throttle_is_waited_out_in_place() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::throttle("1")]);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["a", "a"]);
    let ledger = stage.finish().await;
    assert_eq!((ledger[0].failover_attempts, ledger[0].attempts[1].choice.as_str()), (0, "retry"));
}

#[tokio::test]
async fn a_longer_throttle_moves_the_request_and_the_account_opens_when_it_said() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::throttle("30")]);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["a", "b"]);
    assert_eq!(stage.account("a").await.state, "rate_limited");
    stage.clock.advance(Duration::from_secs(31));
    assert_eq!(stage.account("a").await.state, "active");
    stage.finish().await;
}

#[tokio::test]
async fn an_unexplained_limit_tries_one_other_account_and_benches_nobody() {
    let stage = Stage::with(&["a", "b", "c"]).await;
    for key in ["a", "b", "c"] {
        stage.mock.script(key, [Step::bare_429()]);
    }
    let answer = stage.ask().await;
    assert_eq!(answer.status, 429);
    assert_eq!(stage.asked(), ["a", "b"]);
    assert_eq!(answer.bytes(), &stage.mock.requests()[1].sent, "the upstream's own words");
    for name in ["a", "b", "c"] {
        assert_eq!(stage.account(name).await.state, "active");
    }
    stage.finish().await;
}

#[tokio::test]
async fn overload_is_the_providers_one_retry_one_other_account_then_it_passes() {
    for step in [Step::overloaded(), Step::unavailable()] {
        let stage = Stage::with_options(&["a", "b", "c"], |options| {
            options.throttle_wait = Duration::from_millis(20);
        })
        .await;
        for key in ["a", "b", "c"] {
            stage.mock.always(key, step.clone());
        }
        let answer = stage.ask().await;
        assert!(matches!(answer.status, 529 | 503), "{}", answer.status);
        assert_eq!(stage.asked(), ["a", "a", "b"]);
        assert_eq!(answer.bytes(), &stage.mock.requests()[2].sent);
        assert_eq!(stage.account("a").await.state, "active");
        let ledger = stage.finish().await;
        assert_eq!((ledger[0].outcome.as_str(), ledger[0].success), ("answered", false));
    }
}

#[tokio::test]
async fn a_stream_that_begins_with_an_overload_is_tried_again() {
    let stage = Stage::with_options(&["a"], |options| options.throttle_wait = Duration::from_millis(20)).await;
    let failed = || Step::ErrorEvent { after_events: 0, error_type: "overloaded_error".to_owned() };
    stage.mock.script("a", [failed()]);
    let answer = stage.ask_stream().await;
    assert_eq!(stage.asked(), ["a", "a"]);
    assert!(answer.bytes().starts_with(b"event: message_start"));
    stage.finish().await;
}

#[tokio::test]
async fn a_stream_that_begins_with_an_overload_is_tried_again_though_it_is_compressed() {
    let stage = Stage::with_options(&["a"], |options| options.throttle_wait = Duration::from_millis(20)).await;
    let fault = r#"{"fault":"error_event","after_events":0,"gzip":true}"#;
    let headers = [("accept-encoding", "gzip"), ("x-mock", fault)];
    let answer = stage.send(message("claude-opus-5-5", true), &headers).await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(stage.asked(), ["a", "a"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_refused_key_moves_the_request_and_waits_for_the_operator() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.always("a", Step::unauthorized());
    assert_eq!(stage.ask().await.status, 200);
    stage.clock.advance(Duration::from_secs(1_000_000));
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["a", "b", "b"]);
    let a = stage.account("a").await;
    assert_eq!((a.state.as_str(), a.token_status.as_str()), ("needs_login", "expired"));
    stage.finish().await;
}

#[tokio::test]
async fn billing_spend_limits_and_holds_move_the_request() {
    for step in [Step::billing(), Step::spend_limit(), Step::on_hold()] {
        let stage = Stage::with(&["a", "b"]).await;
        stage.mock.script("a", [step]);
        assert_eq!(stage.ask().await.status, 200);
        assert_eq!(stage.asked(), ["a", "b"]);
        assert_eq!(stage.account("a").await.state, "on_hold");
        stage.finish().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_request_goes_straight_through() {
    for (step, status) in [
        (Step::bad_request(), 400),
        (Step::status(404, "not_found_error", "Not Found"), 404),
        (Step::too_large(), 413),
        (Step::unprocessable(), 422),
    ] {
        let stage = Stage::with(&["a", "b"]).await;
        stage.mock.script("a", [step]);
        let answer = stage.ask().await;
        assert_eq!(answer.status, status);
        assert_eq!(stage.asked(), ["a"]);
        assert_eq!(answer.bytes(), &stage.mock.requests()[0].sent, "byte for byte");
        assert_eq!(stage.account("a").await.state, "active");
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_model_that_an_account_may_not_use_is_remembered_for_that_model_only() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::forbidden_model()]);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.account("a").await.state, "active");
    assert_eq!(stage.account("a").await.closures[0].scope, "model:claude-opus-5-5");
    stage.finish().await;
}

#[tokio::test]
async fn a_model_that_nobody_may_use_is_refused_in_the_upstreams_own_words_every_time() {
    let stage = Stage::with(&["a"]).await;
    stage.mock.always("a", Step::forbidden_model());
    for request in 0..2 {
        let answer = stage.ask().await;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.bytes(), &stage.mock.requests()[request].sent);
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_first_byte_is_tried_again() {
    for step in [Step::ResetBeforeHeaders, Step::CloseBeforeHeaders] {
        let stage = Stage::with(&["a", "b"]).await;
        stage.mock.script("a", [step.clone(), step]);
        assert_eq!(stage.ask().await.status, 200);
        assert_eq!(stage.asked(), ["a", "a", "b"]);
        stage.finish().await;
    }
}

#[tokio::test]
async fn what_leaves_a_trace_upstream_is_not_sent_twice() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.mock.script("a", [Step::ResetBeforeHeaders]);
    let answer = stage.client.post(stage.url("/v1/messages/batches")).body("{}").send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    assert_eq!(stage.asked(), ["a"]);
    drop(answer);
    stage.finish().await;
}

#[tokio::test]
async fn when_nobody_can_be_reached_the_answer_is_a_503_in_the_apis_shape() {
    let stage = Stage::with(&[]).await;
    // A port that was free a moment ago.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound");
    for name in ["a", "b"] {
        let account = ccflare_core::control::views::NewAccount::with_key(name, ccflare_core::domain::Secret::new(name));
        stage.control.add_account(account.at(&format!("http://{dead}"))).await.expect("a new account");
    }
    let answer = stage.ask().await;
    assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (503, Some("api_error")));
    let ledger = stage.finish().await;
    assert_eq!((ledger[0].outcome.as_str(), ledger[0].attempts.len()), ("failed", 4));
}

#[tokio::test]
async fn a_stream_that_breaks_breaks_at_the_client_too_and_at_once() {
    for step in [Step::ResetMidStream { after_events: 4 }, Step::CloseMidStream { after_events: 4 }] {
        let stage = Stage::with(&["a", "b"]).await;
        stage.mock.script("a", [step]);
        let answer = tokio::time::timeout(SOON, stage.ask_stream()).await.expect("no hanging");
        assert_eq!((answer.status, answer.body), (200, None), "the body breaks off");
        assert_eq!(stage.asked(), ["a"], "what has begun cannot be repeated");
        let ledger = stage.finish().await;
        assert_eq!(ledger[0].outcome, "cut");
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream() {
    let stage = Stage::with(&["a"]).await;
    stage.mock.script("a", [Step::StallMidStream { after_events: 3 }]);
    let request = stage.client.post(stage.url("/v1/messages")).body(message("claude-opus-5-5", true).to_string());
    let mut answer = request.send().await.expect("headers");
    answer.chunk().await.expect("a first chunk");
    drop(answer);
    let left = stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await;
    assert!(left, "the upstream is told");
    let ledger = stage.finish().await;
    assert_eq!((ledger[0].outcome.as_str(), ledger[0].status_code), ("cancelled", Some(200)));
    assert!(ledger[0].input_tokens.is_some(), "what was known is kept");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_cancels_the_upstream() {
    let stage = Stage::with(&["a"]).await;
    stage.mock.script("a", [Step::Hang]);
    let request = stage.client.post(stage.url("/v1/messages")).body(message("claude-opus-5-5", true).to_string());
    let asking = tokio::spawn(request.send());
    assert!(stage.mock.wait_for(|mock| mock.totals().pending == 1, SOON).await);
    asking.abort();
    assert!(stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    let ledger = stage.finish().await;
    assert_eq!((ledger[0].outcome.as_str(), ledger[0].attempts[0].verdict.as_str()), ("cancelled", "abandoned"));
}

#[tokio::test]
async fn without_an_account_the_clients_own_credentials_go_through() {
    let stage = Stage::with(&[]).await;
    let answer = stage.send(message("claude-opus-5-5", false), &[("x-api-key", "mine")]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(stage.asked(), ["mine"]);
    let ledger = stage.finish().await;
    assert_eq!(ledger[0].account_used, None);
    assert_eq!(ledger[0].attempts[0].choice, "client_credentials");
}

#[tokio::test]
async fn when_all_are_closed_the_answer_says_until_when_and_why_for_each() {
    let stage = Stage::with(&["a", "b", "c"]).await;
    stage.mock.script("a", [Step::quota_unified("5h", after(3600))]);
    stage.mock.script("b", [Step::quota_unified("7d", after(90))]);
    stage.mock.script("c", [Step::unauthorized()]);
    for _ in 0..2 {
        let answer = stage.ask().await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("90"));
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("anthropic-ratelimit")));
        let error = answer.json();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!("rate_limit_error")));
        let message = error["error"]["message"].as_str().expect("a message");
        for part in ["a: rate_limited until", "b: rate_limited until", "c: needs_login"] {
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(answer.header("x-ccflare-request-id"), error["request_id"].as_str());
    }
    assert_eq!(stage.asked(), ["a", "b", "c"], "closed accounts are not asked");
    let ledger = stage.finish().await;
    assert!(ledger.iter().all(|request| request.outcome == "failed" && request.status_code == Some(429)));
}

#[tokio::test]
async fn paused_accounts_are_never_replaced_by_the_clients_credentials() {
    let stage = Stage::with(&["a"]).await;
    stage.control.edit_account("a", ccflare_core::control::views::AccountEdit::Pause).await.expect("paused");
    let answer = stage.send(message("claude-opus-5-5", false), &[("x-api-key", "mine")]).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, None));
    assert!(stage.asked().is_empty());
    stage.finish().await;
}
