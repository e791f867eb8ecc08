//! A month of work, made up: what several people and their agents might have asked, the same each time.

use std::{sync::Arc, time::Duration};

use ccflare_core::{
    domain::{
        Account, AccountChange, AgentPreference, AttemptRecord, Choice, ClosureReason, Credential, Decision, Exchange,
        ExchangeId, Excluded, Intent, Limits, Mark, NanoUsd, Outcome, Payload, PayloadSide, Ranked, Scope, Secret,
        Timestamp, Timing, Tokens, Usage, VerdictKind, Window, Workspace,
        conversation::{Asker, Fingerprint},
    },
    pricing::PriceTable,
    store::{AccountStore, AgentStore, LedgerEntry, LedgerStore, PayloadStore, RedbStore},
};

use crate::harness::START;

/// Numbers that look like chance, the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn part(&mut self) -> f64 {
        (self.next() % 10_000) as f64 / 10_000.0
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[usize::try_from(self.next()).expect("small") % things.len()]
    }
}

const MODELS: [&str; 7] = [
    "claude-opus-5-5",
    "claude-opus-5-5",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-haiku-5-5",
];
const AGENTS: [Option<&str>; 6] = [None, None, None, Some("code-reviewer"), Some("test-writer"), Some("explorer")];
const WORKSPACES: [&str; 3] = ["/home/ana/shop", "/home/ana/ledger", "/srv/build/gateway"];

fn ago(seconds: u64) -> Timestamp {
    START - Duration::from_secs(seconds)
}

/// Accounts in each state, with limits that are used in part.
fn accounts() -> Vec<Account> {
    let window = |name: &'static str, status: &'static str, used: f64, resets: u64| Window {
        name: name.into(),
        status: Some(status.into()),
        utilization: Some(used),
        limit: None,
        remaining: None,
        resets: Some(START + Duration::from_secs(resets)),
        family: None,
        observed: ago(60),
    };
    let make = |at: u64, name: &str, windows: Vec<Window>, changes: Vec<AccountChange>| {
        let mut account = Account::new(name, "anthropic", Credential::ApiKey(Secret::new(name)), ago(40 * 86_400 - at));
        account.limits = Arc::new(Limits { windows, observed: Some(ago(60)), ..Limits::default() });
        account.organization = Some(format!("org-{at}").into());
        (account.requests, account.last_used) = (18_213 / (at + 1), Some(ago(3 + 2900 * at)));
        changes.into_iter().for_each(|change| account.apply(change, ago(1800)));
        account
    };
    let closed = |reason, until: Option<u64>, evidence: &str| {
        AccountChange::Closed(Mark {
            reason,
            scope: Scope::Account,
            since: ago(1800),
            until: until.map(|seconds| START + Duration::from_secs(seconds)),
            evidence: evidence.into(),
        })
    };
    vec![
        make(
            0,
            "work",
            vec![window("5h", "allowed", 0.62, 8040), window("7d", "allowed", 0.41, 356_400)],
            vec![AccountChange::SessionStarted(ago(9900))],
        ),
        make(
            1,
            "private",
            vec![
                window("5h", "allowed_warning", 0.93, 3120),
                window("7d", "allowed", 0.55, 190_000),
                window("7d_opus", "allowed", 0.71, 190_000),
            ],
            vec![],
        ),
        make(
            2,
            "night shift",
            vec![window("5h", "rejected", 1.0, 2820), window("7d", "allowed", 0.78, 86_000)],
            vec![closed(ClosureReason::Quota, Some(2820), "429: this organisation's limit for 5 hours is reached")],
        ),
        make(
            3,
            "team-batch-jobs-with-a-rather-long-name@research.example.com",
            vec![],
            vec![closed(ClosureReason::NeedsLogin, None, "401: the token was revoked")],
        ),
        make(
            4,
            "spare",
            vec![window("5h", "allowed", 0.0, 18_000), window("7d", "allowed", 0.12, 500_000)],
            vec![AccountChange::Paused],
        ),
    ]
}

/// Puts a month into a store.
pub async fn fill(store: &RedbStore) {
    let accounts = accounts();
    for account in &accounts {
        store.add_account(account).await.expect("a new account");
    }
    let exchanges = month(&accounts);
    for batch in exchanges.chunks(500) {
        let entries: Vec<_> = batch.iter().cloned().map(|exchange| LedgerEntry::Settled(Box::new(exchange))).collect();
        store.append(&entries).await.expect("written");
    }
    agents(store).await;
    // The latest answer can be read.
    let latest = exchanges.iter().rev().find(|exchange| exchange.is_success()).expect("one");
    store.keep_payloads(&[conversation(latest.intent.id)]).await.expect("kept");
}

/// Where the agents' files are that the requests speak of; `explorer` has none.
pub const AGENT_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/agents");

/// What operators wish of agents, and where clients work.
async fn agents(store: &RedbStore) {
    let prefer =
        |agent: &str, model: &str| AgentPreference { agent: agent.into(), model: model.into(), since: ago(86_400) };
    let preferred = [prefer("explorer", "claude-haiku-5-5"), prefer("test-writer", "sonnet")];
    store.put_agent_preferences(&preferred).await.expect("written");
    for (at, path) in (0..).zip(WORKSPACES) {
        let label = path.rsplit('/').next().unwrap_or(path).into();
        let (first_seen, last_seen) = (ago(20 * 86_400), ago(200 + 7000 * at));
        let workspace = Workspace { path: path.into(), label, first_seen, last_seen, manual: at == 2 };
        store.put_workspace(&workspace).await.expect("written");
    }
}

/// Few at night, many in the afternoon; and more this week than last.
fn month(accounts: &[Account]) -> Vec<Exchange> {
    let mut dice = Dice(42);
    let mut all = Vec::new();
    let mut at = ago(30 * 86_400);
    while at < START {
        let hour = (at.as_micros() / 3_600_000_000 % 24) as f64;
        let busy = (0.12 + (1.0 - ((hour - 14.0).abs() / 9.0).min(1.0))).powi(2);
        let day = START.since(at).as_secs() / 86_400;
        let often = if day < 2 { 40.0 } else { 300.0 + 20.0 * day as f64 };
        at = at + Duration::from_secs_f64((often / busy * (0.3 + 1.4 * dice.part())).clamp(4.0, 7200.0));
        if at < START {
            all.push(exchange(at, accounts, &mut dice));
        }
    }
    // A page that was just opened should show something that has just happened: one session, with its agents.
    all.extend((0..24).rev().map(|number| exchange(ago(3 + number * 47), accounts, &mut dice)));
    all
}

fn exchange(at: Timestamp, accounts: &[Account], dice: &mut Dice) -> Exchange {
    let (work, private) = (&accounts[0], &accounts[1]);
    let model: Arc<str> = (*dice.one_of(&MODELS)).into();
    let running = START.since(at).as_secs() < 1200;
    let session = if running {
        7
    } else {
        at.as_micros() / 2_400_000_000 * 3 + i64::try_from(dice.between(0, 3)).expect("small")
    };
    let agent = *dice.one_of(&AGENTS);
    let asker = Asker {
        conversation: Fingerprint(u128::from(session.unsigned_abs())),
        session: format!("5e55{:04x}-0000-4000-8000-{session:012x}", session % 65_536).into(),
        subagent: agent.map(|name| format!("{name}-{}", session % 7).into()),
        is_subagent: agent.is_some(),
        parent: None,
        agent: agent.map(Into::into),
        workspace: Some(WORKSPACES[usize::try_from(session % 3).expect("small")].into()),
    };
    let intent = Intent {
        id: ExchangeId::new(at),
        at,
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: Some(Arc::clone(&model)),
        request_bytes: dice.between(20_000, 400_000),
        client_key: None,
        asker: Some(Arc::new(asker)),
        preference: None,
    };
    let moved = dice.part() < 0.04;
    let first = if dice.part() < 0.72 { work } else { private };
    let mut attempts =
        vec![attempt(first, Choice::ActiveSession, 12, dice.between(300, 900), 200, VerdictKind::Success)];
    if moved {
        let mut refused = attempt(first, Choice::ActiveSession, 4, dice.between(120, 300), 429, VerdictKind::Quota);
        refused.detail = Some("this organisation's limit for 5 hours is reached".into());
        let other = if first.id == work.id { private } else { work };
        attempts =
            vec![refused, attempt(other, Choice::FailOver, 340, dice.between(400, 900), 200, VerdictKind::Success)];
    }
    let mut exchange = Exchange { attempts, ..Exchange::unfinished(intent, Outcome::Answered) };
    exchange.status = Some(200);
    exchange.decision = Some(Box::new(decision(accounts, first)));
    spend(&mut exchange, &model, dice);
    spoil(&mut exchange, dice);
    exchange
}

/// The active account first, then the other that can serve; and why the others can't.
fn decision(accounts: &[Account], active: &Account) -> Decision {
    let ranked = |account: &Account| {
        let choice = if account.id == active.id { Choice::ActiveSession } else { Choice::FailOver };
        Ranked { account: account.into(), priority: 0, choice, headroom: None, wait: Duration::ZERO }
    };
    let other = if active.id == accounts[0].id { &accounts[1] } else { &accounts[0] };
    let excluded = |at: usize, reason, until, evidence: &str| Excluded {
        account: (&accounts[at]).into(),
        reason,
        until,
        evidence: evidence.into(),
    };
    Decision {
        strategy: "session".into(),
        candidates: [active, other].map(ranked).into(),
        excluded: vec![
            excluded(
                2,
                ClosureReason::Quota,
                Some(START + Duration::from_secs(2820)),
                "429: the limit for 5 hours is reached",
            ),
            excluded(3, ClosureReason::NeedsLogin, None, "401: the token was revoked"),
            excluded(4, ClosureReason::Paused, None, ""),
        ],
        unnamed: 0,
        moved: None,
    }
}

fn attempt(
    account: &Account,
    choice: Choice,
    started: u64,
    took: u64,
    status: u16,
    verdict: VerdictKind,
) -> AttemptRecord {
    AttemptRecord {
        account: Some((account.id, Arc::clone(&account.name))),
        choice,
        started: Duration::from_millis(started),
        took: Duration::from_millis(took),
        status: Some(status),
        verdict,
        detail: None,
    }
}

/// Tokens, times and what they cost.
fn spend(exchange: &mut Exchange, model: &Arc<str>, dice: &mut Dice) {
    let output = dice.between(40, 1800);
    let tokens = Tokens {
        input: Some(dice.between(200, 4000)),
        output: Some(output),
        cache_read: Some(dice.between(8_000, 120_000)),
        cache_write_5m: Some(if dice.part() < 0.3 { dice.between(500, 16_000) } else { 0 }),
        cache_write_1h: Some(0),
    };
    let speed = if model.contains("haiku") {
        140.0
    } else if model.contains("sonnet") {
        85.0
    } else {
        55.0
    };
    let first = Duration::from_millis(dice.between(500, 2400));
    let end = first + Duration::from_secs_f64(output as f64 / (speed * (0.7 + 0.6 * dice.part())));
    exchange.usage = Usage { tokens, ..Usage::default() };
    exchange.timing = Timing { headers: Some(first / 2), first_token: Some(first), end: Some(end) };
    exchange.model = Some(Arc::clone(model));
    exchange.cost = PriceTable::bundled().price(model, &exchange.usage);
    exchange.priced = Some(PriceTable::bundled().date());
    exchange.response_bytes = output * 24;
    if exchange.cost.is_none() {
        exchange.cost = Some(NanoUsd(output * 25_000));
    }
}

/// Now and then something goes wrong.
fn spoil(exchange: &mut Exchange, dice: &mut Dice) {
    let chance = dice.part();
    let (outcome, status, verdict, why) = match chance {
        c if c < 0.008 => {
            (Outcome::Answered, Some(529), VerdictKind::Overload, "overloaded_error: the provider is overloaded")
        }
        c if c < 0.014 => {
            (Outcome::Answered, Some(400), VerdictKind::Request, "invalid_request_error: prompt is too long")
        }
        c if c < 0.022 => (Outcome::Cancelled, Some(200), VerdictKind::Success, "the client left"),
        c if c < 0.026 => (Outcome::Cut, Some(200), VerdictKind::Success, "the upstream broke off"),
        _ => return,
    };
    exchange.outcome = outcome;
    exchange.status = status;
    exchange.error = Some(why.into());
    if let Some(last) = exchange.attempts.last_mut() {
        last.verdict = verdict;
        last.status = status;
        last.detail = Some(why.into());
    }
}

/// What a request with tools carried.
fn conversation(id: ExchangeId) -> Payload {
    let request = r#"{"model":"claude-opus-5-5","max_tokens":4096,"stream":true,
        "system":[{"type":"text","text":"You are a careful engineer. Read before you write, and test what you change."}],
        "tools":[{"name":"Read"},{"name":"Edit"},{"name":"Bash"}],
        "messages":[
            {"role":"user","content":"The order total is off by a cent when a voucher is applied. Find out why."},
            {"role":"assistant","content":[
                {"type":"thinking","thinking":"Probably rounding: the voucher may be applied to each line and rounded before the sum."},
                {"type":"text","text":"I'll look at how the total is computed."},
                {"type":"tool_use","id":"t1","name":"Read","input":{"path":"src/orders/total.rs","lines":"1-60"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"pub fn total(lines: &[Line], voucher: &Voucher) -> Cents {\n    lines.iter().map(|line| voucher.apply(line.price()).round()).sum()\n}"}]}]}"#;
    let stream = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Each line is rounded before the sum. \"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"With three lines at 33.5 cents that gains a cent. I'll sum first and round once.\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let side = |kind: &str, body: &str| PayloadSide {
        headers: vec![("content-type".into(), kind.into()), ("anthropic-version".into(), "2023-06-01".into())],
        body: body.to_owned().into(),
        length: body.len() as u64,
        truncated: false,
    };
    Payload { id, request: side("application/json", request), answer: side("text/event-stream", stream) }
}
