//! Clients have keys: who asks, for which models, over which accounts.

use std::{sync::Arc, time::Duration};

use ccflare_core::{
    control::{
        Control, ControlError, Remote,
        views::{AccountEdit, AuditQuery, NewClientKey},
    },
    domain::Secret,
};
use ccflare_mock::MockConfig;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tokio::time::timeout;

use crate::harness::{Answer, SOON, Stage, TOKEN, message};

const MODEL: &str = "claude-opus-5-5";

async fn guarded(accounts: &[&str]) -> Stage {
    Stage::with_options(accounts, |options| options.require_client_keys = true).await
}

fn named(name: &str) -> NewClientKey {
    NewClientKey { name: name.to_owned(), ..NewClientKey::default() }
}

async fn key(stage: &Stage, new: NewClientKey) -> String {
    stage.control.create_client_key(new).await.expect("a new key").key.expose().to_owned()
}

async fn ask(stage: &Stage, key: &str) -> Answer {
    stage.send(message(MODEL, false), &[("x-api-key", key)]).await
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["type"].as_str().expect("a type").to_owned())
}

#[tokio::test]
async fn where_keys_are_required_only_who_has_one_gets_in_and_the_record_names_it() {
    let stage = guarded(&["a"]).await;
    assert_eq!(refusal(&stage.ask().await), (401, "authentication_error".to_owned()));
    let text = key(&stage, named("laptop")).await;
    assert!(text.starts_with("ccf_"));
    assert_eq!(ask(&stage, &text).await.status, 200);
    let bearer = format!("Bearer {text}");
    assert_eq!(stage.send(message(MODEL, false), &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(stage.asked(), ["a", "a"], "the account's key goes up, and no other");
    let key = stage.control.client_keys().await.expect("the keys").remove(0);
    assert!(key.last_used.is_some());
    let ledger = stage.finish().await;
    assert_eq!(ledger.len(), 2, "who is not let in takes no room in the ledger");
    assert!(ledger.iter().all(|request| request.client_key.as_deref() == Some("laptop")));
}

#[tokio::test]
async fn a_key_that_is_sent_must_be_good_even_where_none_is_required() {
    let stage = Stage::with(&["a"]).await;
    assert_eq!(stage.ask().await.status, 200);
    let short = NewClientKey { expires_in_seconds: Some(60), ..named("short") };
    let (short, revoked, rotated) =
        (key(&stage, short).await, key(&stage, named("revoked")).await, key(&stage, named("rotated")).await);
    for good in [&short, &revoked, &rotated] {
        assert_eq!(ask(&stage, good).await.status, 200);
    }
    stage.clock.advance(Duration::from_secs(60));
    stage.control.revoke_client_key("revoked").await.expect("revoked");
    let new = stage.control.rotate_client_key("rotated").await.expect("rotated").key;
    stage.mock.forget();
    for (bad, why) in [
        (short.as_str(), "has expired"),
        (&revoked, "was revoked"),
        (&rotated, "is unknown"),
        ("ccf_", "is unknown"),
        ("ccf_0000", "is unknown"),
    ] {
        let answer = ask(&stage, bad).await;
        assert_eq!(refusal(&answer), (401, "authentication_error".to_owned()), "{why}");
        assert!(answer.json()["error"]["message"].as_str().expect("a message").contains(why), "{why}");
    }
    let both = [("x-api-key", new.expose()), ("authorization", "Bearer ccf_0000")];
    assert_eq!(stage.send(message(MODEL, false), &both).await.status, 401);
    assert!(stage.mock.requests().is_empty());
    assert_eq!(ask(&stage, new.expose()).await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn who_is_not_let_in_sees_the_answer_however_much_there_is_to_send() {
    let stage = guarded(&["a"]).await;
    for (path, status) in [("/v1/messages", 401), ("/v1/nowhere", 401)] {
        let length = 16 << 20;
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        let all = [head.into_bytes(), vec![b'x'; length]].concat();
        let answer = crate::harness::raw(stage.address, &all).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_key_asks_for_its_models_only_and_what_it_may_not_is_written_down() {
    let stage = guarded(&["a"]).await;
    let models = vec!["claude-haiku-*".to_owned()];
    let text = key(&stage, NewClientKey { models, ..named("small") }).await;
    let haiku = stage.send(message("claude-haiku-4-5", false), &[("x-api-key", &text)]).await;
    assert_eq!(haiku.status, 200);
    assert_eq!(refusal(&ask(&stage, &text).await), (403, "permission_error".to_owned()));
    let send = async |path: &str, body: &'static str| {
        let request = stage.client.post(stage.url(path)).header("x-api-key", &text).body(body);
        request.send().await.expect("an answer").status().as_u16()
    };
    for (path, body) in [
        ("/v1/messages", r#"{"model":"claude-haiku-4-5","model":"claude-opus-5-5"}"#),
        ("/v1/messages", r#"{"model":"claude-haiku-4-5","MODEL":"claude-opus-5-5"}"#),
        ("/v1/messages", r#"{"messages":[]}"#),
        ("/v1/messages", "\u{1f}not json"),
        ("/v1/messages/batches", r#"{"requests":[{"params":{"model":"claude-opus-5-5"}}]}"#),
    ] {
        assert_eq!(send(path, body).await, 403, "{body}");
    }
    let models = stage.client.get(stage.url("/v1/models")).header("x-api-key", &text).send().await.expect("an answer");
    assert_eq!(models.status(), 200, "what has no body asks for no model");
    let ledger = stage.finish().await;
    let refused: Vec<_> = ledger.iter().filter(|request| request.status_code == Some(403)).collect();
    assert_eq!(refused.len(), 6);
    assert!(
        refused.iter().all(|request| request.outcome == "failed" && request.client_key.as_deref() == Some("small"))
    );
}

#[tokio::test]
async fn a_key_is_served_by_its_accounts_only() {
    let stage = guarded(&["a", "b"]).await;
    let text = key(&stage, NewClientKey { accounts: vec!["b".to_owned()], ..named("bound") }).await;
    for _ in 0..3 {
        // A header can't talk it into another account.
        let headers = [("x-api-key", text.as_str()), ("x-ccflare-account", "a"), ("x-account", "a")];
        assert_eq!(stage.send(message(MODEL, false), &headers).await.status, 200);
    }
    stage.control.edit_account("b", AccountEdit::Pause).await.expect("paused");
    let closed = ask(&stage, &text).await;
    assert_eq!(closed.status, 503);
    let why = closed.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(why.contains("b: paused") && !why.contains("a:"), "{why}");
    stage.control.remove_account("b", "b").await.expect("removed");
    assert_eq!(refusal(&ask(&stage, &text).await), (403, "permission_error".to_owned()), "never free of its bonds");
    assert_eq!(stage.asked(), ["b", "b", "b"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_key_of_ours_is_never_sent_on_not_even_with_the_clients_own_credentials() {
    let stage = Stage::set(&[], MockConfig::default(), Default::default()).await;
    let text = key(&stage, named("laptop")).await;
    let bearer = format!("Bearer {text}");
    for (ours, own) in [("x-api-key", "authorization"), ("authorization", "x-api-key")] {
        let ours = (ours, if ours == "x-api-key" { text.as_str() } else { &bearer });
        stage.send(message(MODEL, false), &[ours, (own, "sk-ant-own")]).await;
    }
    for request in stage.mock.requests() {
        assert!(request.headers.iter().all(|(_, value)| !value.windows(4).any(|four| four == b"ccf_")));
    }
    assert_eq!(stage.mock.requests().len(), 2);
    stage.finish().await;
}

/// The same assertions, whoever carries them out.
async fn a_key_keepers_day(stage: &Stage, control: &dyn Control, actor: &str) {
    let bound = NewClientKey {
        expires_in_seconds: Some(3600),
        models: vec!["claude-*".to_owned()],
        accounts: vec!["a".to_owned()],
        ..named("laptop")
    };
    let made = control.create_client_key(bound.clone()).await.expect("made");
    assert_eq!((made.client_key.state.as_str(), &made.client_key.accounts[..]), ("valid", &["a".to_owned()][..]));
    assert!(!format!("{made:?}").contains(&made.key.expose()[4..]));
    assert!(matches!(control.create_client_key(bound).await, Err(ControlError::Conflict(_))));
    for wrong in [
        named(""),
        NewClientKey { models: vec!["a*b*".to_owned()], ..named("x") },
        NewClientKey { models: vec![String::new()], ..named("x") },
        NewClientKey { expires_in_seconds: Some(0), ..named("x") },
    ] {
        let refused = control.create_client_key(wrong.clone()).await;
        assert!(matches!(refused, Err(ControlError::Invalid(_))), "{wrong:?}: {refused:?}");
    }
    let nobody = NewClientKey { accounts: vec!["nobody".to_owned()], ..named("x") };
    assert!(matches!(control.create_client_key(nobody).await, Err(ControlError::NotFound(_))));

    let rotated = control.rotate_client_key(&made.client_key.id).await.expect("rotated");
    assert_eq!(rotated.client_key, made.client_key, "all but the key stays");
    assert_ne!(rotated.key.expose(), made.key.expose());
    assert_eq!(control.revoke_client_key("laptop").await.expect("revoked").state, "revoked");
    assert!(matches!(control.revoke_client_key("laptop").await, Err(ControlError::Conflict(_))));
    assert!(matches!(control.rotate_client_key("laptop").await, Err(ControlError::Conflict(_))));
    assert!(matches!(control.rotate_client_key("nobody").await, Err(ControlError::NotFound(_))));
    control.create_client_key(named("laptop")).await.expect("a name that was given up");
    let states: Vec<_> = control.client_keys().await.expect("the keys").into_iter().map(|key| key.state).collect();
    assert_eq!(states, ["revoked", "valid"]);

    let log = control.audit(AuditQuery { before: None, limit: 1000 }).await.expect("the log");
    let by_us: Vec<_> = log.iter().rev().skip_while(|entry| entry.action == "account.add").collect();
    let done: Vec<_> = by_us.iter().filter(|entry| entry.refused.is_none()).map(|it| it.action.as_str()).collect();
    assert_eq!(done, ["key.create", "key.rotate", "key.revoke", "key.create"]);
    assert!(by_us.iter().all(|entry| entry.actor == actor), "{by_us:?}");
    assert_eq!(by_us.len(), 13, "what was refused is written down too");
    let text = format!("{log:?}");
    assert!(!text.contains(made.key.expose()) && !text.contains(rotated.key.expose()));
    let older = control.audit(AuditQuery { before: Some(log[0].id.clone()), limit: 1 }).await.expect("a page");
    assert_eq!(older, log[1..2]);
    assert!(matches!(control.audit(AuditQuery { before: None, limit: 0 }).await, Err(ControlError::Invalid(_))));
    assert_eq!(stage.asked().len(), 0);
}

#[tokio::test]
async fn keys_are_kept_from_within_the_process() {
    let stage = Stage::with(&["a"]).await;
    a_key_keepers_day(&stage, &*stage.control, "local").await;
    stage.finish().await;
}

#[tokio::test]
async fn keys_are_kept_from_afar() {
    let stage = Stage::with(&["a"]).await;
    let remote = Remote::new(stage.url("/").parse().expect("a URL"), Secret::new(TOKEN)).expect("an address");
    let remote: Arc<dyn Control> = Arc::new(remote);
    a_key_keepers_day(&stage, &*remote, "admin_token").await;
    let log = remote.audit(AuditQuery::default()).await.expect("the log");
    assert_eq!(log[0].source.as_deref(), Some("127.0.0.1"));
    stage.finish().await;
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_though_whoever_revoked_it_has_hung_up() {
    let stage = Stage::with(&["a"]).await;
    let text = key(&stage, named("laptop")).await;
    let request = Request::post("/api/keys/laptop/revoke")
        .header("host", stage.address.to_string())
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Full::from("{}"))
        .expect("a request");
    let mut answering = Box::pin(Arc::new(stage.app.clone()).answer(request));
    assert!(futures_util::poll!(&mut answering).is_pending(), "it has begun");
    drop(answering);
    let written_down = async {
        while stage.control.audit(AuditQuery::default()).await.expect("the log")[0].action != "key.revoke" {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, written_down).await.expect("it is done and written down");
    assert_eq!(ask(&stage, &text).await.status, 401);
    stage.finish().await;
}

#[tokio::test]
async fn the_api_has_these_shapes() {
    let stage = Stage::with(&["a"]).await;
    let post = async |path: &str, body: serde_json::Value| {
        let request = stage.client.post(stage.url(path)).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.expect("JSON"))
    };
    let (status, made) =
        post("/api/keys", json!({ "name": "ci", "models": ["claude-*"], "expiresInSeconds": 60 })).await;
    assert_eq!((status, &made["clientKey"]["name"], &made["clientKey"]["state"]), (200, &json!("ci"), &json!("valid")));
    assert!(made["key"].as_str().is_some_and(|key| key.starts_with("ccf_")));
    let (status, error) = post("/api/keys", json!({ "name": "x", "model": "y" })).await;
    assert_eq!((status, &error["code"]), (400, &json!("invalid")));
    let (status, revoked) = post("/api/keys/ci/revoke", json!({})).await;
    assert_eq!((status, &revoked["state"]), (200, &json!("revoked")));
    stage.finish().await;
}
