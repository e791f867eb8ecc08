//! The balancer over a service of one's own: no store, no network, no proxy.
//!
//! ```text
//! cargo run -p ccflare-examples --example balancer_only
//! ```

use std::sync::Arc;

use bytes::Bytes;
use ccflare_core::{
    balance::{Attempt, BalanceLayer, Session},
    clock::{Clock, SystemClock},
    domain::{Account, Credential, Secret},
    error::AttemptError,
    pool::AccountPool,
    provider::Providers,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, service_fn};

/// Stands for whatever speaks to the API in your program. The account "first" is out of quota.
async fn my_upstream(attempt: Attempt) -> Result<Response<Full<Bytes>>, AttemptError> {
    let account = attempt.target.account().map_or("nobody", |account| &account.name).to_owned();
    println!("attempt {}: {account}", attempt.number);
    let response = if account == "first" {
        Response::builder()
            .status(429)
            .header("anthropic-ratelimit-unified-status", "rejected")
            .header("anthropic-ratelimit-unified-5h-status", "rejected")
            .header("anthropic-ratelimit-unified-5h-reset", "4102444800")
            .body(Full::new(Bytes::from_static(b"{}")))
    } else {
        Response::builder().body(Full::new(Bytes::from(format!("answered by {account}"))))
    };
    Ok(response.expect("valid parts"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let clock = Arc::new(SystemClock::new());
    let account = |name: &str| {
        let key = Credential::ApiKey(Secret::new("sk-ant-api03-example"));
        Account::new(name, "anthropic", key, clock.now())
    };
    let pool = Arc::new(AccountPool::new(vec![account("first"), account("second")]));
    let layer = BalanceLayer::new(
        Arc::clone(&pool),
        Arc::new(Session::default()),
        Providers::default(),
        Arc::<SystemClock>::clone(&clock),
    );
    let mut balance = layer.layer(service_fn(my_upstream));

    for number in 1..=2 {
        let request = Request::post("/v1/messages").body(Bytes::from_static(br#"{"model":"claude-opus-5-5"}"#))?;
        let answer = balance.call(request).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        println!("request {number}: {}", String::from_utf8_lossy(&body));
        anyhow::ensure!(body == "answered by second", "the second account takes over and stays");
    }
    for account in pool.snapshot() {
        println!("{}: {}", account.name, account.state(clock.now()));
    }
    Ok(())
}
