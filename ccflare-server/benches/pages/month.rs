//! A busy month: twenty accounts, six client keys, eight agents and four models, and hundreds of conversations at a time.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ccflare_core::{
    domain::{
        Account, AccountId, Asker, AttemptRecord, Choice, ClientKey, ClientKeyId, Credential, Exchange, ExchangeId,
        Fingerprint, Intent, KeyDigest, Outcome, Secret, Timestamp, Timing, Tokens, Usage, VerdictKind,
    },
    pricing::PriceTable,
    store::{AccountStore, ClientKeyStore, LedgerEntry, LedgerStore, RedbStore},
};

pub const END: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub const MODELS: [&str; 4] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2"];

const MONTH: Duration = Duration::from_secs(30 * 86_400);
const ACCOUNTS: usize = 20;
const KEYS: usize = 6;
const AGENTS: [&str; 8] = ["reviewer", "tester", "explorer", "planner", "writer", "debugger", "translator", "auditor"];
/// Conversations that are under way at a time; each has some sixty requests.
const SESSIONS: usize = 150;
const LENGTH: u64 = 60;
/// Settlements in one commit.
const BATCH: u64 = 5000;

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

    fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len() as u64) as usize]
    }
}

/// A conversation: where it lives, with whose key, and who asks in it with which model.
struct Session {
    account: (AccountId, Arc<str>),
    key: (ClientKeyId, Arc<str>),
    askers: Vec<(Arc<Asker>, Arc<str>)>,
}

/// Who there is.
struct World {
    accounts: Vec<(AccountId, Arc<str>)>,
    keys: Vec<(ClientKeyId, Arc<str>)>,
    models: Vec<Arc<str>>,
    path: Arc<str>,
}

/// Writes so many requests, equally far from each other.
pub async fn fill(store: &RedbStore, requests: u64) -> Result<()> {
    let world = World::new(store).await?;
    let mut chance = Chance(7);
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| world.session(&mut chance)).collect();
    let step = MONTH.as_micros() as u64 / requests.max(1);
    let mut written = 0;
    while written < requests {
        let count = (requests - written).min(BATCH);
        let mut settled = |number| {
            let at = END - MONTH + Duration::from_micros(number * step);
            LedgerEntry::Settled(Box::new(world.exchange(at, &mut sessions, &mut chance)))
        };
        let batch: Vec<_> = (written..written + count).map(&mut settled).collect();
        store.append(&batch).await?;
        written += count;
    }
    Ok(())
}

impl World {
    async fn new(store: &RedbStore) -> Result<Self> {
        let (mut accounts, mut keys) = (Vec::new(), Vec::new());
        for number in 0..ACCOUNTS {
            let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
            let account = Account::new(&format!("account {number}"), "anthropic", key, END - MONTH);
            store.add_account(&account).await?;
            accounts.push((account.id, account.name));
        }
        for number in 0..KEYS {
            let (id, name): (_, Arc<str>) = (ClientKeyId::new(END - MONTH), format!("team {number}").into());
            let (digest, created) = (KeyDigest::of(&name), END - MONTH);
            let key = ClientKey {
                id,
                name: Arc::clone(&name),
                digest,
                created,
                expires: None,
                revoked: None,
                models: Vec::new(),
                accounts: Vec::new(),
                last_used: None,
            };
            store.put_client_key(&key).await?;
            keys.push((id, name));
        }
        Ok(Self { accounts, keys, models: MODELS.map(Arc::from).into(), path: "/v1/messages".into() })
    }

    fn session(&self, chance: &mut Chance) -> Session {
        let id: Arc<str> = format!("{:08x}-0000-4000-8000-{:012x}", chance.draw() as u32, chance.draw() >> 16).into();
        let mut agents = vec![None];
        agents.extend((0..chance.below(3)).map(|_| Some(*chance.one_of(&AGENTS))));
        let mut asker = |agent: Option<&str>| {
            let asker = Asker {
                conversation: Fingerprint(1),
                session: Arc::clone(&id),
                parent: None,
                is_subagent: agent.is_some(),
                subagent: agent.map(|_| format!("{:017x}", chance.draw() >> 4).into()),
                agent: agent.map(Into::into),
                workspace: Some("/home/someone/src/project".into()),
            };
            (Arc::new(asker), Arc::clone(chance.one_of(&self.models)))
        };
        let askers = agents.into_iter().map(&mut asker).collect();
        Session { account: chance.one_of(&self.accounts).clone(), key: chance.one_of(&self.keys).clone(), askers }
    }

    fn exchange(&self, at: Timestamp, sessions: &mut [Session], chance: &mut Chance) -> Exchange {
        let session = &mut sessions[chance.below(SESSIONS as u64) as usize];
        if chance.below(LENGTH) == 0 {
            *session = self.session(chance);
        }
        let (asker, model) = chance.one_of(&session.askers).clone();
        let intent = Intent {
            id: ExchangeId::new(at),
            at,
            method: http::Method::POST,
            path: Arc::clone(&self.path),
            model: Some(Arc::clone(&model)),
            request_bytes: 20_000 + chance.below(600_000),
            client_key: Some(session.key.clone()),
            asker: Some(asker),
            preference: None,
        };
        let (outcome, status) = match chance.below(200) {
            0 => (Outcome::Answered, 400),
            1 => (Outcome::Failed, 429),
            2 => (Outcome::Cut, 200),
            3 => (Outcome::Cancelled, 200),
            _ => (Outcome::Answered, 200),
        };
        let mut exchange = Exchange::unfinished(intent, outcome);
        exchange.status = Some(status);
        exchange.attempts = vec![AttemptRecord {
            account: Some(session.account.clone()),
            choice: Choice::ActiveSession,
            started: Duration::from_micros(300),
            took: Duration::from_millis(800),
            status: Some(status),
            verdict: if status == 200 { VerdictKind::Success } else { VerdictKind::Request },
            detail: None,
        }];
        let (first, output) = (Duration::from_micros(300_000 + chance.below(4_000_000)), chance.below(4000));
        if exchange.is_success() {
            let tokens = Tokens {
                input: Some(chance.below(2_000)),
                output: Some(output),
                cache_read: Some(chance.below(150_000)),
                cache_write_5m: Some(0),
                cache_write_1h: Some(chance.below(20_000)),
            };
            exchange.usage = Usage { tokens, ..Usage::default() };
            exchange.cost = PriceTable::bundled().price(&model, &exchange.usage);
            exchange.priced = Some(PriceTable::bundled().date());
            exchange.model = Some(model);
        } else {
            exchange.error = Some("overloaded_error: Overloaded".into());
        }
        let end = first + Duration::from_millis(output * 12);
        exchange.timing = Timing { headers: Some(first / 2), first_token: Some(first), end: Some(end) };
        exchange.response_bytes = 500 + 40 * output;
        exchange
    }
}
