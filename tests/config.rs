//! Settings change while the server works, all or nothing, and everybody can see where they came from.

use std::{collections::HashMap, fs, path::Path, sync::Arc, time::Duration};

use ccflare_core::{
    control::{
        Control, ControlError, Remote,
        views::{NewAccount, SettingView, SettingsEdit},
    },
    domain::Secret,
};
use ccflare_mock::{MockConfig, MockUpstream};
use ccflare_server::{
    Running,
    config::{Flags, Places, Sources},
};
use serde_json::{Value, json};

use crate::harness::{SOON, TOKEN, http_client, message};

/// A server of its own, with a file of its own.
struct Site {
    folder: tempfile::TempDir,
    mock: MockUpstream,
    running: Running,
    client: reqwest::Client,
}

impl Site {
    async fn start(settings: &str, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mock = MockUpstream::start(MockConfig::default()).await;
        let file = folder.path().join("ccflare.toml");
        let text = format!("# ours\nupstream_base_url = \"{}\"\nadmin_token = \"{TOKEN}\"\n{settings}", mock.url());
        fs::write(&file, text).expect("a file");
        let config = sources(folder.path(), env).read().expect("settings that make sense");
        let running = ccflare_server::start(config).await.expect("a server");
        running.control.add_account(NewAccount::with_key("a", Secret::new("a"))).await.expect("an account");
        Self { folder, mock, running, client: http_client() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    fn remote(&self) -> Arc<dyn Control> {
        Arc::new(Remote::new(self.url("/").parse().expect("a URL"), Secret::new(TOKEN)).expect("an address"))
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.path().join("ccflare.toml")).expect("a file")
    }

    /// As an editor does it: another file takes its place.
    fn save(&self, text: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).expect("a file");
        fs::rename(new, self.folder.path().join("ccflare.toml")).expect("renamed");
    }

    async fn setting(&self, key: &str) -> SettingView {
        let settings = self.running.control.settings().await.expect("settings").settings;
        settings.into_iter().find(|setting| setting.key == key).expect("a setting of this name")
    }

    async fn until(&self, key: &str, value: &str) {
        let waiting = async {
            while self.setting(key).await.value.as_deref() != Some(value) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, waiting).await.expect("the file is watched");
    }

    async fn ask(&self) -> u16 {
        let body = message("claude-opus-5-5", false);
        self.client.post(self.url("/v1/messages")).json(&body).send().await.expect("an answer").status().as_u16()
    }

    async fn send(&self, method: reqwest::Method, path: &str, headers: &[(&str, &str)], body: Value) -> (u16, Value) {
        let mut request = self.client.request(method, self.url(path)).bearer_auth(TOKEN).json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn finish(self) {
        drop(self.client);
        self.running.stop().await;
        self.mock.shutdown().await;
    }
}

fn sources(folder: &Path, env: &[(&str, &str)]) -> Sources {
    let flags = Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(folder.into()), ..Flags::default() };
    let env: HashMap<_, _> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources::new(&flags, env, &Places { config_dir: folder.into(), data_dir: folder.into(), home: None })
}

#[tokio::test]
async fn every_setting_says_where_it_comes_from() {
    let env = [("SESSION_DURATION_MS", "60000"), ("CCFLARE_THROTTLE_WAIT", "2s")];
    let site = Site::start("throttle_wait = \"3s\"\npayload_days = 9\n", &env).await;
    for (key, value, origin, place) in [
        ("listen", None, "flag", None),
        ("throttle_wait", Some("2s"), "environment", Some("CCFLARE_THROTTLE_WAIT")),
        ("session_duration", Some("60000ms"), "environment", Some("SESSION_DURATION_MS")),
        ("payload_days", Some("9"), "file", Some("line 5")),
        ("idle_timeout", Some("240s"), "default", None),
        ("admin_token", None, "file", Some("line 3")),
    ] {
        let setting = site.setting(key).await;
        assert_eq!((setting.origin.as_str(), setting.place.as_deref()), (origin, place), "{key}");
        if key != "listen" {
            assert_eq!(setting.value.as_deref(), value, "{key}");
        }
    }
    let settings = site.remote().settings().await.expect("settings");
    assert_eq!(settings, site.running.control.settings().await.expect("settings"), "the same from afar");
    assert!(!format!("{settings:?}").contains(TOKEN), "no secret is shown");
    let (_, original) = site.send(reqwest::Method::GET, "/api/config", &[], json!({})).await;
    assert_eq!((&original["lb_strategy"], &original["sessionDurationMs"]), (&json!("session"), &json!(60_000)));
    assert_eq!(original["port"], json!(0), "as it was asked for");
    site.finish().await;
}

#[tokio::test]
async fn a_reload_under_load_fails_no_request_and_changes_what_can_change() {
    let site = Arc::new(Site::start("", &[]).await);
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (site, stop) = (Arc::clone(&site), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut asked = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(site.ask().await, 200);
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    let before = site.text();
    for round in 1..=5 {
        site.save(&format!("{before}session_duration = \"{round}h\"\ndrain_timeout = \"{round}s\"\n"));
        site.until("session_duration", &format!("{round}h")).await;
    }
    let drain = site.setting("drain_timeout").await;
    assert_eq!((drain.value.as_deref(), drain.pending.as_deref()), (Some("30s"), Some("5s")), "this takes a restart");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    for client in clients {
        assert!(client.await.expect("every request was answered") > 0);
    }
    Arc::into_inner(site).expect("nobody else has it").finish().await;
}

#[tokio::test]
async fn a_broken_file_is_refused_with_its_line_and_the_old_settings_stay() {
    let site = Site::start("session_duration = \"2h\"\n", &[]).await;
    let before = site.text();
    for (broken, told) in [
        ("payload_days = = 3\n", "line 5"),
        ("payload_days = 0\n", "payload_days (from line 5 of the configuration file)"),
        ("payload_day = 3\n", "there is no setting payload_day; did you mean payload_days?"),
        ("log_level = \"=[\"\n", "log_level (from line 5"),
        ("session_duration = \"3h\"\npayload_days = \"many\"\n", "line 5"),
    ] {
        site.save(&format!("{before}{broken}"));
        let refused = site.remote().reload_settings().await;
        assert!(matches!(&refused, Err(ControlError::Invalid(why)) if why.contains(told)), "{broken}: {refused:?}");
        assert_eq!(site.setting("session_duration").await.value.as_deref(), Some("2h"));
        assert_eq!(site.setting("payload_days").await.value.as_deref(), Some("7"));
        assert_eq!(site.ask().await, 200);
    }
    site.save(&before.replace("2h", "4h"));
    let reloaded = site.remote().reload_settings().await.expect("mended");
    // The watch may have been quicker; then there is nothing left to change.
    assert!(reloaded.restart.is_empty());
    assert_eq!(site.setting("session_duration").await.value.as_deref(), Some("4h"));
    site.finish().await;
}

#[tokio::test]
async fn a_setting_is_written_into_the_file_and_takes_effect() {
    let site = Site::start("payload_days = 9 # days\n", &[("CCFLARE_THROTTLE_WAIT", "2s")]).await;
    let remote = site.remote();
    let before = remote.settings().await.expect("settings");
    let after = remote.change_settings(SettingsEdit::of("payload_days", "10")).await.expect("changed");
    assert_ne!(before.version, after.version);
    assert!(
        site.text().starts_with("# ours\n") && site.text().contains("payload_days = 10 # days\n"),
        "{}",
        site.text()
    );
    assert_eq!(site.setting("payload_days").await.value.as_deref(), Some("10"));

    let stale = SettingsEdit { version: Some(before.version), ..SettingsEdit::of("payload_days", "11") };
    assert!(matches!(remote.change_settings(stale).await, Err(ControlError::Stale(_))));
    let text = site.text();
    for (key, value, told) in [
        ("payload_days", "1000", "from 1 to 365"),
        ("master_key", "x", "is a secret"),
        ("payload_day", "3", "did you mean payload_days?"),
        ("throttle_wait", "3s", "CCFLARE_THROTTLE_WAIT"),
        ("listen", "127.0.0.1:1", "the command line"),
    ] {
        let refused = remote.change_settings(SettingsEdit::of(key, value)).await.expect_err(key).to_string();
        assert!(refused.contains(told), "{key}: {refused}");
    }
    let half =
        SettingsEdit { set: [("payload_days", "3"), ("session_duration", "long")].map(own).into(), version: None };
    assert!(remote.change_settings(half).await.is_err());
    assert_eq!(site.text(), text, "what is refused changes nothing");

    let gone = SettingsEdit { set: [("payload_days".to_owned(), None)].into(), version: Some(after.version) };
    remote.change_settings(gone).await.expect("taken out");
    assert_eq!(site.setting("payload_days").await.origin, "default");
    let audit = remote.audit(Default::default()).await.expect("the log");
    assert!(audit.iter().any(|entry| entry.action == "settings.change" && entry.subject == "payload_days"));
    site.finish().await;
}

fn own((key, value): (&str, &str)) -> (String, Option<String>) {
    (key.to_owned(), Some(value.to_owned()))
}

#[tokio::test]
async fn captures_begin_and_end_without_a_restart() {
    let site = Site::start("", &[]).await;
    let remote = site.remote();
    let payload = async || {
        assert_eq!(site.ask().await, 200);
        let page = remote.requests(Default::default()).await.expect("the ledger");
        remote.payload(&page.requests[0].id).await
    };
    assert!(payload().await.is_err());
    let on = [("capture_payloads", "true"), ("stream_body_max_bytes", "16")].map(own);
    remote.change_settings(SettingsEdit { set: on.into(), version: None }).await.expect("on");
    assert!(payload().await.expect("kept").request.truncated, "the limit holds at once");
    remote.change_settings(SettingsEdit::of("capture_payloads", "false")).await.expect("off");
    assert!(payload().await.is_err());
    site.finish().await;
}

#[tokio::test]
async fn the_originals_routes_for_settings_work() {
    let site = Site::start("", &[]).await;
    let (get, post, patch) = (reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::PATCH);
    let (status, _) = site.send(post.clone(), "/api/config/retention", &[], json!({ "payloadDays": 30 })).await;
    assert_eq!(status, 204);
    let (_, retention) = site.send(get.clone(), "/api/config/retention", &[], json!({})).await;
    assert_eq!(retention["payloadDays"], json!(30));
    assert_eq!(site.send(post.clone(), "/api/config/retention", &[], json!({})).await.0, 400);
    assert_eq!(site.send(post.clone(), "/api/config/retention", &[], json!({ "payloadDays": 400 })).await.0, 400);
    let (status, set) = site.send(post, "/api/config/throttle_wait", &[], json!({ "value": "5s" })).await;
    assert_eq!((status, &set["value"]), (200, &json!("5s")));
    assert_eq!(site.send(get.clone(), "/api/config/nothing", &[], json!({})).await.0, 404);

    let answer = site.client.get(site.url("/api/config")).bearer_auth(TOKEN).send().await.expect("an answer");
    let tag = answer.headers()["etag"].to_str().expect("text").to_owned();
    let change = json!({ "session_duration": "1h", "capture_redact": ["/messages"], "payload_days": 3 });
    let (status, changed) = site.send(patch.clone(), "/api/config", &[("if-match", &tag)], change.clone()).await;
    assert_eq!((status, &changed["sessionDurationMs"]), (200, &json!(3_600_000)));
    let (status, stale) = site.send(patch, "/api/config", &[("if-match", &tag)], change).await;
    assert_eq!((status, &stale["code"]), (412, &json!("stale")));
    site.finish().await;
}

#[tokio::test]
async fn a_change_that_is_sent_twice_is_made_once() {
    let site = Site::start("", &[]).await;
    let post = reqwest::Method::POST;
    let key = [("idempotency-key", "0b3b6f5e-9f7c-4ab8-8d5f-2f1a3a1c0001")];
    let (first, made) = site.send(post.clone(), "/api/keys", &key, json!({ "name": "laptop" })).await;
    let (second, again) = site.send(post.clone(), "/api/keys", &key, json!({ "name": "laptop" })).await;
    assert_eq!((first, second, &made), (200, 200, &again), "the same key, not another");
    assert_eq!(site.running.control.client_keys().await.expect("keys").len(), 1);
    let (other, error) = site.send(post.clone(), "/api/keys", &key, json!({ "name": "phone" })).await;
    assert_eq!((other, &error["code"]), (422, &json!("key_reused")));
    let (elsewhere, _) = site.send(post.clone(), "/api/accounts/a/pause", &key, json!({})).await;
    assert_eq!(elsewhere, 200, "another path is another request");
    let (empty, _) = site.send(post, "/api/keys", &[("idempotency-key", "")], json!({ "name": "x" })).await;
    assert_eq!(empty, 400);
    site.finish().await;
}

#[tokio::test]
async fn settings_of_agents_count_without_a_restart() {
    let site = Site::start("", &[]).await;
    let remote = site.remote();
    let own = site.folder.path().join("own");
    fs::create_dir(&own).expect("made");
    fs::write(own.join("reviewer.md"), "---\nname: reviewer\ndescription: it\n---\nYou review.\n").expect("written");
    assert_eq!(remote.agents().await.expect("agents").agents, []);
    assert!(remote.prefer_model("reviewer", "claude-haiku-4-5").await.is_err(), "in no group");

    let own = own.display();
    site.save(&format!(
        "{}agent_dirs = [\"{own}\"]\ndefault_agent_model = \"haiku\"\ncompatible_models = [\"claude-haiku-4-5* \
         claude-haiku-5-5*\"]\n",
        site.text()
    ));
    let reloaded = remote.reload_settings().await.expect("they make sense");
    assert!(reloaded.restart.is_empty(), "{reloaded:?}");
    let known = async || remote.agents().await.expect("agents");
    let waiting = async {
        while known().await.agents.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("they are looked for where it says now");
    assert_eq!(known().await.default_model.as_deref(), Some("haiku"));
    remote.prefer_model("reviewer", "claude-haiku-4-5").await.expect("in a group now");
    site.finish().await;
}
