//! Mounts the whole proxy in an axum application, behind the application's own routes.
//!
//! ```text
//! cargo run -p ccflare-examples --example embed_axum
//! ```

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::get};
use bytes::Bytes;
use ccflare_core::{control::views::NewAccount, domain::Secret, gateway::Gateway, store::RedbStore};
use ccflare_mock::{MockConfig, MockUpstream};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let upstream = MockUpstream::start(MockConfig::default()).await;

    // What an embedder writes: a store, a gateway, and its line as the fallback of a router.
    let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).build().await?;
    let account = NewAccount::with_key("work", Secret::new("sk-ant-api03-example")).at(&upstream.url());
    gateway.control().add_account(account).await?;
    let app = Router::new().route("/hello", get(|| async { "mine" })).fallback_service(gateway.line());

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    // What its clients see: their own route, and the API.
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mine = client.get(format!("http://{address}/hello").parse()?).await?;
    println!("GET /hello -> {}", mine.status());
    let body = r#"{"model":"claude-opus-5-5","max_tokens":64,"messages":[{"role":"user","content":"Hello"}]}"#;
    let request = Request::post(format!("http://{address}/v1/messages")).body(Full::from(body))?;
    let answer = client.request(request).await?;
    println!("POST /v1/messages -> {}", answer.status());
    anyhow::ensure!(answer.status().is_success(), "the mock answers");
    println!("{}", String::from_utf8_lossy(&answer.into_body().collect().await?.to_bytes()));

    let control = gateway.control();
    server.abort();
    gateway.shutdown(Duration::from_secs(5)).await;
    let page = control.requests(Default::default()).await?;
    for request in page.requests {
        println!("recorded: {} on {:?}, {:?} USD", request.path, request.account_used, request.cost_usd);
    }
    upstream.shutdown().await;
    Ok(())
}
