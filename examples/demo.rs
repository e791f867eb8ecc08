//! Everything at once: a mock upstream, the server, three accounts and some clients.
//!
//! ```text
//! cargo run -p ccflare-examples --example demo            # a few seconds, then the books
//! cargo run -p ccflare-examples --example demo -- --stay  # until Ctrl-C; look around with the `ccflare` command
//! ```

use std::time::Duration;

use bytes::Bytes;
use ccflare_core::{
    control::views::{NewAccount, RequestPageQuery},
    domain::Secret,
};
use ccflare_mock::{KeyConfig, LimitAfter, MockConfig, MockUpstream, Reply};
use ccflare_server::{
    Config,
    config::{Places, help},
};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stay = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--stay") => true,
        Some(other) => anyhow::bail!("{other:?} is not known; there is --stay. The server's own settings:\n{}", help()),
    };

    // An upstream whose first account reaches its limit after twenty requests.
    let reply = Reply { deltas: 12, pace: Duration::from_millis(10), ..Reply::default() };
    let mut mock = MockConfig::with_reply(reply);
    for name in ["work", "private", "spare"] {
        mock = mock.key(name, KeyConfig::organization(format!("org-{name}")));
    }
    let mock = MockUpstream::start(mock.without_record()).await;
    mock.limit_after("work", LimitAfter { requests: 20, reset: Duration::from_secs(3600) });

    let folder = tempfile::tempdir()?;
    let places = Places { config_dir: folder.path().join("config"), data_dir: folder.path().join("data"), home: None };
    let config = Config::resolve([("listen", "127.0.0.1:0".to_owned())], |_| None, None, &places)?;
    let token_file = config.token_file();
    let server = ccflare_server::start(config).await?;
    for name in ["work", "private", "spare"] {
        server.control.add_account(NewAccount::with_key(name, Secret::new(name)).at(&mock.url())).await?;
    }
    let base = format!("http://{}", server.address);
    println!("serving on {base}");
    println!("try: CCFLARE_ADMIN_TOKEN=$(cat {}) ccflare --server {base} account list", token_file.display());

    let clients: Vec<_> = (0..4).map(|client| tokio::spawn(talk(base.clone(), client, stay))).collect();
    if stay {
        tokio::signal::ctrl_c().await?;
        clients.iter().for_each(tokio::task::JoinHandle::abort);
    }
    for client in clients {
        match client.await {
            Ok(result) => result?,
            Err(error) => anyhow::ensure!(error.is_cancelled(), "a client failed: {error}"),
        }
    }

    let control = server.control.clone();
    server.stop().await;
    for account in control.accounts().await? {
        println!("{:<8} {:<13} {:>4} requests", account.name, account.state, account.total_requests);
    }
    let page = control.requests(RequestPageQuery::newest(1000)).await?;
    let cost: u64 = page.requests.iter().filter_map(|request| request.cost_nano_usd).sum();
    let failed = page.requests.iter().filter(|request| request.outcome == "failed").count();
    println!("{} requests, {failed} failed, {}", page.requests.len(), ccflare_core::domain::NanoUsd(cost));
    mock.shutdown().await;
    anyhow::ensure!(failed == 0, "no client should have noticed the limit");
    Ok(())
}

/// One client: ten questions, or as many as there is time for.
async fn talk(base: String, client: usize, stay: bool) -> anyhow::Result<()> {
    let models = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    for number in 0.. {
        if number == 10 && !stay {
            break;
        }
        let model = models[(client + number) % models.len()];
        let stream = number % 2 == 0;
        let body = format!(r#"{{"model":"{model}","max_tokens":64,"stream":{stream},"messages":[]}}"#);
        let request = Request::post(format!("{base}/v1/messages")).body(Full::from(body))?;
        let answer = http.request(request).await?;
        anyhow::ensure!(answer.status().is_success(), "a client was answered {}", answer.status());
        answer.into_body().collect().await?;
    }
    Ok(())
}
