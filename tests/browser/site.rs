//! A server with a dashboard, and a browser that is logged in to it.

use std::{sync::Arc, time::Duration};

use ccflare_core::{
    gateway::{GatewayBuilder, GatewayOptions},
    oauth::{AuthorizationServer, AuthorizationServers},
    store::RedbStore,
};
use ccflare_mock::{MockConfig, MockOAuth, Reply, Step};
use ccflare_server::ServeOptions;

use crate::{
    day,
    driver::Browser,
    harness::{Stage, TOKEN, message},
};

/// A server with nothing in it.
pub async fn empty() -> Stage {
    Stage::with(&[]).await
}

/// A server with accounts that have served nothing yet.
pub async fn with(accounts: &[&str]) -> Stage {
    Stage::with(accounts).await
}

/// A server after a month of work.
pub async fn after_a_month() -> Stage {
    let store = Arc::new(RedbStore::in_memory());
    day::fill(&store).await;
    over(store, &[]).await
}

/// A server over a store that has something in it.
pub async fn over(store: Arc<RedbStore>, accounts: &[&str]) -> Stage {
    let build = |builder: GatewayBuilder| builder;
    Stage::over(store, accounts, MockConfig::default(), GatewayOptions::default(), build, ServeOptions::default()).await
}

/// A server at which accounts can log in with an authorization server of the same machine.
pub async fn with_logins(redirect: &str) -> (Stage, MockOAuth) {
    let oauth = MockOAuth::start(8 * 60 * 60).await.expect("a free port");
    let url = |text: &str| text.parse().expect("a URL");
    let (authorize, token) = (url(&oauth.authorize_url()), url(&oauth.token_url()));
    let server = AuthorizationServer::new("mock", authorize, token, "our-own-client", url(redirect));
    let servers = AuthorizationServers::new([server]);
    (Stage::set_with_servers(&[], MockConfig::default(), GatewayOptions::default(), servers).await, oauth)
}

/// An answer that is under way until it is dropped, and its first bytes.
pub async fn busy(stage: &Stage, account: &str, model: &str) -> (reqwest::Response, bytes::Bytes) {
    stage.mock.script(account, [Step::reply(Reply { deltas: 1000, pace: Duration::from_secs(1), ..Reply::default() })]);
    let asked = stage.client.post(stage.url("/v1/messages")).header("content-type", "application/json");
    let mut answer = asked.body(message(model, true).to_string()).send().await.expect("an answer");
    let first = answer.chunk().await.expect("a stream").expect("a beginning");
    (answer, first)
}

/// Where a link leads that logs one browser in.
pub async fn link(stage: &Stage) -> String {
    let answer = stage.client.post(stage.url("/api/login-links")).bearer_auth(TOKEN).send().await.expect("an answer");
    let link: serde_json::Value = answer.json().await.expect("a link");
    stage.url(link["path"].as_str().expect("a path"))
}

/// Logs a browser in, as `ccflare open` does.
pub async fn enter(browser: &Browser, stage: &Stage) {
    browser.go(&link(stage).await).await;
    browser.press("Log in").await;
    browser.find(".side").await;
}
