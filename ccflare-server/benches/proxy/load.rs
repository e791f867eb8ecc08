//! The load: connections that are kept, each with one request at a time, and every answer read and compared to the byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::mpsc, task::JoinSet, time::timeout};

use crate::ask::Ask;

/// Nothing here hangs longer than this beyond its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server.
#[derive(Debug)]
struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    authority: String,
}

/// When an answer came, counted from when it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Its body's first byte.
    pub first_byte: Duration,
    /// Its last one.
    pub whole: Duration,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end is seen by whoever asks next.
        tokio::spawn(connection);
        Ok(Self { requests, authority: address.to_string() })
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>> {
        request.headers_mut().insert(header::HOST, self.authority.parse()?);
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        ensure!(response.status() == StatusCode::OK, "answered with {}", response.status());
        Ok(response)
    }

    /// Asks for an answer that is due since `due`.
    async fn exchange(&mut self, ask: &Ask, due: Instant) -> Result<Answered> {
        let mut body = self.send(ask.request()).await?.into_body();
        let mut first_byte = None;
        let mut place = 0;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { bail!("the answer has trailers") };
            first_byte.get_or_insert_with(|| due.elapsed());
            ask.compare(place, &data)?;
            place += data.len();
        }
        ask.compare_length(place)?;
        Ok(Answered { first_byte: first_byte.unwrap_or_default(), whole: due.elapsed() })
    }
}

/// The whole answer to a request on a connection of its own.
pub async fn answer(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Bytes> {
    let mut connection = Connection::open(address).await?;
    let response = connection.send(request).await?;
    Ok(response.into_body().collect().await?.to_bytes())
}

/// Asks a server's operator surface.
pub async fn get(address: SocketAddr, path: &str, token: &str) -> Result<Bytes> {
    let authorization = format!("Bearer {token}");
    answer(address, Request::get(path).header(header::AUTHORIZATION, authorization).body(Full::default())?).await
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After so long.
    Time(Duration),
    /// After so many answers.
    Answers(u64),
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Whole and right answers.
    pub answers: u64,
    /// From the first request to the last answer.
    pub took: Duration,
}

/// Connections to one server that ask one thing.
#[derive(Debug)]
pub struct Fleet {
    connections: Vec<Connection>,
    ask: Arc<Ask>,
}

impl Fleet {
    /// Opens the connections.
    pub async fn unused(address: SocketAddr, count: usize, ask: &Arc<Ask>) -> Result<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(address).await?);
        }
        Ok(Self { connections, ask: Arc::clone(ask) })
    }

    /// Opens the connections and asks on each: nothing that is measured later happens for the first time.
    pub async fn connect(address: SocketAddr, count: usize, ask: &Arc<Ask>) -> Result<Self> {
        let mut fleet = Self::unused(address, count, ask).await?;
        fleet.run(Until::Answers(count as u64)).await?;
        Ok(fleet)
    }

    /// A closed loop: each connection asks again as soon as it has its answer.
    pub async fn run(&mut self, until: Until) -> Result<Tally> {
        let left = Arc::new(AtomicI64::new(match until {
            Until::Time(_) => i64::MAX,
            Until::Answers(count) => i64::try_from(count)?,
        }));
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let (left, ask) = (Arc::clone(&left), Arc::clone(&self.ask));
            tasks.spawn(async move {
                let mut answers = 0;
                while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                    connection.exchange(&ask, Instant::now()).await?;
                    answers += 1;
                }
                anyhow::Ok((connection, answers))
            });
        }
        if let Until::Time(time) = until {
            tokio::time::sleep(time).await;
            left.store(0, Ordering::Relaxed);
        }
        let ended = self.gather(tasks).await?;
        Ok(Tally { answers: ended.into_iter().sum(), took: begun.elapsed() })
    }

    /// An open loop: so many requests a second whether or not answers come, each timed from when it was due. A server
    /// that falls behind is thus seen to.
    pub async fn run_at(&mut self, rate: u32, time: Duration) -> Result<Vec<Answered>> {
        let mut places = Vec::new();
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let (place, mut dues) = mpsc::unbounded_channel();
            places.push(place);
            let ask = Arc::clone(&self.ask);
            tasks.spawn(async move {
                let mut answers = Vec::new();
                while let Some(due) = dues.recv().await {
                    answers.push(connection.exchange(&ask, due).await?);
                }
                anyhow::Ok((connection, answers))
            });
        }
        let pace = tokio::task::spawn_blocking(move || pace(&places, rate, time));
        let ended = self.gather(tasks).await?;
        pace.await?;
        Ok(ended.into_iter().flatten().collect())
    }

    /// One request on each connection, spread evenly over `ramp`.
    pub async fn run_once(&mut self, ramp: Duration) -> Result<Vec<Answered>> {
        let step = ramp / u32::try_from(self.connections.len().max(1))?;
        let begun = tokio::time::Instant::now();
        let mut tasks = JoinSet::new();
        for (mut connection, place) in self.connections.drain(..).zip(0..) {
            let ask = Arc::clone(&self.ask);
            tasks.spawn(async move {
                tokio::time::sleep_until(begun + step * place).await;
                let answered = connection.exchange(&ask, Instant::now()).await?;
                anyhow::Ok((connection, answered))
            });
        }
        self.gather(tasks).await
    }

    /// Takes the connections back. The first wrong answer ends the run.
    async fn gather<T: Send + 'static>(&mut self, mut tasks: JoinSet<Result<(Connection, T)>>) -> Result<Vec<T>> {
        let mut ended = Vec::with_capacity(tasks.len());
        while let Some(task) = timeout(PATIENCE, tasks.join_next()).await.context("an answer does not come")? {
            let (connection, result) = task??;
            self.connections.push(connection);
            ended.push(result);
        }
        Ok(ended)
    }
}

/// Hands out dues, one connection after the other. A thread of its own, because the runtime's timer is a millisecond
/// coarse.
fn pace(places: &[mpsc::UnboundedSender<Instant>], rate: u32, time: Duration) {
    let begun = Instant::now();
    let count = (f64::from(rate) * time.as_secs_f64()) as u32;
    for (number, place) in (0..count).zip(places.iter().cycle()) {
        let due = begun + Duration::from_secs(1) * number / rate;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A connection that failed says so by itself.
        let _ = place.send(due);
    }
}
