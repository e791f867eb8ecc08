use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    sync::mpsc,
    task::JoinHandle,
};

use super::{body::SMALL, *};

/// An upstream that is told what to do: each connection that comes is handed to the test.
struct Scripted {
    url: String,
    connections: mpsc::Receiver<TcpStream>,
    accepted: Arc<AtomicUsize>,
}

impl Scripted {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1/messages?beta=true", listener.local_addr().expect("bound"));
        let (sender, connections) = mpsc::channel(8);
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                if sender.send(stream).await.is_err() {
                    return;
                }
            }
        });
        Self { url, connections, accepted }
    }

    async fn next(&mut self) -> TcpStream {
        self.connections.recv().await.expect("somebody connects")
    }

    fn ask(&self, upstream: &Upstream) -> Asking {
        self.ask_on(&Handle::current(), upstream)
    }

    fn ask_on(&self, runtime: &Handle, upstream: &Upstream) -> Asking {
        let request = Request::post(&self.url).body(Full::from("{}")).expect("a request");
        runtime.spawn(upstream.clone().oneshot(request))
    }

    /// Asked over a new connection, which has heard the request.
    async fn asked(&mut self, upstream: &Upstream) -> (Asking, TcpStream) {
        let asking = self.ask(upstream);
        let mut stream = self.next().await;
        heard(&mut stream).await;
        (asking, stream)
    }
}

type Asking = JoinHandle<Result<Response<UpstreamBody>, AttemptError>>;

/// The answer that was waited for.
async fn answer(asking: Asking) -> Response<UpstreamBody> {
    asking.await.expect("no panic").expect("answered")
}

/// Reads a whole request of those that are sent here.
async fn heard(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"{}") {
        let read = stream.read_buf(&mut all).await.expect("readable");
        assert_ne!(read, 0, "the whole request comes");
    }
    String::from_utf8(all).expect("text")
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("written");
}

fn upstream() -> Upstream {
    Upstream::new(UpstreamOptions::default())
}

const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const STREAM: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// All of its body.
async fn whole(asking: Asking) -> Bytes {
    answer(asking).await.into_body().collect().await.expect("whole").to_bytes()
}

#[tokio::test]
async fn a_request_names_its_host_and_asks_for_a_path() {
    let mut scripted = Scripted::start().await;
    let asking = scripted.ask(&upstream());
    let mut stream = scripted.next().await;
    let request = heard(&mut stream).await;
    let host = scripted.url.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    assert!(request.starts_with("POST /v1/messages?beta=true HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nhost: {host}\r\n")), "{request}");
    say(&mut stream, SHORT).await;
    assert_eq!(whole(asking).await, "ok");
}

#[tokio::test]
async fn a_port_is_named_unless_it_is_the_schemes_own() {
    let named = |url: &str| host(&origin(&url.parse().expect("a URL")).expect("an origin")).expect("a header");
    for (url, host) in [
        ("https://api.anthropic.com/v1", "api.anthropic.com"),
        ("https://api.anthropic.com:443/v1", "api.anthropic.com"),
        ("https://api.anthropic.com:80/v1", "api.anthropic.com:80"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("http://[::1]:8080/v1", "[::1]:8080"),
    ] {
        assert_eq!(named(url), host, "{url}");
    }
}

#[tokio::test]
async fn an_answer_that_was_read_leaves_its_connection_for_the_next_request() {
    let mut scripted = Scripted::start().await;
    let upstream = upstream();
    let mut first = None;
    for answer in [SHORT, &format!("{STREAM}2\r\nok\r\n0\r\n\r\n"), SHORT] {
        let asking = scripted.ask(&upstream);
        let stream = match &mut first {
            Some(stream) => stream,
            None => first.insert(scripted.next().await),
        };
        heard(stream).await;
        say(stream, answer).await;
        assert_eq!(whole(asking).await, "ok");
    }
    assert_eq!(scripted.accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_meanwhile_is_not_noticed_by_anybody() {
    let mut scripted = Scripted::start().await;
    let upstream = upstream();
    for _ in 0..3 {
        let (asking, mut stream) = scripted.asked(&upstream).await;
        say(&mut stream, SHORT).await;
        assert_eq!(whole(asking).await, "ok");
        drop(stream);
        // The runtime has looked at what happened to sockets when another one has been connected.
        let address = scripted.url.trim_start_matches("http://").split('/').next().expect("an address");
        drop((TcpStream::connect(address).await.expect("connected"), scripted.next().await));
    }
}

#[tokio::test]
async fn who_meets_a_connection_that_was_forgotten_tries_again_on_a_new_one() {
    let mut scripted = Scripted::start().await;
    let upstream = upstream();
    let (one, mut first) = scripted.asked(&upstream).await;
    let (other, mut second) = scripted.asked(&upstream).await;
    say(&mut first, SHORT).await;
    assert_eq!(whole(one).await, "ok");
    say(&mut second, SHORT).await;
    assert_eq!(whole(other).await, "ok");
    let asking = scripted.ask(&upstream);
    heard(&mut second).await;
    second.set_zero_linger().expect("a socket's option");
    drop(second);
    assert!(matches!(asking.await.expect("no panic"), Err(AttemptError::Reset(_))));
    let (again, mut third) = scripted.asked(&upstream).await;
    say(&mut third, SHORT).await;
    assert_eq!(whole(again).await, "ok");
}

#[tokio::test]
async fn which_version_an_upstream_speaks_is_not_passed_on() {
    let mut scripted = Scripted::start().await;
    let (asking, mut stream) = scripted.asked(&upstream()).await;
    say(&mut stream, "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(answer(asking).await.version(), Version::HTTP_11);
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_ends_the_connection() {
    let mut scripted = Scripted::start().await;
    let (asking, mut stream) = scripted.asked(&upstream()).await;
    say(&mut stream, STREAM).await;
    say(&mut stream, "2\r\nok\r\n").await;
    let mut body = answer(asking).await.into_body();
    assert_eq!(body.frame().await.expect("a frame").expect("whole").into_data().expect("data"), "ok");
    drop(body);
    assert_eq!(stream.read(&mut [0; 8]).await.expect("ended in order"), 0);
}

#[tokio::test]
async fn who_stops_waiting_ends_the_connection() {
    let mut scripted = Scripted::start().await;
    let (asking, mut stream) = scripted.asked(&upstream()).await;
    asking.abort();
    assert_eq!(stream.read(&mut [0; 8]).await.expect("ended in order"), 0);
}

#[tokio::test]
async fn small_frames_that_came_together_go_on_together_and_a_large_one_as_it_is() {
    let mut scripted = Scripted::start().await;
    let (asking, mut stream) = scripted.asked(&upstream()).await;
    let large = "x".repeat(SMALL + 1);
    let frames = format!("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n{:x}\r\n{large}\r\n1\r\nd\r\n0\r\n\r\n", large.len());
    say(&mut stream, &format!("{STREAM}{frames}")).await;
    let mut body = answer(asking).await.into_body();
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        seen.push(frame.expect("whole").into_data().expect("data"));
    }
    assert_eq!(seen[0], "abc");
    assert_eq!(seen.concat(), format!("abc{large}d").as_bytes());
}

#[tokio::test]
async fn a_connection_that_breaks_says_so_before_the_head_and_within_the_body() {
    let mut scripted = Scripted::start().await;
    let (asking, stream) = scripted.asked(&upstream()).await;
    drop(stream);
    assert!(matches!(asking.await.expect("no panic"), Err(AttemptError::Reset(_))));

    let (asking, mut stream) = scripted.asked(&upstream()).await;
    say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok").await;
    drop(stream);
    let body = answer(asking).await.into_body();
    assert!(matches!(body.collect().await, Err(crate::error::BodyError::Broken(_))));
}

#[tokio::test(start_paused = true)]
async fn what_rests_too_long_is_closed() {
    let mut scripted = Scripted::start().await;
    let upstream = upstream();
    let (asking, mut stream) = scripted.asked(&upstream).await;
    say(&mut stream, SHORT).await;
    assert_eq!(whole(asking).await, "ok");
    tokio::time::timeout(Duration::from_secs(70), stream.read(&mut [0; 8]))
        .await
        .expect("closed by then")
        .expect("in order");
}

#[tokio::test]
async fn a_connection_rests_for_the_runtime_that_watches_it() {
    let (mut scripted, upstream) = (Scripted::start().await, upstream());
    let (asking, mut here) = scripted.asked(&upstream).await;
    say(&mut here, SHORT).await;
    assert_eq!(whole(asking).await, "ok");
    let elsewhere = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let asking = scripted.ask_on(elsewhere.handle(), &upstream);
    let mut there = scripted.next().await;
    heard(&mut there).await;
    say(&mut there, SHORT).await;
    assert_eq!(whole(asking).await, "ok");
    elsewhere.shutdown_background();
    let asking = scripted.ask(&upstream);
    heard(&mut here).await;
    say(&mut here, SHORT).await;
    assert_eq!(whole(asking).await, "ok");
    assert_eq!(scripted.accepted.load(Ordering::SeqCst), 2);
}
