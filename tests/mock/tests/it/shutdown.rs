//! The end of a mock.

use std::time::Duration;

use ccflare_mock::{Disposition, MockConfig, MockUpstream, Reply, Step};
use tokio::net::TcpStream;

use crate::raw::{Ended, Raw, SOON, STREAM, events};

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn no_task_is_left() {
    let before = alive();
    let mock = MockUpstream::start(MockConfig::default()).await;
    mock.script("hang", [Step::Hang]);
    mock.script("stall", [Step::StallMidStream { after_events: 1 }]);
    let mut clients = Vec::new();
    for key in ["hang", "stall", "idle"] {
        let mut raw = Raw::connect(mock.addr()).await;
        raw.send("POST", "/v1/messages", &[("x-api-key", key)], STREAM).await;
        clients.push(raw);
    }
    assert!(mock.wait_for(|mock| mock.totals().requests == 3 && mock.totals().answered == 1, SOON).await);
    assert!(mock.tasks() >= 4);
    mock.shutdown().await;
    assert_eq!((mock.tasks(), alive()), (0, before));
    assert_eq!((mock.connections_open(), mock.totals().cut), (0, 2));
    let of_hang = &mock.requests_of("hang")[0];
    assert_eq!(of_hang.disposition, Disposition::Cut { status: None, usage: None, model: None });
    assert!(TcpStream::connect(mock.addr()).await.is_err(), "the port is closed");
    let again = MockUpstream::start(MockConfig { addr: Some(mock.addr()), ..MockConfig::default() }).await;
    assert_eq!(again.url(), mock.url(), "the same port can be used again");
}

#[tokio::test]
async fn dropping_ends_it() {
    let before = alive();
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut raw = Raw::connect(mock.addr()).await;
    mock.script("", [Step::Hang]);
    raw.send("POST", "/v1/messages", &[], STREAM).await;
    assert!(mock.wait_for(|mock| mock.totals().pending == 1, SOON).await);
    drop(mock);
    assert_eq!(raw.answer().await.unwrap_err(), Ended::Eof);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(alive(), before);
}

#[tokio::test]
async fn draining_lets_answers_end() {
    let reply = Reply { deltas: 5, pace: Duration::from_millis(20), ..Reply::default() };
    let mock = MockUpstream::start(MockConfig::with_reply(reply)).await;
    let mut raw = Raw::connect(mock.addr()).await;
    raw.send("POST", "/v1/messages", &[], STREAM).await;
    assert!(mock.wait_for(|mock| mock.totals().pending == 1, SOON).await);
    let (answer, ()) = tokio::join!(raw.answer(), mock.drain(SOON));
    let answer = answer.unwrap();
    assert_eq!((answer.ended, events(&answer.text()).len()), (Ended::Whole, 11));
    assert_eq!((mock.tasks(), mock.totals().answered), (0, 1));
}

#[tokio::test]
async fn waiting_has_a_limit() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    assert!(!mock.wait_for(|mock| mock.totals().requests == 1, Duration::from_millis(50)).await);
}
