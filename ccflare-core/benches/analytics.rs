//! The ledger with millions of requests: how fast it takes them, what it answers how fast, how large it is, and what
//! deleting costs.
//!
//! ```text
//! cargo bench -p ccflare-core --bench analytics                        # 200,000 requests, a minute
//! cargo bench -p ccflare-core --bench analytics -- --requests 10000000 # a month of twenty busy accounts
//! ```

#![allow(clippy::print_stdout, reason = "what it measures is what it is run for")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ccflare_core::{
    analytics::{Filter, Kept},
    clock::Clock,
    control::{
        AnalyticsControl, Local, RequestControl,
        views::{AnalyticsQuery, RequestFilter, RequestPageQuery},
    },
    domain::{
        Account, AccountId, Asker, AttemptRecord, Choice, ClientKey, ClientKeyId, Credential, Decision, Exchange,
        ExchangeId, Fingerprint, Headroom, Intent, KeyDigest, Named, Outcome, Ranked, Secret, Timestamp, Timing,
        Tokens, Usage, VerdictKind,
    },
    oauth::AuthorizationServers,
    pricing::PriceTable,
    retention::{self, RetentionPolicy},
    store::{
        AccountStore, AnalyticsStore, ClientKeyStore, LedgerEntry, LedgerStore, MaintenanceStore, Progress, RedbStore,
        SealKey, Wanted,
    },
};
use redb::{Database, ReadableDatabase, ReadableTableMetadata, TableHandle};

/// The binaries' own: a page of requests is made of thousands of small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of the file for each request, without payloads.
const MOST_BYTES: f64 = 400.0;

const END: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

const ACCOUNTS: usize = 20;
const KEYS: usize = 6;
/// Conversations that are under way at a time, and how many requests each has on average.
const SESSIONS: usize = 150;
const LENGTH: u64 = 60;

const MODELS: [&str; 4] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2"];
const AGENTS: [&str; 8] = ["reviewer", "tester", "explorer", "planner", "writer", "debugger", "translator", "auditor"];

/// Settlements in one commit, each with its intent: a full batch of the ledger's queue.
const BATCH: usize = 2048;

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--requests");
    let requests = arguments.nth(1).map_or(200_000, |count| count.parse().expect("a number of requests"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.expect("a runtime").block_on(run(requests));
}

async fn run(requests: u64) {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, key) = (directory.path().join("ledger.redb"), SealKey::generate());
    let store = RedbStore::open(&path, key.clone()).expect("a database");
    let world = World::new(&store).await;
    ingest(&store, &world, requests).await;
    size(&store, &world, requests).await;
    compaction(&store, requests).await;
    drop(store);
    tables(&path, requests);
    let store = Arc::new(RedbStore::open(&path, key).expect("the same database"));
    let clock = Arc::new(MonthsEnd);
    let control =
        Local::offline(Arc::clone(&store) as _, AuthorizationServers::default(), clock).await.expect("a desk");
    answers(&control).await;
    pages(&control, &store).await;
    deletion(&store, &world, requests).await;
}

/// A clock that stands still at the end of the month.
#[derive(Debug)]
struct MonthsEnd;

impl Clock for MonthsEnd {
    fn now(&self) -> Timestamp {
        END
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A random number that is the same in each run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// Spread over all magnitudes up to `end`, as times and lengths are.
    fn skewed(&mut self, end: u64) -> u64 {
        let bits = self.below(u64::from(64 - end.leading_zeros())) + 1;
        self.below(1 << bits).min(end)
    }
}

/// Who there is.
struct World {
    accounts: Vec<(AccountId, Arc<str>)>,
    keys: Vec<(ClientKeyId, Arc<str>)>,
    models: Vec<Arc<str>>,
    agents: Vec<Arc<str>>,
    path: Arc<str>,
    priced: Arc<str>,
}

impl World {
    async fn new(store: &RedbStore) -> Self {
        let mut accounts = Vec::new();
        for number in 0..ACCOUNTS {
            let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
            let account = Account::new(&format!("account {number}"), "anthropic", key, END - MONTH);
            store.add_account(&account).await.expect("added");
            accounts.push((account.id, account.name.clone()));
        }
        let mut keys = Vec::new();
        for number in 0..KEYS {
            let name: Arc<str> = format!("team {number}").into();
            let key = ClientKey {
                id: ClientKeyId::new(END - MONTH),
                name: name.clone(),
                digest: KeyDigest::of(&name),
                created: END - MONTH,
                expires: None,
                revoked: None,
                models: Vec::new(),
                accounts: Vec::new(),
                last_used: None,
            };
            store.put_client_key(&key).await.expect("added");
            keys.push((key.id, name));
        }
        let shared = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
        Self {
            accounts,
            keys,
            models: shared(&MODELS),
            agents: shared(&AGENTS),
            path: "/v1/messages".into(),
            priced: PriceTable::bundled().date(),
        }
    }

    fn session(&self, chance: &mut Chance) -> Session {
        let id =
            format!("{:08x}-{:04x}-4000-8000-{:012x}", chance.draw() as u32, chance.draw() as u16, chance.draw() >> 16);
        let asker = |agent: Option<&Arc<str>>, subagent: Option<String>| {
            Arc::new(Asker {
                session: id.as_str().into(),
                is_subagent: subagent.is_some(),
                parent: None,
                subagent: subagent.map(Into::into),
                agent: agent.cloned(),
                workspace: Some("/home/someone/src/project".into()),
                conversation: Fingerprint(1),
            })
        };
        let mut askers = vec![(asker(None, None), chance.below(4) as usize)];
        for _ in 0..chance.below(3) {
            let agent = &self.agents[chance.below(8) as usize];
            askers.push((asker(Some(agent), Some(format!("{:017x}", chance.draw() >> 4))), chance.below(4) as usize));
        }
        Session { account: chance.below(ACCOUNTS as u64) as usize, key: chance.below(KEYS as u64) as usize, askers }
    }

    /// As the strategy `session` decides: the active account, then the others in order.
    fn decision(&self, active: usize) -> Decision {
        let others = (0..ACCOUNTS).filter(|account| *account != active);
        let ranked = |account: usize| {
            let (id, name) = self.accounts[account].clone();
            let choice = if account == active { Choice::ActiveSession } else { Choice::FailOver };
            Ranked { account: Named { id, name }, priority: 0, choice, headroom: None, wait: Duration::ZERO }
        };
        Decision {
            strategy: "session".into(),
            candidates: std::iter::once(active).chain(others).map(ranked).collect(),
            excluded: Vec::new(),
            unnamed: 0,
            moved: None,
        }
    }

    /// As `conversation` does, which measures every account.
    fn measured(&self, exchange: &mut Exchange, chance: &mut Chance) {
        let Some(decision) = exchange.decision.as_mut() else { return };
        decision.strategy = "conversation".into();
        for candidate in &mut decision.candidates {
            candidate.headroom = Some(Headroom {
                size: 5,
                left: chance.below(100) as f64 / 100.0,
                window: Some("5h".into()),
                conversations: chance.below(40) as u32,
                in_flight: chance.below(8) as u32,
                expires: Some(END + Duration::from_secs(3600)),
            });
        }
    }

    fn exchange(&self, at: Timestamp, sessions: &mut [Session], chance: &mut Chance) -> Exchange {
        let place = chance.below(SESSIONS as u64) as usize;
        if chance.below(LENGTH) == 0 {
            sessions[place] = self.session(chance);
        }
        let session = &mut sessions[place];
        // Now and then a conversation has to move.
        let moves = chance.below(200) == 0;
        let before = session.account;
        if moves {
            session.account = chance.below(ACCOUNTS as u64) as usize;
        }
        // Most requests are the conversation's own.
        let turn = chance.below(2 * session.askers.len() as u64) as usize;
        let (asker, model) = session.askers.get(turn).unwrap_or(&session.askers[0]);
        let failed = chance.below(50) == 0;
        let (outcome, status) = match chance.below(4) {
            _ if !failed => (Outcome::Answered, Some(200)),
            0 => (Outcome::Answered, Some(400)),
            1 => (Outcome::Failed, Some(429)),
            2 => (Outcome::Cut, Some(200)),
            _ => (Outcome::Cancelled, None),
        };
        let attempt = |account: usize, choice, status, verdict| AttemptRecord {
            account: Some(self.accounts[account].clone()),
            choice,
            started: Duration::from_micros(300),
            took: Duration::from_millis(800),
            status,
            verdict,
            detail: None,
        };
        let first = moves.then(|| attempt(before, Choice::ActiveSession, Some(429), VerdictKind::Quota));
        let last = attempt(session.account, Choice::ActiveSession, status, VerdictKind::Success);
        let first_token = 300_000 + chance.skewed(8_000_000);
        let output = chance.skewed(8_000);
        let tokens = Tokens {
            input: Some(chance.skewed(2_000)),
            output: Some(output),
            cache_read: Some(chance.skewed(150_000)),
            cache_write_5m: Some(0),
            cache_write_1h: Some(chance.skewed(20_000)),
        };
        let usage = Usage { tokens: if failed { Tokens::default() } else { tokens }, ..Usage::default() };
        let model = &self.models[*model];
        let cost = PriceTable::bundled().price(model, &usage);
        Exchange {
            intent: Arc::new(Intent {
                id: ExchangeId::new(at),
                at,
                method: http::Method::POST,
                path: self.path.clone(),
                model: Some(model.clone()),
                request_bytes: 20_000 + chance.skewed(600_000),
                client_key: Some(self.keys[session.key].clone()),
                asker: Some(Arc::clone(asker)),
                preference: None,
            }),
            outcome,
            status,
            error: failed.then(|| "overloaded_error: Overloaded".into()),
            decision: Some(Box::new(self.decision(session.account))),
            attempts: first.into_iter().chain([last]).collect(),
            timing: Timing {
                headers: Some(Duration::from_millis(700)),
                first_token: (!failed).then(|| Duration::from_micros(first_token)),
                end: Some(Duration::from_micros(first_token + output * 12_000)),
            },
            model: (!failed).then(|| model.clone()),
            priced: cost.map(|_| self.priced.clone()),
            cost,
            usage,
            response_bytes: 500 + 40 * output,
        }
    }
}

/// A conversation under way.
struct Session {
    account: usize,
    key: usize,
    /// Who asks in it, and the model of each.
    askers: Vec<(Arc<Asker>, usize)>,
}

async fn ingest(store: &RedbStore, world: &World, requests: u64) {
    let mut chance = Chance(7);
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| world.session(&mut chance)).collect();
    let step = MONTH.as_micros() as u64 / requests;
    let begun = END - MONTH;
    let (mut took, mut slowest, mut done) = (Duration::ZERO, Duration::ZERO, 0);
    while done < requests {
        let count = (requests - done).min(BATCH as u64);
        let mut batch = Vec::with_capacity(2 * BATCH);
        for number in done..done + count {
            let exchange = world.exchange(begun + Duration::from_micros(number * step), &mut sessions, &mut chance);
            batch.push(LedgerEntry::Opened(exchange.intent.clone()));
            batch.push(LedgerEntry::Settled(Box::new(exchange)));
        }
        let start = Instant::now();
        store.append(&batch).await.expect("settled");
        let commit = start.elapsed();
        (took, slowest) = (took + commit, slowest.max(commit));
        done += count;
        if done % (512 * BATCH as u64) == 0 {
            println!("  {done:>10} settled, {:.0} /s so far", done as f64 / took.as_secs_f64());
        }
    }
    println!("{requests} requests settled: {:.0} /s", requests as f64 / took.as_secs_f64());
    println!("the slowest commit of {BATCH}: {slowest:.1?}");
}

async fn size(store: &RedbStore, world: &World, requests: u64) {
    let sizes = store.sizes().await.expect("sizes");
    let each = sizes.file as f64 / requests as f64;
    let verdict = if each > MOST_BYTES { format!("  TOO MANY, {MOST_BYTES} aimed at") } else { String::new() };
    println!("file: {} MiB, {each:.0} bytes a request{verdict}", sizes.file >> 20);
    println!("  of these the record itself: {:.0}", sizes.exchanges as f64 / requests as f64);
    println!("  of a record that has measured {ACCOUNTS} accounts: {:.0}", measured(store, world).await);
    for table in ["series", "cells", "sessions"] {
        let rows = sizes.rows.iter().find(|(name, _)| name == table).map_or(0, |(_, rows)| *rows);
        println!("  {table}: {rows} rows");
    }
}

/// What the file is without the pages that it has grown by and nobody uses.
async fn compaction(store: &RedbStore, requests: u64) {
    let start = Instant::now();
    let compacted = store.compact(Progress::default()).await.expect("compacted");
    let each = compacted.after as f64 / requests as f64;
    println!("compacted in {:.1?}: {} MiB, {each:.0} bytes a request", start.elapsed(), compacted.after >> 20);
}

/// Where the bytes are.
fn tables(path: &Path, requests: u64) {
    let db = Database::open(path).expect("the database");
    let read = db.begin_read().expect("a snapshot");
    println!("  a request's bytes by table: what is stored, what that takes");
    for handle in read.list_tables().expect("tables") {
        let name = handle.name().to_owned();
        let stats = read.open_untyped_table(handle).and_then(|table| Ok(table.stats()?)).expect("a table");
        let each = |bytes: u64| bytes as f64 / requests as f64;
        let takes = each(stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes());
        if takes >= 1.0 {
            println!("  {name:>20} {:6.1} {takes:6.1}", each(stats.stored_bytes()));
        }
    }
}

/// Bytes of a record whose decision holds measurements.
async fn measured(store: &RedbStore, world: &World) -> f64 {
    const COUNT: u64 = 1000;
    let before = store.sizes().await.expect("sizes").exchanges;
    let mut chance = Chance(13);
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| world.session(&mut chance)).collect();
    let mut batch = Vec::new();
    for number in 0..COUNT {
        let mut exchange = world.exchange(END - Duration::from_micros(number), &mut sessions, &mut chance);
        world.measured(&mut exchange, &mut chance);
        batch.push(LedgerEntry::Settled(Box::new(exchange)));
    }
    store.append(&batch).await.expect("settled");
    (store.sizes().await.expect("sizes").exchanges - before) as f64 / COUNT as f64
}

/// Times of one thing done again and again.
struct Times(Vec<Duration>);

impl Times {
    fn print(mut self, what: &str, bound: Option<Duration>) {
        self.0.sort_unstable();
        let rank = |part: f64| self.0[((self.0.len() as f64 * part).ceil() as usize).clamp(1, self.0.len()) - 1];
        let verdict = match bound {
            Some(bound) if rank(0.99) > bound => format!("  TOO SLOW, {bound:.0?} aimed at"),
            _ => String::new(),
        };
        println!("{what:<52} p50 {:>9.2?}  p99 {:>9.2?}{verdict}", rank(0.5), rank(0.99));
    }
}

async fn answers(control: &Local) {
    let some = |text: &str| Some(text.to_owned());
    let open = RequestFilter::default;
    let filters = [
        ("everything", open()),
        ("one account", RequestFilter { accounts: some("account 3"), ..open() }),
        (
            "three accounts, one model",
            RequestFilter { accounts: some("account 1,account 2,account 3"), models: some(MODELS[0]), ..open() },
        ),
        ("one agent", RequestFilter { agents: some("reviewer"), ..open() }),
        ("one client key, errors", RequestFilter { client_keys: some("team 2"), status: some("error"), ..open() }),
    ];
    println!("\nanswers");
    for range in ["30d", "7d", "24h"] {
        for (name, filter) in &filters {
            let mut times = Times(Vec::new());
            for _ in 0..100 {
                let query = AnalyticsQuery {
                    range: some(range),
                    model_breakdown: true,
                    filter: filter.clone(),
                    ..AnalyticsQuery::default()
                };
                let start = Instant::now();
                let answer = control.analytics(query).await.expect("an answer");
                times.0.push(start.elapsed());
                assert!(answer.totals.requests > 0, "{name}");
            }
            let first = times.0[0];
            times.print(&format!("{range}, {name}"), (range == "30d").then_some(Duration::from_millis(50)));
            println!("{:<52} {first:>13.2?}", "  the first time");
        }
    }
    let mut times = Times(Vec::new());
    for _ in 0..20 {
        let start = Instant::now();
        control.stats().await.expect("statistics");
        times.0.push(start.elapsed());
    }
    times.print("statistics of all time", None);
}

async fn pages(control: &Local, store: &RedbStore) {
    let some = |text: &str| Some(text.to_owned());
    let open = RequestFilter::default;
    let newest = store.find(&Wanted { limit: 1, filter: Filter::default(), ..Wanted::default() }).await.expect("one");
    let session = newest.exchanges[0].intent.asker.as_ref().map(|asker| asker.session.to_string());
    let deep = Some(ExchangeId::first_of(END - MONTH / 2).to_string());
    let page = |filter| RequestPageQuery { filter, ..RequestPageQuery::newest(50) };
    let queries = [
        ("the newest", page(open())),
        ("in the middle of the month", RequestPageQuery { before: deep.clone(), ..page(open()) }),
        ("one account", page(RequestFilter { accounts: some("account 3"), ..open() })),
        ("one model", page(RequestFilter { models: some(MODELS[1]), ..open() })),
        ("one agent", page(RequestFilter { agents: some("auditor"), ..open() })),
        ("errors", page(RequestFilter { status: some("error"), ..open() })),
        (
            "errors of one account and key",
            page(RequestFilter {
                accounts: some("account 3"),
                client_keys: some("team 2"),
                status: some("error"),
                ..open()
            }),
        ),
        (
            "one account, key, agent and model, cancelled",
            page(RequestFilter {
                accounts: some("account 3"),
                client_keys: some("team 2"),
                agents: some("tester"),
                models: some(MODELS[2]),
                status: some("cancelled"),
            }),
        ),
        ("nothing like it", page(RequestFilter { status: some("interrupted"), ..open() })),
        (
            "errors, in the middle of the month",
            RequestPageQuery { before: deep, ..page(RequestFilter { status: some("error"), ..open() }) },
        ),
        ("one conversation", RequestPageQuery { session, ..page(open()) }),
    ];
    println!("\npages of 50");
    for (name, query) in queries {
        let (mut times, mut found) = (Times(Vec::new()), 0);
        for _ in 0..200 {
            let start = Instant::now();
            found = control.requests(query.clone()).await.expect("a page").requests.len();
            times.0.push(start.elapsed());
        }
        times.print(&format!("{name} ({found} found)"), Some(Duration::from_millis(5)));
    }
}

/// Deletes a tenth, as retention does in the background, while others settle on.
async fn deletion(store: &Arc<RedbStore>, world: &World, requests: u64) {
    println!("\ndeleting");
    let quiet = settling(store, world, Duration::from_secs(5)).await;
    let before = END - MONTH + MONTH / 10;
    let policy = RetentionPolicy {
        exchange_age: Duration::from_micros((END.as_micros() - before.as_micros()).unsigned_abs()),
        ..RetentionPolicy::default()
    };
    let sweeping = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            let start = Instant::now();
            let swept = retention::sweep(&*store, &policy, END).await.expect("swept");
            (swept, start.elapsed())
        }
    });
    let busy = settling(store, world, Duration::from_secs(5)).await;
    let (swept, took) = sweeping.await.expect("no panic");
    println!(
        "{} of {requests} requests and {} sums deleted in {took:.1?}: {:.0} /s",
        swept.exchanges,
        swept.sums,
        (swept.exchanges + swept.sums) as f64 / took.as_secs_f64()
    );
    quiet.print("a commit of 20 settlements, nothing deleted", None);
    busy.print("a commit of 20 settlements, while it is", None);
    let kept: Kept = store.kept().await.expect("kept");
    println!("minutes are kept since {}", kept.minutes.start());
}

/// Twenty settlements every fifty milliseconds: 400 requests a second.
async fn settling(store: &RedbStore, world: &World, length: Duration) -> Times {
    let mut chance = Chance(11);
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| world.session(&mut chance)).collect();
    let (mut times, begun) = (Times(Vec::new()), Instant::now());
    while begun.elapsed() < length {
        let settled = |_| LedgerEntry::Settled(Box::new(world.exchange(END, &mut sessions, &mut chance)));
        let batch: Vec<_> = (0..20).map(settled).collect();
        let start = Instant::now();
        store.append(&batch).await.expect("settled");
        times.0.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    times
}
