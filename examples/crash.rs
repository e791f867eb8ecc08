//! Kills a gateway under load, again and again, and compares the books.
//!
//! A child process (this program once more) serves a gateway on a database file. The parent is upstream and client in
//! one: it sends requests, each with a model name of its own, and kills the child with SIGKILL at a random moment. Then
//! it opens the file as the next start would and looks for every request that the upstream has seen.
//!
//! ```text
//! cargo run --profile fastrel -p ccflare-examples --example crash [KILLS]
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::get};
use bytes::Bytes;
use ccflare_core::{
    control::views::{NewAccount, StatusView},
    domain::{Outcome, Secret},
    gateway::Gateway,
    store::{LedgerStore, PageRequest, RedbStore, SealKey},
};
use ccflare_mock::{MockConfig, MockUpstream};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

const DATABASE: &str = "CRASH_DATABASE";
const UPSTREAM: &str = "CRASH_UPSTREAM";

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match (std::env::var(DATABASE), std::env::var(UPSTREAM)) {
        (Ok(database), Ok(upstream)) => runtime.block_on(serve(Path::new(&database), &upstream)),
        _ => runtime.block_on(torment(std::env::args().nth(1).map_or(Ok(20), |kills| kills.parse())?)),
    }
}

/// The child: serves until it is killed.
async fn serve(database: &Path, upstream: &str) -> anyhow::Result<()> {
    let key = SealKey::load_or_create(&database.with_extension("key"))?;
    let gateway = Gateway::builder(Arc::new(RedbStore::open(database, key)?)).build().await?;
    let control = gateway.control();
    if control.accounts().await?.is_empty() {
        control.add_account(NewAccount::with_key("work", Secret::new("sk-ant-api03-example")).at(upstream)).await?;
    }
    let status = move || async move { Json(control.status().await.ok()) };
    let app = Router::new().route("/status", get(status)).fallback_service(gateway.line());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

/// What one kill cost.
#[derive(Debug, Default)]
struct Loss {
    seen: usize,
    settled: usize,
    interrupted: usize,
    lost: usize,
    oldest_lost: Duration,
    commit: Duration,
}

async fn torment(kills: u32) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("ccflare.redb");
    let mock =
        MockUpstream::start(MockConfig { capacity: 1_000_000, keep_bodies: true, ..MockConfig::default() }).await;
    let mut known = BTreeSet::new();
    println!(
        "{:>4} {:>8} {:>8} {:>11} {:>6} {:>16} {:>10}",
        "kill", "seen", "settled", "interrupted", "lost", "oldest lost", "a commit"
    );
    let mut worst = Duration::ZERO;
    for kill in 1..=kills {
        let loss = one_kill(&mock, &database, &mut known, kill).await?;
        println!(
            "{kill:>4} {:>8} {:>8} {:>11} {:>6} {:>13.1} ms {:>7.1} ms",
            loss.seen,
            loss.settled,
            loss.interrupted,
            loss.lost,
            loss.oldest_lost.as_secs_f64() * 1e3,
            loss.commit.as_secs_f64() * 1e3,
        );
        worst = worst.max(loss.oldest_lost.saturating_sub(loss.commit));
    }
    println!("no record was lost that was older than one commit and {:.1} ms", worst.as_secs_f64() * 1e3);
    mock.shutdown().await;
    // The queue gathers for 50 ms; a slow disk or a busy machine may take as long again.
    anyhow::ensure!(
        worst < Duration::from_millis(250),
        "records were lost that should have been committed long before"
    );
    Ok(())
}

async fn one_kill(
    mock: &MockUpstream,
    database: &Path,
    known: &mut BTreeSet<String>,
    kill: u32,
) -> anyhow::Result<Loss> {
    mock.forget();
    let (mut child, base) = start(database, &mock.url())?;
    let load = Load::start(&base, kill);
    let pause = 150 + u64::from(std::process::id().wrapping_mul(kill).wrapping_mul(2_654_435_761) % 700);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    let status = client().get(format!("{base}/status").parse()?).await?.into_body().collect().await?.to_bytes();
    let status: StatusView = serde_json::from_slice(&status)?;
    child.kill()?;
    let killed = Instant::now();
    child.wait()?;
    load.stop().await;
    anyhow::ensure!(mock.settled(Duration::from_secs(10)).await, "the upstream is done");

    let store = RedbStore::open(database, SealKey::load_or_create(&database.with_extension("key"))?)?;
    store.recover().await?;
    let mut recorded = BTreeMap::new();
    let mut page = PageRequest { before: None, limit: 5000 };
    loop {
        let exchanges = store.exchanges(page).await?;
        let Some(last) = exchanges.last() else { break };
        page.before = Some(last.intent.id);
        for exchange in exchanges {
            let model = exchange.intent.model.as_deref().unwrap_or_default().to_owned();
            let earlier = recorded.insert(model.clone(), exchange.outcome);
            anyhow::ensure!(earlier.is_none(), "{model} stands in the ledger twice");
        }
    }
    anyhow::ensure!(known.iter().all(|model| recorded.contains_key(model)), "an earlier record has vanished");

    let mut loss =
        Loss { commit: Duration::from_secs_f64(status.last_commit_ms.unwrap_or(0.0) / 1e3), ..Loss::default() };
    for request in mock.requests() {
        let model = request.json()["model"].as_str().unwrap_or_default().to_owned();
        loss.seen += 1;
        match recorded.get(&model) {
            Some(Outcome::Interrupted) => loss.interrupted += 1,
            Some(_) => loss.settled += 1,
            None => {
                loss.lost += 1;
                loss.oldest_lost = loss.oldest_lost.max(killed.saturating_duration_since(request.at));
            }
        }
    }
    known.extend(recorded.into_keys());
    Ok(loss)
}

fn start(database: &Path, upstream: &str) -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .env(DATABASE, database)
        .env(UPSTREAM, upstream)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut base = String::new();
    let stdout = child.stdout.take().ok_or_else(|| anyhow::anyhow!("the child has a standard output"))?;
    BufReader::new(stdout).read_line(&mut base)?;
    anyhow::ensure!(base.starts_with("http://"), "the child did not start");
    Ok((child, base.trim().to_owned()))
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Sixteen clients that send one request after the other.
struct Load {
    clients: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(base: &str, kill: u32) -> Self {
        let next = Arc::new(AtomicU64::new(0));
        let http = client();
        let client = |_| {
            let (next, http, url) = (Arc::clone(&next), http.clone(), format!("{base}/v1/messages"));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let stream = number.is_multiple_of(2);
                    let body = serde_json::json!({ "model": format!("kill-{kill}-{number}"), "stream": stream });
                    let Ok(request) = Request::post(&url).body(Full::from(body.to_string())) else { break };
                    let Ok(answer) = http.request(request).await else { break };
                    if answer.into_body().collect().await.is_err() {
                        break;
                    }
                }
            })
        };
        Self { clients: (0..16).map(client).collect() }
    }

    /// They stop by themselves: nobody answers any more.
    async fn stop(self) {
        for client in self.clients {
            client.await.ok();
        }
    }
}
