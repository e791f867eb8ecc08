//! The processes: this program again, each in another role.

use std::{
    fmt,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use ccflare_core::{
    clock::{Clock, SystemClock},
    control::views::NewAccount,
    domain::Secret,
    store::RedbStore,
};
use ccflare_mock::{MockConfig, MockUpstream};
use ccflare_server::config::{Config, Places};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    bare, measure, old,
    watchers::{Seen, Watchers},
};

/// The admin token of every server that is measured.
pub const TOKEN: &str = "the-benchs-own-token";

const ROLE: &str = "PROXY_BENCH_ROLE";
const UPSTREAM: &str = "PROXY_BENCH_UPSTREAM";
const DATA: &str = "PROXY_BENCH_DATA";
/// How many requests are in the ledger from the start that are too old to be kept; none if it is not set.
const OLD: &str = "PROXY_BENCH_OLD";

/// What a process of this program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The API.
    Mock,
    /// The yardstick.
    Bare,
    /// What is measured.
    Ccflare,
    /// Those who read what a ccflare tells, slowly.
    Readers,
    /// Those who look at its pages.
    Dashboards,
}

impl Role {
    const ALL: [Self; 5] = [Self::Mock, Self::Bare, Self::Ccflare, Self::Readers, Self::Dashboards];

    /// The role this process was started in; `None` for the one that measures.
    pub fn of_process() -> Option<Self> {
        let name = std::env::var(ROLE).ok()?;
        Self::ALL.into_iter().find(|role| role.to_string() == name)
    }

    /// Plays the role until the process that measures is gone.
    pub async fn play(self) -> Result<()> {
        let seen = Arc::<Seen>::default();
        leave_with_parent(Arc::clone(&seen));
        match self {
            Self::Mock => {
                let mock = MockUpstream::try_start(MockConfig::default().without_record()).await?;
                announce(mock.addr())?;
                std::future::pending().await
            }
            Self::Bare => {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
                announce(listener.local_addr()?)?;
                bare::serve(listener, &variable(UPSTREAM)?.parse()?).await
            }
            Self::Ccflare => ccflare(&variable(UPSTREAM)?, variable(DATA)?.into()).await,
            Self::Readers => watch(Watchers::slow, seen).await,
            Self::Dashboards => watch(Watchers::dashboards, seen).await,
        }
    }

    /// Readers and dashboards are elsewhere in life. Here they take what processor time the others leave.
    const fn is_elsewhere(self) -> bool {
        matches!(self, Self::Readers | Self::Dashboards)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mock => "mock",
            Self::Bare => "bare",
            Self::Ccflare => "ccflare",
            Self::Readers => "readers",
            Self::Dashboards => "dashboards",
        })
    }
}

/// The server as it is shipped, with its database in `data` and one account.
async fn ccflare(upstream: &str, data: PathBuf) -> Result<()> {
    let flags = [("listen", "127.0.0.1:0".to_owned()), ("admin_token", TOKEN.to_owned())];
    let places = Places { config_dir: data.join("config"), data_dir: data.join("data"), home: None };
    std::fs::create_dir(&places.config_dir)?;
    let config = Config::resolve(flags, |_| None, None, &places)?;
    // Warnings would be worth seeing; the two lines at the start are not.
    ccflare_server::logging::init("warn", config.log_format).map_err(anyhow::Error::msg)?;
    if let Ok(requests) = variable(OLD) {
        std::fs::create_dir_all(&config.data_dir)?;
        let store = RedbStore::open_with(&config.database(), &config.master()?)?;
        old::fill(&store, requests.parse()?, SystemClock::new().now()).await?;
    }
    let running = ccflare_server::start(config).await?;
    let account = NewAccount::with_key("bench", Secret::new("the-accounts-own-key")).at(upstream);
    running.control.add_account(account).await?;
    announce(running.address)?;
    std::future::pending().await
}

/// Watches the server that stands in the upstream's place, until a watcher fails.
async fn watch(begin: fn(SocketAddr, Arc<Seen>) -> Watchers, seen: Arc<Seen>) -> Result<()> {
    let server = variable(UPSTREAM)?;
    let server = server.strip_prefix("http://").unwrap_or(&server).parse()?;
    announce(server)?;
    begin(server, seen).failed().await
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set"))
}

fn announce(address: SocketAddr) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    Ok(out.flush()?)
}

/// The parent holds the other end of standard input, and lets go of it however it dies. Tells what was seen until then.
fn leave_with_parent(seen: Arc<Seen>) {
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        // Nobody may be there to hear it.
        let _ = writeln!(std::io::stdout(), "{seen}");
        std::process::exit(0);
    });
}

/// A process in a role; killed when dropped.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    says: BufReader<ChildStdout>,
    _data: TempDir,
}

impl Process {
    /// Starts it and waits until it listens.
    pub fn start(role: Role, upstream: Option<SocketAddr>) -> Result<Self> {
        Self::start_with(role, upstream, None)
    }

    /// A ccflare that has so many requests to delete.
    pub fn start_with_old(requests: u64, upstream: SocketAddr) -> Result<Self> {
        Self::start_with(Role::Ccflare, Some(upstream), Some(requests))
    }

    fn start_with(role: Role, upstream: Option<SocketAddr>, old: Option<u64>) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let program = std::env::current_exe()?;
        let mut command = if role.is_elsewhere() {
            let mut idle = Command::new("chrt");
            idle.args(["--idle", "0"]).arg(program);
            idle
        } else {
            Command::new(program)
        };
        command.env(ROLE, role.to_string()).env(DATA, data.path());
        if let Some(upstream) = upstream {
            command.env(UPSTREAM, format!("http://{upstream}"));
        }
        if let Some(old) = old {
            command.env(OLD, old.to_string());
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let mut says = BufReader::new(child.stdout.take().context("standard output is piped")?);
        says.read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("{role} did not start: {line:?}"));
        if address.is_err() {
            let _ = child.kill();
        }
        Ok(Self { address: address?, child, says, _data: data })
    }

    /// What it has used so far.
    pub fn used(&self) -> Result<measure::Used> {
        measure::Used::of(self.child.id())
    }

    /// Sees that it has not failed.
    pub fn check(&mut self) -> Result<()> {
        self.child.try_wait()?.map_or(Ok(()), |status| bail!("a process has failed: {status}"))
    }

    /// Lets it go, and hears what it has to say of what it saw.
    pub fn finish(mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.says.read_to_string(&mut said)?;
        Ok(said.trim().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Which way a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the mock without a proxy.
    Direct,
    /// Through the bare proxy.
    Bare,
    /// Through ccflare.
    Ccflare,
}

impl Way {
    /// In the order of the table.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Bare, Self::Ccflare];

    /// The two that are compared.
    pub const PROXIES: [Self; 2] = [Self::Bare, Self::Ccflare];
}

/// A mock and both proxies before it, fresh.
#[derive(Debug)]
pub struct Stage {
    bare: Process,
    ccflare: Process,
    // Dropped last, so that nobody complains that it is gone.
    mock: Process,
}

impl Stage {
    /// Starts all three.
    pub fn start() -> Result<Self> {
        let mock = Process::start(Role::Mock, None)?;
        let bare = Process::start(Role::Bare, Some(mock.address))?;
        let ccflare = Process::start(Role::Ccflare, Some(mock.address))?;
        Ok(Self { bare, ccflare, mock })
    }

    /// The process a client speaks to on this way.
    pub fn process(&self, way: Way) -> &Process {
        match way {
            Way::Direct => &self.mock,
            Way::Bare => &self.bare,
            Way::Ccflare => &self.ccflare,
        }
    }

    /// Sees that what was measured did what it is measured with: the latest request is in the ledger, with its price.
    pub async fn check_ledger(&self) -> Result<()> {
        check_ledger(self.ccflare.address).await
    }
}

/// The same of one server.
pub async fn check_ledger(server: SocketAddr) -> Result<()> {
    // Asks of its own server only, once; commits follow within milliseconds.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let page = crate::load::get(server, "/api/requests?limit=1", TOKEN).await?;
    let page: serde_json::Value = serde_json::from_slice(&page).context("the ledger's page is no JSON")?;
    let latest = page.get(0).context("the ledger is empty")?;
    let is_priced = latest["costUsd"].as_f64().is_some_and(|cost| cost > 0.0);
    ensure!(latest["statusCode"] == 200 && is_priced, "the latest request is not recorded as served: {latest}");
    Ok(())
}
