//! HTTP/2 with prior knowledge.

use bytes::Bytes;
use ccflare_mock::{MockConfig, MockUpstream, Step};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::raw::{SOON, STREAM, events};

async fn connect(mock: &MockUpstream) -> SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(mock.addr()).await.unwrap());
    let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    mock: &MockUpstream,
    key: &str,
) -> hyper::Result<Response<Incoming>> {
    let request = Request::post(format!("{}/v1/messages", mock.url())).header("x-api-key", key);
    sender.send_request(request.body(Full::from(STREAM)).unwrap()).await
}

#[tokio::test]
async fn streams_share_a_connection() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let mut sender = connect(&mock).await;
    mock.script("k", [Step::ResetMidStream { after_events: 3 }, Step::ResetBeforeHeaders, Step::Hang]);

    let mut body = ask(&mut sender, &mock, "k").await.unwrap().into_body();
    let mut text = Vec::new();
    let error = loop {
        match body.frame().await.expect("an error comes first") {
            Ok(frame) => text.extend_from_slice(&frame.into_data().unwrap()),
            Err(error) => break error,
        }
    };
    assert!(!error.is_closed(), "only the stream is reset: {error:?}");
    assert_eq!(events(&String::from_utf8(text).unwrap()).len(), 3);
    assert!(ask(&mut sender, &mock, "k").await.is_err());

    let hanging = tokio::spawn({
        let (mut sender, url) = (sender.clone(), format!("{}/v1/messages", mock.url()));
        async move {
            let request = Request::post(url).header("x-api-key", "k").body(Full::from(STREAM)).unwrap();
            sender.send_request(request).await.map(drop)
        }
    });
    assert!(mock.wait_for(|mock| mock.totals().pending == 1, SOON).await);
    hanging.abort();
    assert!(mock.wait_for(|mock| mock.totals().client_left == 1, SOON).await, "{:?}", mock.totals());

    let answer = ask(&mut sender, &mock, "k").await.unwrap();
    let whole = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(events(std::str::from_utf8(&whole).unwrap()).len(), 9);
    assert_eq!(mock.connections_accepted(), 1);
    assert_eq!(mock.requests()[0].version, http::Version::HTTP_2);
    mock.shutdown().await;
    assert_eq!(mock.tasks(), 0);
}
