//! What the dashboard's pages cost over a busy month: time on the server, and bytes over the wire.
//!
//! ```text
//! cargo bench -p ccflare-server --bench pages                        # 100,000 requests, half a minute
//! cargo bench -p ccflare-server --bench pages -- --requests 1000000  # what docs/performance.md tells
//! ```
//!
//! Each page is asked for a hundred times on one connection, as a browser does it; its time is that from the request to the last byte
//! of the answer. Fails if a page, with the files it names, is larger than a first load may be. How fast the machine is
//! fails nothing: a page that is slower than aimed at says so.

#![allow(clippy::print_stdout, reason = "what it measures is what it is run for")]
#![allow(unreachable_pub, reason = "it is a program: nothing of it can be reached")]

mod browser;
mod month;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use browser::Browser;
use ccflare_core::{
    clock::Clock,
    control::{
        Control,
        views::{RequestPageQuery, SessionPageQuery},
    },
    domain::{Secret, Timestamp},
    gateway::{Gateway, GatewayOptions},
    store::{RedbStore, SealKey},
};
use ccflare_server::{AdminToken, App, Edge, Readiness, ServeOptions};
use comfy_table::{CellAlignment, Table, presets};
use tokio::net::TcpListener;

/// As in the binary that is shipped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOKEN: &str = "the-benchs-own-token";

/// Nobody waits for a page longer than this, at the 99th of a hundred.
const AIM: Duration = Duration::from_millis(25);

/// A first load is not larger than this.
const MOST_BYTES: usize = 100 * 1024;

const TIMES: usize = 100;

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--requests");
    let requests = arguments.nth(1).map_or(Ok(100_000), |count| count.parse()).context("--requests wants a number")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(requests))
}

/// A clock that stands still at the end of the month.
#[derive(Debug)]
struct MonthsEnd;

impl Clock for MonthsEnd {
    fn now(&self) -> Timestamp {
        month::END
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

async fn run(requests: u64) -> Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let store = RedbStore::open(&directory.path().join("ledger.redb"), SealKey::generate())?;
    let begun = Instant::now();
    month::fill(&store, requests).await?;
    println!("{requests} requests written in {:.0?}", begun.elapsed());

    let builder = Gateway::builder(Arc::new(store)).clock(Arc::new(MonthsEnd)).options(GatewayOptions::default());
    let gateway = builder.build().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let token = AdminToken::new(&Secret::new(TOKEN));
    let app = App::new(Edge::new(address, vec![]), gateway.line(), gateway.control(), token, Readiness::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let serving = tokio::spawn(ccflare_server::serve(listener, app, ServeOptions::default(), stopped));

    let mut browser = Browser::open(address, TOKEN).await?;
    let pages = measure(&mut browser, &*gateway.control()).await?;
    println!("{}", table(&pages));

    drop(browser);
    let _ = stop.send(());
    serving.await?;
    let _ = gateway.shutdown(Duration::from_secs(10)).await;
    let large: Vec<_> = pages.iter().filter(|page| page.first_load > MOST_BYTES).map(|page| page.name).collect();
    if large.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("larger than {} KiB: {}", MOST_BYTES >> 10, large.join(", "));
    Ok(ExitCode::FAILURE)
}

/// What a page costs.
struct Cost {
    name: &'static str,
    p50: Duration,
    p99: Duration,
    /// The page alone, as it goes over the wire.
    bytes: usize,
    /// With all that it names.
    first_load: usize,
}

/// Every page, with something on it.
async fn pages(control: &dyn Control) -> Result<Vec<(&'static str, String)>> {
    let requests = control.requests(RequestPageQuery::newest(1)).await?.requests;
    let request = requests.first().context("there is a request")?;
    let sessions = control.sessions(SessionPageQuery::default()).await?.sessions;
    let session = sessions.iter().max_by_key(|session| session.requests).context("there is a session")?;
    let accounts = control.accounts().await?;
    let account = accounts.first().context("there is an account")?;
    Ok(vec![
        ("overview", "/".to_owned()),
        ("overview, 30 days", "/?range=30d".to_owned()),
        ("analytics", "/analytics".to_owned()),
        ("analytics, 30 days by model", "/analytics?range=30d&split=model".to_owned()),
        ("requests", "/requests".to_owned()),
        ("requests, failed", "/requests?status=error".to_owned()),
        ("requests, of one account and model", format!("/requests?account=account+3&model={}", month::MODELS[1])),
        ("one request", format!("/requests/{}", request.id)),
        ("sessions", "/sessions".to_owned()),
        ("one session, a long one", format!("/sessions/{}", session.id)),
        ("accounts", "/accounts".to_owned()),
        ("one account", format!("/accounts/{}", account.id)),
        ("agents", "/agents".to_owned()),
        ("placement", "/explain".to_owned()),
        ("client keys", "/keys".to_owned()),
        ("stats", "/stats".to_owned()),
        ("settings", "/settings".to_owned()),
        ("logs", "/logs".to_owned()),
        ("audit log", "/audit".to_owned()),
        ("how to begin", "/start".to_owned()),
    ])
}

async fn measure(browser: &mut Browser, control: &dyn Control) -> Result<Vec<Cost>> {
    let mut costs = Vec::new();
    for (name, path) in pages(control).await? {
        let first_load = browser.first_load(&path).await.with_context(|| format!("{name}: {path}"))?;
        let mut times = Vec::with_capacity(TIMES);
        let mut bytes = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            bytes = browser.get(&path).await?.len();
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        costs.push(Cost { name, p50: times[TIMES / 2 - 1], p99: times[TIMES * 99 / 100 - 1], bytes, first_load });
    }
    Ok(costs)
}

fn table(pages: &[Cost]) -> Table {
    let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let kilobytes = |bytes: usize| format!("{:.1} KiB", bytes as f64 / 1024.0);
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["", "p50", "p99", "page", "first load", ""]);
    for page in pages {
        let verdict = match (page.first_load > MOST_BYTES, page.p99 > AIM) {
            (true, _) => "TOO LARGE",
            (_, true) => "slow",
            _ => "",
        };
        let (p50, p99) = (millis(page.p50), millis(page.p99));
        table.add_row([page.name, &p50, &p99, &kilobytes(page.bytes), &kilobytes(page.first_load), verdict]);
    }
    for column in 1..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
