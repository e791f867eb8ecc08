//! A strategy of one's own: every request goes to the account that has served the fewest.
//!
//! It is here to show the seam, not as advice: spreading a conversation over accounts loses its prompt cache.
//!
//! ```text
//! cargo run -p ccflare-examples --example custom_strategy
//! ```

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ccflare_core::{
    balance::{Plan, Standing, Strategy},
    control::views::NewAccount,
    domain::{Choice, Facts, Secret, Timestamp},
    gateway::Gateway,
    store::RedbStore,
};
use ccflare_mock::{MockConfig, MockUpstream};
use http::Request;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;

#[derive(Debug)]
struct FewestFirst;

impl Strategy for FewestFirst {
    fn name(&self) -> &'static str {
        "fewest-first"
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let mut ordered: Vec<_> = standings.iter().map(|standing| Arc::clone(&standing.account)).collect();
        ordered.sort_by_key(|account| account.requests);
        // Sorts out who is closed; what is left keeps its order.
        let mut plan = Plan::of(ordered, facts, now);
        if let Some(first) = plan.candidates.first_mut() {
            first.choice = Choice::Strategy;
        }
        plan
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let upstream = MockUpstream::start(MockConfig::default()).await;
    let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).strategy(Arc::new(FewestFirst)).build().await?;
    let control = gateway.control();
    for name in ["a", "b", "c"] {
        let key = Secret::new(&format!("sk-ant-api03-{name}"));
        control.add_account(NewAccount::with_key(name, key).at(&upstream.url())).await?;
    }

    let line = gateway.line();
    for _ in 0..9 {
        let body = Full::new(Bytes::from_static(br#"{"model":"claude-haiku-5-5","messages":[]}"#));
        let answer = line.clone().oneshot(Request::post("/v1/messages").body(body)?).await?;
        anyhow::ensure!(answer.status().is_success(), "the mock answers");
        answer.into_body().collect().await?;
    }
    for account in control.accounts().await? {
        println!("{}: {} requests", account.name, account.total_requests);
        anyhow::ensure!(account.total_requests == 3, "each gets its share");
    }

    gateway.shutdown(Duration::from_secs(5)).await;
    upstream.shutdown().await;
    Ok(())
}
