//! Cuts and compression change how the bytes come, not what they say.

use std::io::Read;
use std::time::{Duration, Instant};

use ccflare_mock::{Framing, MockConfig, MockUpstream, Reply};
use flate2::read::GzDecoder;

use crate::raw::{Answer, PLAIN, STREAM, ask, events, text_of};

const GZIP: [(&str, &str); 1] = [("accept-encoding", "deflate, gzip;q=0.8")];

async fn framed(framing: Framing, gzip: bool, body: &str) -> (Answer, MockUpstream) {
    let reply = Reply { framing, gzip, ..Reply::default() };
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let answer = ask(&mock, "k", if gzip { &GZIP } else { &[] }, body).await.unwrap();
    assert_eq!(mock.requests()[0].sent, answer.body(), "the record holds the bytes on the wire");
    (answer, mock)
}

/// Without the message's id, which differs.
fn normal(text: &str) -> String {
    let at = text.find("msg_").unwrap();
    format!("{}{}", &text[..at], &text[at + 28..])
}

fn unzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn cuts_leave_the_bytes_alone() {
    let (answer, _mock) = framed(Framing::EventPerWrite, false, STREAM).await;
    assert_eq!(answer.chunks.len(), 9, "a chunk for each event");
    assert!(answer.chunks.iter().all(|chunk| chunk.starts_with(b"event: ") && chunk.ends_with(b"\n\n")));
    let plain = normal(&answer.text());
    for (framing, chunks) in [(Framing::Burst, 9), (Framing::OneWrite, 1), (Framing::PerByte, answer.body().len())] {
        let (other, _mock) = framed(framing, false, STREAM).await;
        assert_eq!(normal(&other.text()), plain, "{framing:?}");
        assert_eq!(other.chunks.len(), chunks, "{framing:?}");
    }
}

#[tokio::test]
async fn line_ends_and_noise_leave_the_events_alone() {
    let (answer, _mock) = framed(Framing::EventPerWrite, false, STREAM).await;
    let plain = events(&normal(&answer.text()));
    let (crlf, _mock) = framed(Framing::Crlf, false, STREAM).await;
    assert!(!crlf.text().replace("\r\n", "").contains('\n'));
    assert_eq!(events(&normal(&crlf.text())), plain);
    let (noisy, _mock) = framed(Framing::Comments, false, STREAM).await;
    assert!(noisy.text().contains(": keep-alive\n\n"));
    let noisy = events(&normal(&noisy.text()));
    assert!(noisy.len() > plain.len(), "there are more pings");
    let without_pings = |events: &[(String, serde_json::Value)]| -> Vec<_> {
        events.iter().filter(|(name, _)| name != "ping").cloned().collect()
    };
    assert_eq!(without_pings(&noisy), without_pings(&plain));
    assert_eq!(text_of(&noisy), Reply::default().text());
}

#[tokio::test]
async fn gzip_decodes_to_the_same_bytes() {
    for body in [STREAM, PLAIN] {
        let (answer, _mock) = framed(Framing::EventPerWrite, false, body).await;
        for framing in [Framing::EventPerWrite, Framing::Burst, Framing::OneWrite, Framing::PerByte] {
            let (packed, _mock) = framed(framing, true, body).await;
            assert_eq!(packed.header("content-encoding"), Some("gzip"));
            assert_eq!(normal(&unzip(&packed.body())), normal(&answer.text()), "{framing:?}");
        }
    }
}

#[tokio::test]
async fn each_gzip_chunk_can_be_read_at_once() {
    let (packed, _mock) = framed(Framing::EventPerWrite, true, STREAM).await;
    assert_eq!(packed.chunks.len(), 9);
    let mut seen = flate2::write::GzDecoder::new(Vec::new());
    std::io::Write::write_all(&mut seen, &packed.chunks[..4].concat()).unwrap();
    std::io::Write::flush(&mut seen).unwrap();
    let text = String::from_utf8(seen.get_ref().clone()).unwrap();
    assert_eq!(events(&text).len(), 4);
}

#[tokio::test]
async fn gzip_only_for_clients_that_take_it() {
    let reply = Reply { gzip: true, ..Reply::default() };
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    for refuses in [&[][..], &[("accept-encoding", "br, gzip;q=0")]] {
        let answer = ask(&mock, "k", refuses, STREAM).await.unwrap();
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(events(&answer.text()).len(), 9);
    }
}

#[tokio::test]
async fn deltas_are_paced() {
    let reply = Reply { deltas: 4, pace: Duration::from_millis(30), ..Reply::default() };
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let start = Instant::now();
    ask(&mock, "k", &[], STREAM).await.unwrap();
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(90), "three pauses: {elapsed:?}");
    let start = Instant::now();
    ask(&mock, "k", &[("x-mock", r#"{"framing":"burst"}"#)], STREAM).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(80), "a burst has no pace");
}
