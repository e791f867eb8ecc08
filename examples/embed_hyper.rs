//! Serves the line with nothing but hyper: no router, no framework.
//!
//! ```text
//! cargo run -p ccflare-examples --example embed_hyper
//! ```

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ccflare_core::{control::views::NewAccount, domain::Secret, gateway::Gateway, store::RedbStore};
use ccflare_mock::{MockConfig, MockUpstream};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let upstream = MockUpstream::start(MockConfig::default()).await;
    let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).build().await?;
    let account = NewAccount::with_key("work", Secret::new("sk-ant-api03-example")).at(&upstream.url());
    gateway.control().add_account(account).await?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let line = gateway.line();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(line.clone());
            tokio::spawn(async move {
                stream.set_nodelay(true).ok();
                let serving = auto::Builder::new(TokioExecutor::new());
                if let Err(error) = serving.serve_connection(TokioIo::new(stream), service).await {
                    println!("connection: {error}");
                }
            });
        }
    });

    let body = r#"{"model":"claude-haiku-5-5","max_tokens":64,"stream":true,"messages":[]}"#;
    let request = Request::post(format!("http://{address}/v1/messages")).body(Full::<Bytes>::from(body))?;
    let mut answer = Client::builder(TokioExecutor::new()).build_http().request(request).await?.into_body();
    let mut frames = 0;
    while let Some(frame) = answer.frame().await {
        frames += 1;
        print!("{}", String::from_utf8_lossy(&frame?.into_data().unwrap_or_default()));
    }
    anyhow::ensure!(frames > 0, "the mock streams");

    server.abort();
    gateway.shutdown(Duration::from_secs(5)).await;
    upstream.shutdown().await;
    Ok(())
}
