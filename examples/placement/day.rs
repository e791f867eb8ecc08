//! One day with one strategy.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use ccflare_core::{
    balance::{Strategy, StrategyName},
    clock::Clock,
    control::views::NewAccount,
    domain::{Secret, Timestamp},
    gateway::{Gateway, GatewayOptions},
    proxy::Line,
    store::{LedgerStore, PageRequest, RedbStore},
};
use ccflare_mock::{Allowance, Economy, KeyConfig, MockConfig, MockUpstream, Reply, Usage, VirtualTime};
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

use crate::{
    ACCOUNTS, WEEK,
    workload::{self, Ask},
};

/// When the day begins, in seconds since 1970.
const MORNING: u64 = 1_800_000_000;

/// In nano-dollars.
const DOLLAR: u64 = 1_000_000_000;

/// Tokens of each answer.
const OUTPUT: u64 = 700;

/// A client that was refused asks again after this long, even if it was told to wait for longer.
const LONGEST_WAIT: u64 = 600;

/// Who chooses the account.
pub(crate) enum Chooser {
    Named(StrategyName),
    Own(Arc<dyn Strategy>),
}

impl Chooser {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Named(name) => name.as_str(),
            Self::Own(strategy) => strategy.name(),
        }
    }
}

/// What a day came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Day {
    /// Requests answered.
    pub(crate) answered: u64,
    /// What they used.
    pub(crate) usage: Usage,
    /// What that cost.
    pub(crate) nano_usd: u64,
    /// Limits that clients saw.
    pub(crate) refused: u64,
    /// Those that they saw while some account would have answered.
    pub(crate) avoidable: u64,
    /// How often a main thread, or a sub-agent, went on on another account than before.
    pub(crate) moves: u64,
    /// Sub-agents that began on another account than the one that had answered their session last, though that one served.
    pub(crate) apart: u64,
    /// How many accounts ran into a limit at least once.
    pub(crate) limited: usize,
}

impl Day {
    /// The share of all prompt tokens that was read from a cache.
    #[allow(clippy::cast_precision_loss, reason = "a share")]
    pub(crate) fn read_share(&self) -> f64 {
        self.usage.cache_read as f64 / self.usage.total_input().max(1) as f64
    }

    /// Everything on one account that bears everything.
    pub(crate) async fn without_limits() -> anyhow::Result<Self> {
        run(&[("one", None)], &Chooser::Named(StrategyName::Session)).await
    }

    /// On eight accounts, each with its limits.
    pub(crate) async fn with_limits(chooser: &Chooser) -> anyhow::Result<Self> {
        let limited = ACCOUNTS.map(|(name, dollars)| {
            let five_hours = dollars * DOLLAR;
            (name, Some(Allowance::subscription(five_hours, five_hours * WEEK)))
        });
        run(&limited, chooser).await
    }
}

/// The upstream's time, as the gateway asks for it.
#[derive(Debug)]
struct SharedTime(VirtualTime);

impl Clock for SharedTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.0.micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.micros())
    }
}

async fn run(accounts: &[(&str, Option<Allowance>)], chooser: &Chooser) -> anyhow::Result<Day> {
    let time = VirtualTime::at(MORNING);
    let mut economy = Economy { bytes_per_token: workload::BYTES_PER_TOKEN, ..Economy::new(time.clone()) };
    let mut config = MockConfig { keep_bodies: false, ..MockConfig::default() };
    config.reply = Reply { usage: Usage::new(0, OUTPUT), ..Reply::default() };
    for (name, allowance) in accounts {
        // Accounts of one organisation would share their limits.
        config = config.key(*name, KeyConfig::organization(format!("org-{name}")));
        if let Some(allowance) = allowance {
            economy = economy.allow(*name, allowance.clone());
        }
    }
    let mock = MockUpstream::start(MockConfig { economy: Some(economy), ..config }).await;

    let mut options = GatewayOptions::default();
    options.upstream_base_url = Some(mock.url().parse()?);
    let store = Arc::new(RedbStore::in_memory());
    let builder = Gateway::builder(Arc::clone(&store) as _).clock(Arc::new(SharedTime(time.clone())));
    let gateway = match chooser {
        Chooser::Named(name) => {
            options.strategy = *name;
            builder.options(options).build().await?
        }
        Chooser::Own(strategy) => builder.options(options).strategy(Arc::clone(strategy)).build().await?,
    };
    for (name, _) in accounts {
        gateway.control().add_account(NewAccount::with_key(name, Secret::new(name))).await?;
        time.advance(Duration::from_millis(1));
    }

    let mut day = Day::default();
    live(&mut day, &gateway.line(), &mock, &time, accounts).await?;
    gateway.shutdown(Duration::from_secs(30)).await;
    for spent in mock.spent().values() {
        day.answered += spent.messages;
        day.usage.add(&spent.usage);
        day.nano_usd += spent.nano_usd;
        day.limited += usize::from(spent.refused > 0);
    }
    day.moves = moves(&mock);
    day.apart = apart(&mock);
    let booked = booked(&store).await?;
    anyhow::ensure!(booked == day.nano_usd, "the ledger says {booked} nano-dollars, the upstream {}", day.nano_usd);
    mock.shutdown().await;
    Ok(day)
}

/// Lets the day pass, from one second in which somebody asks to the next.
async fn live(
    day: &mut Day,
    line: &Line,
    mock: &MockUpstream,
    time: &VirtualTime,
    accounts: &[(&str, Option<Allowance>)],
) -> anyhow::Result<()> {
    let mut asks: BinaryHeap<_> = workload::first_asks().into_iter().map(InOrder).map(Reverse).collect();
    while let Some(at) = asks.peek().map(|Reverse(InOrder(ask))| ask.at) {
        // A second after the accounts were added; whole seconds, as resets are stated in them.
        time.move_to((MORNING + 1 + at) * 1_000_000);
        let mut now = Vec::new();
        while asks.peek().is_some_and(|Reverse(InOrder(ask))| ask.at == at) {
            now.extend(asks.pop().map(|Reverse(InOrder(ask))| ask));
        }
        let answers = join_all(now.iter().map(|ask| send(line.clone(), ask))).await;
        for (ask, answer) in now.iter().zip(answers) {
            match answer? {
                Answer::Good => asks.extend(workload::next_asks(ask).into_iter().map(InOrder).map(Reverse)),
                Answer::Limited { wait } => {
                    day.refused += 1;
                    day.avoidable += u64::from(accounts.iter().any(|(name, _)| mock.is_open(name)));
                    let at = ask.at + wait.clamp(1, LONGEST_WAIT);
                    asks.push(Reverse(InOrder(Ask { at, ..ask.clone() })));
                }
            }
        }
    }
    Ok(())
}

enum Answer {
    Good,
    Limited { wait: u64 },
}

async fn send(line: Line, ask: &Ask) -> anyhow::Result<Answer> {
    let session = workload::session(ask.conversation);
    let mut request = Request::post("/v1/messages?beta=true")
        .header("content-type", "application/json")
        .header("user-agent", "claude-cli/2.1.330 (external, cli)")
        .header("x-claude-code-session-id", &session);
    if let Some(agent) = workload::agent_id(ask) {
        request = request.header("x-claude-code-agent-id", agent);
    }
    let body = Full::new(Bytes::from(workload::body(ask).to_string()));
    let answer = line.oneshot(request.body(body)?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.into_body().collect().await.map_err(|error| anyhow::anyhow!("cut: {error}"))?.to_bytes();
    match status {
        StatusCode::OK => Ok(Answer::Good),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            Ok(Answer::Limited { wait: wait.unwrap_or(1) })
        }
        other => anyhow::bail!("{other}: {}", String::from_utf8_lossy(&body)),
    }
}

/// How often the good answers to one agent came from another account than the one before.
fn moves(mock: &MockUpstream) -> u64 {
    let mut last = HashMap::new();
    let mut moves = 0;
    for request in mock.requests().into_iter().filter(|request| request.status() == Some(200)) {
        let text = |name| request.header(name).unwrap_or_default().to_owned();
        let who = (text("x-claude-code-session-id"), text("x-claude-code-agent-id"));
        let key = request.key.unwrap_or_default();
        moves += u64::from(last.insert(who, key.clone()).is_some_and(|before| before != key));
    }
    moves
}

/// How many sub-agents were not sent where their session was.
fn apart(mock: &MockUpstream) -> u64 {
    let (mut homes, mut serves, mut begun) = (HashMap::new(), HashMap::new(), HashSet::new());
    let mut apart = 0;
    for request in mock.requests() {
        let is_good = request.status() == Some(200);
        let text = |name| request.header(name).unwrap_or_default().to_owned();
        let (session, agent) = (text("x-claude-code-session-id"), text("x-claude-code-agent-id"));
        let key = request.key.unwrap_or_default();
        serves.insert(key.clone(), is_good);
        if agent.is_empty() {
            if is_good {
                homes.insert(session, key);
            }
        } else if is_good && begun.insert(agent) {
            let home = homes.get(&session).filter(|home| serves.get(*home) == Some(&true));
            apart += u64::from(home.is_some_and(|home| *home != key));
        }
    }
    apart
}

/// What the gateway's own ledger says that the day cost.
async fn booked(store: &RedbStore) -> anyhow::Result<u64> {
    let (mut sum, mut before) = (0, None);
    loop {
        let page = store.exchanges(PageRequest { before, limit: 1000 }).await?;
        let Some(last) = page.last() else { return Ok(sum) };
        before = Some(last.intent.id);
        sum += page.iter().filter_map(|exchange| exchange.cost).map(|cost| cost.0).sum::<u64>();
    }
}

/// Ordered by time, then by who asks, so that each day goes the same way.
struct InOrder(Ask);

impl InOrder {
    fn key(&self) -> (u64, usize, Option<usize>, usize) {
        (self.0.at, self.0.conversation, self.0.agent, self.0.turn)
    }
}

impl PartialEq for InOrder {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for InOrder {}

impl PartialOrd for InOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
