//! What the record says.

use std::io::Write;

use ccflare_mock::{MockConfig, MockUpstream, Step};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::raw::{PLAIN, Raw, SOON, STREAM, ask};

#[tokio::test]
async fn a_request_is_kept_as_it_came() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut raw = Raw::connect(mock.addr()).await;
    let headers =
        [("X-Api-Key", "k"), ("anthropic-beta", "one"), ("zzz", "1"), ("aaa", "2"), ("anthropic-beta", "two")];
    raw.send("POST", "/v1/messages?beta=true", &headers, PLAIN).await;
    let answer = raw.answer().await.unwrap();
    let requests = mock.requests();
    let request = &requests[0];
    assert_eq!((request.key.as_deref(), request.method.as_str()), (Some("k"), "POST"));
    assert_eq!((request.path_and_query.as_str(), request.path()), ("/v1/messages?beta=true", "/v1/messages"));
    assert_eq!(request.version, http::Version::HTTP_11);
    assert_eq!(request.header_values("anthropic-beta").collect::<Vec<_>>(), ["one", "two"]);
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["host", "content-length", "x-api-key", "anthropic-beta", "anthropic-beta", "zzz", "aaa"];
    assert_eq!(names, expected);
    assert_eq!((request.body.as_ref(), request.sent.as_ref()), (PLAIN.as_bytes(), answer.body().as_slice()));
    assert_eq!(request.json()["model"], "claude-opus-5-5");
    assert_eq!((request.connection, request.status()), (1, Some(200)));
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let endless = r#"{"deltas":100000,"pace_ms":5}"#;
    let mut raw = Raw::connect(mock.addr()).await;
    raw.send("POST", "/v1/messages", &[("x-api-key", "k"), ("x-mock", endless)], STREAM).await;
    assert!(mock.wait_for(|mock| mock.requests().iter().any(|request| !request.sent.is_empty()), SOON).await);
    drop(raw);
    assert!(mock.wait_for(|mock| mock.requests()[0].disposition.is_client_left(), SOON).await);
    let totals = mock.totals();
    assert_eq!((totals.client_left, totals.pending, totals.answered), (1, 0, 0));
    assert_eq!(totals.partial_usage, ccflare_mock::Usage::new(10, 1));
    assert!(mock.wait_for(|mock| mock.connections_open() == 0, SOON).await);
}

#[tokio::test]
async fn a_client_that_leaves_while_sending_is_noticed() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut raw = Raw::connect(mock.addr()).await;
    raw.write(b"POST /v1/messages HTTP/1.1\r\nhost: m\r\nx-api-key: k\r\ncontent-length: 100\r\n\r\n{\"half\":").await;
    drop(raw);
    assert!(mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await);
    assert_eq!(mock.requests()[0].key.as_deref(), Some("k"));
}

#[tokio::test]
async fn without_a_record_there_are_totals() {
    let config = MockConfig::default().without_record();
    let mock = MockUpstream::start(config).await;
    mock.script("k", [Step::overloaded()]);
    for _ in 0..3 {
        ask(&mock, "k", &[], STREAM).await.unwrap();
    }
    ask(&mock, "k", &[("x-mock-id", "one")], PLAIN).await.unwrap();
    assert!(mock.requests().is_empty());
    let totals = mock.totals();
    assert_eq!((totals.requests, totals.answered, totals.key("k").status(529)), (4, 4, 1));
    assert_eq!(totals.usage, ccflare_mock::Usage::new(30, 60));
    let identified = mock.identified();
    assert_eq!((identified.len(), identified[0].id.as_str()), (1, "one"));
    mock.forget();
    assert_eq!(mock.totals().requests, 0);
}

#[tokio::test]
async fn the_oldest_go_first() {
    let mock = MockUpstream::start(MockConfig { capacity: 2, ..MockConfig::default() }).await;
    for key in ["a", "b", "c"] {
        ask(&mock, key, &[], PLAIN).await.unwrap();
    }
    let kept: Vec<_> = mock.requests().into_iter().map(|request| request.seq).collect();
    assert_eq!(kept, [2, 3]);
}

#[tokio::test]
async fn a_compressed_request_is_understood() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(STREAM.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let mut raw = Raw::connect(mock.addr()).await;
    let head = "POST /v1/messages HTTP/1.1\r\nhost: m\r\ncontent-encoding: gzip\r\ncontent-length:";
    raw.write(format!("{head} {}\r\n\r\n", packed.len()).as_bytes()).await;
    raw.write(&packed).await;
    let answer = raw.answer().await.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(mock.requests()[0].body, packed, "the record holds what came");
}
