//! A server with a dashboard, and a browser that is logged in to it.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use ccflare_core::{
    gateway::{GatewayBuilder, GatewayOptions},
    oauth::{AuthorizationServer, AuthorizationServers},
    store::RedbStore,
};
use ccflare_mock::{MockConfig, MockOAuth, Reply, Step};
use ccflare_server::{
    Running, ServeOptions,
    config::{Flags, Places, Sources},
};
use tempfile::TempDir;

use crate::{
    day,
    driver::Browser,
    harness::{Stage, TOKEN, http_client, message},
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
    let mut options = GatewayOptions::default();
    options.agents.directories = vec![day::AGENT_FILES.into()];
    let build = |builder: GatewayBuilder| builder;
    Stage::over(store, &[], MockConfig::default(), options, build, ServeOptions::default()).await
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

/// A server at which agents are defined in this directory.
pub async fn with_agents(directory: &Path) -> Stage {
    let set = |options: &mut GatewayOptions| options.agents.directories = vec![directory.to_owned()];
    Stage::with_options(&["work"], set).await
}

/// A server as the command starts it: with a file of settings, and a log.
pub struct Program {
    folder: TempDir,
    running: Running,
}

impl Program {
    /// With these lines in its file.
    pub async fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!("admin_token = \"{TOKEN}\"\n{settings}");
        std::fs::write(folder.path().join("ccflare.toml"), text).expect("a file");
        ccflare_server::logging::init_unseen("warn").expect("a level");
        let (places, flags) = (
            Places { config_dir: folder.path().into(), data_dir: folder.path().into(), home: None },
            Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(folder.path().into()), ..Flags::default() },
        );
        let config = Sources::new(&flags, HashMap::new(), &places).read().expect("settings that make sense");
        Self { running: ccflare_server::start(config).await.expect("a server"), folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// What its file says.
    pub fn settings(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("ccflare.toml")).expect("a file")
    }

    pub async fn finish(self) {
        self.running.stop().await;
    }
}

/// Where a link leads that logs one browser in.
pub async fn link(stage: &Stage) -> String {
    link_at(&stage.url("")).await
}

async fn link_at(server: &str) -> String {
    let asked = http_client().post(format!("{server}/api/login-links")).bearer_auth(TOKEN);
    let link: serde_json::Value = asked.send().await.expect("an answer").json().await.expect("a link");
    format!("{server}{}", link["path"].as_str().expect("a path"))
}

/// Logs a browser in, as `ccflare open` does.
pub async fn enter(browser: &Browser, stage: &Stage) {
    enter_at(browser, &stage.url("")).await;
}

/// The same at any server.
pub async fn enter_at(browser: &Browser, server: &str) {
    browser.go(&link_at(server).await).await;
    browser.press("Log in").await;
    browser.find(".side").await;
}
