//! Everything that can happen is heard at each of the three places: server-sent events, WebSocket, webhook.

use std::{collections::BTreeSet, fs, sync::Arc};

use ccflare_core::{
    control::views::{AccountEdit, EventDetail, NewAccount, NewLogin},
    domain::Secret,
    logs::{LogLevel, LogLine},
    record::EventKind,
};
use ccflare_mock::{MockConfig, MockOAuth, MockUpstream, Step};
use ccflare_server::{
    Running,
    config::{Flags, Places, Sources},
};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::{
    harness::{SOON, TOKEN, http_client, http_client_builder},
    webhooks::{Receiver, SECRET},
};

/// A server with an account that logs in, whose settings can be read anew.
struct Site {
    folder: tempfile::TempDir,
    mock: MockUpstream,
    oauth: MockOAuth,
    running: Running,
    client: reqwest::Client,
}

/// What no event may show.
const METRICS_TOKEN: &str = "a-token-that-nobody-sees";

impl Site {
    async fn start(hooks: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mock = MockUpstream::start(MockConfig::default()).await;
        let oauth = MockOAuth::start(3600).await.expect("a free port");
        let text = format!(
            "upstream_base_url = {:?}\nadmin_token = {TOKEN:?}\nstrategy = \"conversation\"\n\
             [oauth.mock]\nauthorize_url = {:?}\ntoken_url = {:?}\nclient_id = \"ours\"\n{hooks}",
            mock.url(),
            oauth.authorize_url(),
            oauth.token_url(),
        );
        let path = folder.path();
        fs::write(path.join("ccflare.toml"), text).expect("a file");
        let flags = Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(path.into()), ..Flags::default() };
        let places = Places { config_dir: path.into(), data_dir: path.into(), home: None };
        let config = Sources::new(&flags, std::collections::HashMap::new(), &places).read().expect("they make sense");
        let running = ccflare_server::start(config).await.expect("a server");
        Self { folder, mock, oauth, running, client: http_client() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    /// A turn of one and the same conversation.
    async fn say(&self) -> u16 {
        let body = json!({
            "model": "claude-opus-5-5", "max_tokens": 64, "stream": true,
            "system": "You are an agent.", "tools": [{ "name": "Read", "input_schema": { "type": "object" } }],
            "messages": [{ "role": "user", "content": "Hello" }],
        });
        let request = self.client.post(self.url("/v1/messages")).header("x-claude-code-session-id", "one").json(&body);
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        answer.bytes().await.expect("a whole answer");
        status
    }

    async fn log_in(&self) {
        let login = NewLogin { name: "me".to_owned(), ..NewLogin::default() };
        let login = self.running.control.begin_login(login).await.expect("it begins");
        let client = http_client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let page = client.get(&login.auth_url).send().await.expect("the page");
        let ended_at = page.headers()["location"].to_str().expect("an address").to_owned();
        self.running.control.complete_login(&login.session_id, &ended_at).await.expect("logged in");
    }

    /// Reads the file anew with another beginning, and says whether that was taken.
    async fn settle(&self, first: &str) -> bool {
        let file = self.folder.path().join("ccflare.toml");
        let text = fs::read_to_string(&file).expect("a file");
        fs::write(&file, format!("{first}\n{text}")).expect("a file");
        self.running.control.reload_settings().await.is_ok()
    }

    /// Lets everything happen that can.
    async fn live_through_it_all(&self) {
        self.log_in().await;
        self.mock.always("mock-oat-2", Step::unauthorized());
        assert_eq!(self.say().await, 200, "with renewed tokens");
        self.running.control.add_account(NewAccount::with_key("b", Secret::new("b"))).await.expect("an account");
        self.running.control.edit_account("me", AccountEdit::Pause).await.expect("paused");
        assert_eq!(self.say().await, 200, "at another account");
        self.mock.always("b", Step::unauthorized());
        assert_eq!(self.say().await, 503, "nobody is left");
        self.client.get(self.url("/v1/nowhere")).send().await.expect("an answer");
        assert!(self.settle(&format!("throttle_wait = \"7s\"\nmetrics_token = {METRICS_TOKEN:?}")).await);
        assert!(!self.settle("no_such_setting = 1").await);
        self.running.events().step(|| EventKind::Log(Arc::new(line())));
    }
}

/// That real lines come this way is the logging layer's own test: a process has one log, and this one many tests.
fn line() -> LogLine {
    LogLine {
        ts: 1_800_000_000_000,
        level: LogLevel::Warn,
        target: "ccflare".to_owned(),
        msg: "something is logged".to_owned(),
        request: None,
        data: serde_json::Map::new(),
    }
}

fn kinds(heard: &[Value]) -> BTreeSet<&str> {
    heard.iter().filter_map(|event| event["type"].as_str()).collect()
}

/// Every type but the notice of missed ones.
fn all() -> BTreeSet<&'static str> {
    EventDetail::NAMES.into_iter().filter(|name| *name != "missed").collect()
}

async fn hear_by_web_socket(site: &Site) -> impl Future<Output = Vec<Value>> + use<> {
    let mut request = site.url("/api/ws").replace("http://", "ws://").into_client_request().expect("a request");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("connected");
    let topics = json!({ "subscribe": ["requests", "accounts", "moves", "config", "logs"] });
    socket.send(Message::text(topics.to_string())).await.expect("sent");
    super::next(&mut socket).await;
    async move {
        let mut heard = Vec::new();
        while !is_enough(&heard, &all()) {
            heard.push(super::next(&mut socket).await);
        }
        heard
    }
}

/// All types, and both readings of the settings.
fn is_enough(heard: &[Value], wanted: &BTreeSet<&str>) -> bool {
    kinds(heard).is_superset(wanted) && heard.iter().any(|event| event["error"].is_string())
}

async fn hear_by_events(site: &Site) -> impl Future<Output = Vec<Value>> + use<> {
    let request = site.client.get(site.url("/api/events")).bearer_auth(TOKEN);
    let response = request.send().await.expect("an answer");
    let mut heard = super::Heard { response, text: String::new() };
    let values = |heard: &[(String, Value)]| heard.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>();
    async move { values(&heard.until(|heard| is_enough(&values(heard), &all())).await) }
}

#[tokio::test]
async fn everything_that_can_happen_is_heard_at_every_place() {
    let receiver = Receiver::start().await;
    let mut for_others = all();
    for_others.remove("log");
    let wanted: Vec<_> = for_others.iter().copied().collect();
    let site = Site::start(&receiver.settings(SECRET, &wanted)).await;
    let (streamed, socket) = (hear_by_events(&site).await, hear_by_web_socket(&site).await);
    site.live_through_it_all().await;
    let (streamed, socket) = tokio::time::timeout(SOON, async { tokio::join!(streamed, socket) }).await.expect("soon");
    let json = |told: &[crate::webhooks::Told]| told.iter().map(crate::webhooks::Told::json).collect::<Vec<_>>();
    let told = json(&receiver.until(|told| is_enough(&json(told), &for_others)).await);
    assert_eq!((kinds(&streamed), kinds(&socket), kinds(&told)), (all(), all(), for_others));

    for heard in [&streamed, &socket, &told] {
        let moved = heard.iter().find(|event| event["type"] == "moved").expect("a move");
        assert_eq!((&moved["conversation"], &moved["from"], &moved["to"]), (&"one".into(), &"me".into(), &"b".into()));
        assert_eq!((&moved["reason"], &moved["priceNanoUsd"]), (&"paused".into(), &0.into()), "{moved}");
        let config = |wanted: fn(&&Value) -> bool| {
            heard.iter().filter(|event| event["type"] == "config").find(wanted).expect("a reading of the settings")
        };
        let taken = config(|event| event["error"].is_null() && event["changed"] != json!([]));
        assert_eq!(taken["changed"], json!(["metrics_token", "throttle_wait"]), "{taken}");
        assert_eq!(taken["needsRestart"], json!(["metrics_token"]), "{taken}");
        let refused = config(|event| event["error"].is_string());
        assert!(refused["error"].as_str().is_some_and(|error| error.contains("no_such_setting")), "{refused}");
        assert!(!serde_json::to_string(heard).expect("JSON").contains(METRICS_TOKEN));
    }
    let metrics = site.client.get(site.url("/metrics")).bearer_auth(TOKEN).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for sample in [
        r#"ccflare_switches_total{reason="paused"} 1"#,
        r#"ccflare_config_reload_total{result="done"}"#,
        r#"ccflare_config_reload_total{result="refused"}"#,
    ] {
        assert!(metrics.contains(sample), "{sample} in {metrics}");
    }
    let Site { client, running, mock, oauth, .. } = site;
    drop((client, oauth));
    running.stop().await;
    mock.shutdown().await;
}
