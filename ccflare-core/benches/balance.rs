//! What a decision costs: ordering accounts, and a whole pass through the balancer to a service that answers at once.
//!
//! Prints the allocations too, and fails if they grow with the request's body.
//!
//! ```text
//! cargo bench -p ccflare-core --bench balance
//! ```

#![allow(clippy::print_stdout, reason = "what it counts is what it is run for")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use allocation_counter::measure;
use bytes::Bytes;
use ccflare_core::{
    balance::{
        Attempt, BalanceLayer, Conversation, ConversationOptions, Session, Strategy, Turn, conversation::Bindings,
    },
    clock::SystemClock,
    domain::{
        Account, AccountChange, Credential, Facts, Limits, RequestFacts, Secret, SessionKey, Timestamp, Tokens, Usage,
        Window,
    },
    error::AttemptError,
    pool::AccountPool,
    provider::Providers,
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn accounts(count: usize) -> Vec<Account> {
    let account = |number: usize| {
        let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
        let mut account = Account::new(&format!("account {number}"), "anthropic", key, NOW);
        // The last one is active, so that ordering has something to do.
        if number + 1 == count {
            account.apply(AccountChange::SessionStarted(NOW), NOW);
        }
        account
    };
    (0..count).map(account).collect()
}

fn decision(c: &mut Criterion) {
    let mut group = c.benchmark_group("decision");
    for count in [1, 10, 100] {
        let pool = AccountPool::new(accounts(count));
        let facts = Facts::from(RequestFacts { model: Some("claude-opus-5-5".into()), ..RequestFacts::default() });
        let strategy = Session::default();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| black_box(strategy.plan(&pool.standings(), &facts, NOW)));
        });
    }
    group.finish();
}

/// Accounts with windows, half of them of organisations of two.
fn limited(count: usize) -> Vec<Account> {
    let window = |name: &'static str, used: f64, hours: u64| Window {
        name: name.into(),
        status: Some("allowed".into()),
        utilization: Some(used),
        limit: None,
        remaining: None,
        resets: Some(NOW + Duration::from_secs(hours * 3600)),
        family: None,
        observed: NOW,
    };
    let limit = |(number, mut account): (usize, Account)| {
        let used = (number % 10) as f64 / 10.0;
        let windows = vec![window("5h", used, 1 + number as u64 % 5), window("7d", used / 2.0, 1 + number as u64)];
        account.limits = Limits { windows, observed: Some(NOW), tier_hint: None }.into();
        account.organization = (number % 2 == 0).then(|| format!("organisation {}", number / 4).into());
        account
    };
    accounts(count).into_iter().enumerate().map(limit).collect()
}

fn conversation(c: &mut Criterion) {
    const BINDINGS: u128 = 10_000;
    let mut group = c.benchmark_group("decision for a conversation, 10,000 known");
    for count in [1, 10, 100] {
        let pool = AccountPool::new(limited(count));
        let standings = pool.standings();
        let strategy = Conversation::new(Arc::new(Bindings::default()), ConversationOptions::default());
        let facts = |session| {
            let model = Some("claude-opus-5-5".into());
            Facts::from(RequestFacts { model, session: Some(SessionKey(session)), ..RequestFacts::default() })
        };
        let usage = Usage { tokens: Tokens { cache_read: Some(150_000), ..Tokens::default() }, ..Usage::default() };
        for session in 0..BINDINGS {
            let account = standings[usize::try_from(session).expect("small") % count].account.id;
            for turn in [Turn::Begins, Turn::Answered, Turn::Ended(&usage)] {
                strategy.notice(turn, account, &facts(session), NOW);
            }
        }
        for (name, session) in [("known", BINDINGS / 2), ("new", BINDINGS + 1)] {
            let facts = facts(session);
            group.bench_function(BenchmarkId::new(name, count), |b| {
                b.iter(|| black_box(strategy.plan(&pool.standings(), &facts, NOW)));
            });
            if count == 100 {
                let took = quickest(|| drop(black_box(strategy.plan(&pool.standings(), &facts, NOW))));
                let verdict = if took <= TARGET { "reached" } else { "not reached" };
                println!("{name}, 100 accounts: {took:?} a decision; aimed for {TARGET:?} or less: {verdict}");
            }
        }
    }
    group.finish();
}

/// What a decision may take at 100 accounts and 10,000 conversations.
const TARGET: Duration = Duration::from_micros(20);

/// The quickest of many short rounds: what a decision takes where nothing else takes the processor meanwhile.
fn quickest(mut decide: impl FnMut()) -> Duration {
    const DECISIONS: u32 = 50;
    let round = |_| {
        let begin = Instant::now();
        (0..DECISIONS).for_each(|_| decide());
        begin.elapsed() / DECISIONS
    };
    (0..400).map(round).min().unwrap_or_default()
}

fn pass(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = c.benchmark_group("pass through the balancer");
    for count in [1, 100] {
        let layer = BalanceLayer::new(
            Arc::new(AccountPool::new(accounts(count))),
            Arc::new(Session::default()),
            Providers::default(),
            Arc::new(SystemClock::new()),
        );
        let mut balance = layer.layer(service_fn(|_: Attempt| async {
            Ok::<_, AttemptError>(Response::new(Full::new(Bytes::from_static(b"{}"))))
        }));
        let mut pass = |body: &Bytes| {
            let request = Request::post("/v1/messages").body(body.clone()).expect("valid");
            runtime.block_on(balance.call(request)).expect("answered")
        };
        let [small, large] = [1 << 10, 1 << 20].map(|length| Bytes::from(vec![b' '; length]));
        group.bench_function(BenchmarkId::from_parameter(count), |b| b.iter(|| pass(&small)));
        let [small, large] = [small, large].map(|body| {
            drop(pass(&body));
            measure(|| drop(pass(&body)))
        });
        println!("allocations over {count} accounts: {}, {} bytes", small.count_total, small.bytes_total);
        assert_eq!((small.count_total, small.bytes_total), (large.count_total, large.bytes_total), "a body is copied");
    }
    group.finish();
}

criterion_group!(benches, decision, conversation, pass);
criterion_main!(benches);
