//! Everything is bounded, and says so when a bound is reached.

use std::time::Duration;

use ccflare_core::{control::views::NewAccount, domain::Secret, gateway::GatewayOptions};
use ccflare_mock::{MockConfig, Reply, Step};

use crate::harness::{SOON, Stage, message};

#[tokio::test]
async fn a_body_over_the_limit_is_a_413_and_reaches_nobody() {
    let stage = Stage::with_options(&["a"], |options| options.body_limit = 1000).await;
    let stated = stage.client.post(stage.url("/v1/messages")).body("x".repeat(1001)).send().await.expect("an answer");
    assert_eq!(stated.status(), 413);
    let error: serde_json::Value = stated.json().await.expect("JSON");
    assert_eq!(error["error"]["type"], "request_too_large");

    let head =
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked = format!("{head}800\r\n{}\r\n0\r\n\r\n", "x".repeat(0x800));
    let answer = crate::harness::raw(stage.address, chunked.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(stage.mock.requests().is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn bodies_together_over_the_memory_budget_are_a_503_that_says_when() {
    let stage = Stage::with_options(&["a"], |options| {
        options.body_limit = 1000;
        options.body_budget = 1000;
    })
    .await;
    stage.mock.script("a", [Step::Hang]);
    let first = tokio::spawn(stage.client.post(stage.url("/v1/messages")).body("x".repeat(900)).send());
    assert!(stage.mock.wait_for(|mock| mock.totals().pending == 1, SOON).await);
    let second = stage.client.post(stage.url("/v1/messages")).body("x".repeat(200)).send().await.expect("an answer");
    assert_eq!((second.status().as_u16(), second.headers()["retry-after"].as_bytes()), (503, &b"1"[..]));
    first.abort();
    assert!(stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    // The budget comes back with the first body's last reference.
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn too_many_requests_in_flight_are_a_503_and_a_stream_counts_until_its_end() {
    let stage = Stage::with_options(&["a"], |options| options.max_in_flight = 1).await;
    stage.mock.script("a", [Step::StallMidStream { after_events: 2 }]);
    let request = stage.client.post(stage.url("/v1/messages")).body(message("claude-opus-5-5", true).to_string());
    let stream = request.send().await.expect("headers");
    let refused = stage.ask().await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    drop(stream);
    assert!(stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn an_upstream_that_never_answers_is_a_504_and_is_not_asked_twice() {
    let stage =
        Stage::with_options(&["a", "b"], |options| options.first_byte_timeout = Duration::from_millis(50)).await;
    stage.mock.script("a", [Step::Hang]);
    let answer = stage.ask().await;
    assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (504, Some("timeout_error")));
    assert_eq!(stage.asked(), ["a"]);
    stage.finish().await;
}

#[tokio::test]
async fn an_upstream_that_falls_silent_is_cut_off_and_so_is_the_client() {
    let stage = Stage::with_options(&["a"], |options| options.idle_timeout = Duration::from_millis(50)).await;
    stage.mock.script("a", [Step::StallMidStream { after_events: 3 }]);
    let answer = tokio::time::timeout(SOON, stage.ask_stream()).await.expect("no hanging");
    assert_eq!((answer.status, answer.body), (200, None));
    assert!(stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    let ledger = stage.finish().await;
    assert_eq!(ledger[0].outcome, "cut");
}

#[tokio::test]
async fn connections_are_used_again() {
    let stage = Stage::with(&["a"]).await;
    for _ in 0..20 {
        stage.ask().await;
        stage.ask_stream().await;
    }
    assert!(stage.mock.connections_accepted() <= 2, "{} connections", stage.mock.connections_accepted());
    stage.finish().await;
}

#[tokio::test]
async fn an_account_at_a_metadata_address_is_asked_nothing() {
    let stage = Stage::with(&[]).await;
    for (name, address) in [("a", "https://169.254.169.254"), ("b", "https://[fe80::1]")] {
        let account = NewAccount::with_key(name, Secret::new("k")).at(address);
        stage.control.add_account(account).await.expect("an address like any other");
        let answer = stage.ask().await;
        assert_eq!(answer.status, 503);
        let error = answer.json()["error"]["message"].to_string();
        assert!(error.contains("allow_link_local"), "{error}");
        stage.control.remove_account(name, name).await.expect("removed");
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_holds_the_upstream_back_and_not_the_answer_in_memory() {
    // Far more than what the sockets on the way hold.
    let reply = Reply { deltas: 16_000, delta_bytes: 4096, ..Reply::default() };
    let stage = Stage::set(&["a"], MockConfig::with_reply(reply), GatewayOptions::default()).await;
    let request = stage.client.post(stage.url("/v1/messages")).json(&message("claude-opus-5-5", true));
    let mut answer = request.send().await.expect("an answer begins");
    answer.chunk().await.expect("it goes on").expect("something");
    let sent_all = |mock: &ccflare_mock::MockUpstream| mock.requests()[0].disposition.is_answered();
    assert!(!stage.mock.wait_for(sent_all, Duration::from_secs(5)).await, "somebody on the way took all of it");
    drop(answer);
    assert!(stage.mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    assert_eq!(stage.finish().await[0].outcome, "cancelled");
}
