//! What a decision costs: ordering accounts, and a whole pass through the balancer to a service that answers at once.
//!
//! Prints the allocations too, and fails if they grow with the request's body.
//!
//! ```text
//! cargo bench -p ccflare-core --bench balance
//! ```

#![allow(clippy::print_stdout, reason = "what it counts is what it is run for")]

use std::{hint::black_box, sync::Arc};

use allocation_counter::measure;
use bytes::Bytes;
use ccflare_core::{
    balance::{Attempt, BalanceLayer, Session, Strategy},
    clock::SystemClock,
    domain::{Account, AccountChange, Credential, RequestFacts, Secret, Timestamp},
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
        let facts = RequestFacts { model: Some("claude-opus-5-5".into()), ..RequestFacts::default() };
        let strategy = Session::default();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| black_box(strategy.plan(&pool.standings(), &facts, NOW)));
        });
    }
    group.finish();
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

criterion_group!(benches, decision, pass);
criterion_main!(benches);
