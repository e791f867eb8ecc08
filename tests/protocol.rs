//! HTTP as clients really speak it, and as attackers do.

use bytes::Bytes;
use ccflare_mock::Step;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::{SOON, Stage, raw};

/// A request whose body is this long.
fn request(length: usize) -> String {
    let body = format!("{{{}}}", " ".repeat(length - 2));
    format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn one_connection_serves_request_after_request() {
    let stage = Stage::with(&["a"]).await;
    let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
    for _ in 0..3 {
        stream.write_all(request(10).as_bytes()).await.expect("sent");
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.expect("an answer");
        assert!(head[..read].starts_with(b"HTTP/1.1 200"));
        while stage.mock.totals().pending > 0 {
            tokio::task::yield_now().await;
        }
    }
    drop(stream);
    stage.finish().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let stage = Stage::with(&["a"]).await;
    let last = request(6).replace("host: localhost", "host: localhost\r\nconnection: close");
    let all = format!("{}{}{last}", request(2), request(4));
    let answers = tokio::time::timeout(SOON, raw(stage.address, all.as_bytes())).await.expect("an end");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3);
    let lengths: Vec<_> = stage.mock.requests().iter().map(|request| request.body.len()).collect();
    assert_eq!(lengths, [2, 4, 6]);
    stage.finish().await;
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_spoken() {
    let stage = Stage::with(&["a"]).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let body = Full::new(Bytes::from_static(br#"{"model":"claude-opus-5-5","stream":true}"#));
    let request = http::Request::post(stage.url("/v1/messages")).body(body).expect("valid");
    let answer = client.request(request).await.expect("an answer");
    assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 200));
    let body = answer.into_body().collect().await.expect("whole").to_bytes();
    assert_eq!(body, stage.mock.requests()[0].sent);
    assert_eq!(stage.mock.requests()[0].version, http::Version::HTTP_11);
    drop(client);
    stage.finish().await;
}

#[tokio::test]
async fn http_2_is_known_by_a_preface_that_comes_in_pieces() {
    let stage = Stage::with(&["a"]).await;
    let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    for piece in ["P", "RI * HTTP/2.0\r\n\r\nSM", "\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).await.expect("sent");
        tokio::task::yield_now().await;
    }
    // An empty SETTINGS frame; the server's own begins with its length and this type.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.expect("sent");
    let mut frame = [0; 9];
    tokio::time::timeout(SOON, stream.read_exact(&mut frame)).await.expect("soon").expect("a frame");
    assert_eq!((frame[3], &frame[5..]), (4, &[0; 4][..]), "its settings");
    drop(stream);
    stage.finish().await;
}

#[tokio::test]
async fn connections_on_which_nothing_is_asked_hold_up_no_end() {
    let stage = Stage::with(&["a"]).await;
    let mut silent = Vec::new();
    for start in ["", "P"] {
        let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
        stream.write_all(start.as_bytes()).await.expect("sent");
        silent.push(stream);
    }
    // Connections are taken in the order in which they came.
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn a_broken_stream_is_reset_over_http_2() {
    let stage = Stage::with(&["a"]).await;
    stage.mock.script("a", [Step::ResetMidStream { after_events: 3 }]);
    let stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let body = Full::new(Bytes::from_static(br#"{"stream":true}"#));
    let request = http::Request::post(stage.url("/v1/messages")).body(body).expect("valid");
    let answer = sender.send_request(request).await.expect("headers");
    assert!(answer.into_body().collect().await.is_err());
    drop(sender);
    connection.await.expect("no panic").ok();
    stage.finish().await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let stage = Stage::with(&["a"]).await;
    let mut stream = tokio::net::TcpStream::connect(stage.address).await.expect("a connection");
    let head = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.expect("an interim answer");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{}").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(stage.mock.requests()[0].header("expect"), None);
    stage.finish().await;
}

#[tokio::test]
async fn a_chunked_upload_arrives_in_one_piece() {
    let stage = Stage::with(&["a"]).await;
    let chunked = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   4\r\n{\"a\"\r\n3;ext=1\r\n:1}\r\n0\r\n\r\n";
    assert!(raw(stage.address, chunked.as_bytes()).await.starts_with("HTTP/1.1 200"));
    let received = &stage.mock.requests()[0];
    assert_eq!((&received.body[..], received.header("content-length")), (&br#"{"a":1}"#[..], Some("7")));
    assert_eq!(received.header("transfer-encoding"), None);
    stage.finish().await;
}

/// Whatever two readers could take for different requests reaches nobody, or reaches the upstream as one plain request.
#[tokio::test]
async fn nothing_is_smuggled() {
    let hidden = "GET /v1/organizations HTTP/1.1\r\nhost: localhost\r\nx-smuggled: yes\r\n\r\n";
    let post = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    for (name, attack) in [
        ("both lengths", format!("{post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("two lengths", format!("{post}content-length: 4\r\ncontent-length: 0\r\n\r\nabcd{hidden}")),
        ("a signed length", format!("{post}content-length: +4\r\n\r\nabcd{hidden}")),
        ("an unknown coding", format!("{post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunked not last", format!("{post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}")),
        ("a bad chunk size", format!("{post}transfer-encoding: chunked\r\n\r\n4x\r\nabcd\r\n0\r\n\r\n{hidden}")),
        (
            "a folded header",
            format!("{post}x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n{hidden}"),
        ),
        ("a bare LF", format!("{post}content-length: 0\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("a space before the colon", format!("{post}content-length : 4\r\n\r\nabcd{hidden}")),
        (
            "a body in a GET",
            format!(
                "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{hidden}",
                hidden.len()
            ),
        ),
    ] {
        let stage = Stage::with(&["a"]).await;
        let answer = tokio::time::timeout(SOON, raw(stage.address, attack.as_bytes())).await.expect("an end");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{name}: {answer}");
        for received in stage.mock.requests() {
            assert!(!received.path_and_query.contains("organizations"), "{name}");
            assert_eq!(received.header("x-smuggled"), None, "{name}");
            let lengths: Vec<_> = received.header_values("content-length").collect();
            assert!(lengths.len() <= 1 && received.header("transfer-encoding").is_none(), "{name}");
        }
        stage.finish().await;
    }
}

#[tokio::test]
async fn other_hosts_and_other_sites_pages_get_nothing() {
    let stage = Stage::with(&["a"]).await;
    for (headers, status) in [
        ("host: evil.example", "421"),
        ("host: localhost\r\norigin: https://evil.example", "403"),
        ("host: localhost\r\norigin: null", "403"),
        ("x-no: host", "400"),
    ] {
        let attack =
            format!("POST /v1/messages HTTP/1.1\r\n{headers}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}");
        let answer = raw(stage.address, attack.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers}: {answer}");
    }
    assert!(stage.mock.requests().is_empty());
    stage.finish().await;
}
