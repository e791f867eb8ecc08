//! Those who look on while requests pass: slow readers of events, and dashboards in browsers.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::{load, roles::TOKEN};

const READERS: usize = 100;
const DASHBOARDS: usize = 50;

/// What a dashboard's script listens to.
const TOPICS: &str = "requests,accounts,moves,config";

/// What a slow reader takes: so much at a time, so often. Less than what is told under load and about what is told on
/// average, so that it is always behind and seldom so far that it is sent away.
const SIP: usize = 4096;
const SIPS: Duration = Duration::from_millis(30);
const MESSAGES: Duration = Duration::from_millis(2);

/// Where the operating system keeps what a slow reader has not taken.
const BUFFER: u32 = 16 * 1024;

/// As the dashboard's script has it: at least so long between two looks, and at most so long.
const REST: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(10);

/// The pages that are open.
const PAGES: [&str; 4] = ["/", "/requests", "/accounts", "/analytics"];

/// What watchers have seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bytes of events.
    pub bytes: AtomicU64,
    /// Pages that were fetched.
    pub pages: AtomicU64,
    /// Times that a reader was sent away for being too slow, and came back.
    pub dropped: AtomicU64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bytes, pages, dropped] =
            [&self.bytes, &self.pages, &self.dropped].map(|seen| seen.load(Ordering::Relaxed));
        let mebibytes = bytes as f64 / 1024.0 / 1024.0;
        write!(f, "watchers took {mebibytes:.1} MiB of events and {pages} pages, and were sent away {dropped} times")
    }
}

/// Watchers at work, until they are dropped.
#[derive(Debug)]
pub struct Watchers(JoinSet<Result<()>>);

impl Watchers {
    /// Half of them by server-sent events, half by WebSocket; each takes less than there is.
    pub fn slow(server: SocketAddr, seen: Arc<Seen>) -> Self {
        let mut tasks = JoinSet::new();
        for number in 0..READERS {
            let seen = Arc::clone(&seen);
            if number.is_multiple_of(2) {
                tasks.spawn(coming_back(seen, async move |seen| sip(server, seen).await));
            } else {
                tasks.spawn(coming_back(seen, async move |seen| listen(server, seen).await));
            }
        }
        Self(tasks)
    }

    /// Each loads its page, listens, and loads the page again when something happens.
    pub fn dashboards(server: SocketAddr, seen: Arc<Seen>) -> Self {
        let mut tasks = JoinSet::new();
        for page in PAGES.into_iter().cycle().take(DASHBOARDS) {
            tasks.spawn(dashboard(server, page, Arc::clone(&seen)));
        }
        Self(tasks)
    }

    /// Waits until one of them fails.
    pub async fn failed(mut self) -> Result<()> {
        self.0.join_next().await.context("nobody watches")???;
        bail!("a watcher has ended")
    }
}

/// A reader that is sent away comes back. It fails if it does not even begin.
async fn coming_back(seen: Arc<Seen>, read: impl AsyncFn(&Seen) -> Result<()>) -> Result<()> {
    loop {
        read(&seen).await?;
        seen.dropped.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(REST).await;
    }
}

/// A connection that holds little for who does not read.
async fn connect(server: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER)?;
    Ok(socket.connect(server).await?)
}

/// Begins to read events; the head of the answer is left to be read with them.
async fn subscribe(stream: &mut TcpStream, server: SocketAddr, pace: &str) -> Result<()> {
    let path = format!("/api/events?topics={TOPICS}{pace}");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {server}\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    Ok(stream.write_all(head.as_bytes()).await?)
}

/// Half as long to half as long again: those who read at different places are not in step.
fn about(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + rand::random::<f64>())
}

/// Takes sips of server-sent events until the stream ends.
async fn sip(server: SocketAddr, seen: &Seen) -> Result<()> {
    let mut stream = connect(server).await?;
    subscribe(&mut stream, server, "").await?;
    let mut sip = [0; SIP];
    let first = stream.read(&mut sip).await?;
    if !sip[..first].starts_with(b"HTTP/1.1 200") {
        bail!("no events: {}", String::from_utf8_lossy(&sip[..first]));
    }
    // Being hung up on is an end like any other.
    while let Ok(read @ 1..) = stream.read(&mut sip).await {
        seen.bytes.fetch_add(read as u64, Ordering::Relaxed);
        tokio::time::sleep(about(SIPS)).await;
    }
    Ok(())
}

/// Takes a message of a WebSocket now and then, until it ends.
async fn listen(server: SocketAddr, seen: &Seen) -> Result<()> {
    let mut request = format!("ws://{server}/api/ws?topics={TOPICS}").into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse()?);
    let (mut socket, _) = tokio_tungstenite::client_async(request, connect(server).await?).await?;
    while let Some(Ok(message)) = socket.next().await {
        seen.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        tokio::time::sleep(about(MESSAGES)).await;
    }
    Ok(())
}

/// What `assets/app.js` does with an open page.
async fn dashboard(server: SocketAddr, page: &str, seen: Arc<Seen>) -> Result<()> {
    let look = async || -> Result<Bytes> {
        let shown = load::get(server, page, TOKEN).await.with_context(|| format!("the page {page}"))?;
        anyhow::ensure!(shown.starts_with(b"<!DOCTYPE html>"), "{page} is no page");
        seen.pages.fetch_add(1, Ordering::Relaxed);
        Ok(shown)
    };
    let shown = look().await?;
    // A browser keeps them from then on.
    let shown = String::from_utf8_lossy(&shown);
    for asset in shown.split('"').filter(|text| text.starts_with("/assets/")) {
        load::get(server, asset, TOKEN).await.with_context(|| format!("the asset {asset}"))?;
    }
    let mut stream = TcpStream::connect(server).await?;
    subscribe(&mut stream, server, "&every=1000").await?;
    let mut buffer = vec![0; 64 * 1024];
    let (mut last, mut is_wanted) = (Instant::now(), false);
    loop {
        let rest = if is_wanted { REST } else { IDLE };
        tokio::select! {
            read = stream.read(&mut buffer) => {
                let read = read?;
                anyhow::ensure!(read > 0, "the events have ended");
                seen.bytes.fetch_add(read as u64, Ordering::Relaxed);
                is_wanted |= has_event(&buffer[..read]);
            }
            () = tokio::time::sleep(rest.saturating_sub(last.elapsed())) => {
                (last, is_wanted) = (Instant::now(), false);
                look().await?;
            }
        }
    }
}

/// Whether some event has come, and not only a heartbeat.
fn has_event(text: &[u8]) -> bool {
    text.windows(5).any(|window| window == b"data:")
}
