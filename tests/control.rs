//! What an operator can do is the same from within the process and from afar, and nobody else can do it.

use std::sync::Arc;

use ccflare_core::{
    control::{
        AccountControl as _, Control, ControlError, Remote,
        views::{AccountEdit, NewAccount, RequestPageQuery},
    },
    domain::{Secret, Tier},
};
use serde_json::{Value, json};

use crate::harness::{Stage, TOKEN};

pub(crate) fn remote(stage: &Stage) -> Arc<dyn Control> {
    let base = stage.url("/").parse().expect("a URL");
    Arc::new(Remote::new(base, Secret::new(TOKEN)).expect("an address"))
}

/// The same assertions, whoever carries them out.
async fn an_operators_day(stage: &Stage, control: &dyn Control) {
    let new = |name: &str| NewAccount::with_key(name, Secret::new("sk-ant-api03-key"));
    let added = control.add_account(NewAccount { priority: 7, ..new("office box") }).await.expect("added");
    assert_eq!((added.priority, added.state.as_str(), added.active), (7, "active", false));
    assert!(matches!(control.add_account(new("office box")).await, Err(ControlError::Conflict(_))));
    for wrong in [
        new(""),
        new("a/b"),
        new(".."),
        new(&added.id),
        NewAccount { api_key: Secret::new(""), ..new("x") },
        NewAccount { provider: "nobody".into(), ..new("x") },
        new("x").at("ftp://example.com"),
        new("x").at("http://example.com"),
        new("x").at("https://user:pass@example.com"),
    ] {
        let refused = control.add_account(wrong.clone()).await;
        assert!(matches!(refused, Err(ControlError::Invalid(_))), "{wrong:?}: {refused:?}");
    }

    let paused = control.edit_account("office box", AccountEdit::Pause).await.expect("paused");
    assert!(paused.paused && paused.state == "paused");
    let again = control.edit_account("office box", AccountEdit::Pause).await;
    assert!(matches!(again, Err(ControlError::Conflict(_))), "{again:?}");
    control.edit_account(&added.id, AccountEdit::Resume).await.expect("resumed");
    control.edit_account("office box", AccountEdit::Tier(Tier::Five)).await.expect("sized");
    control.edit_account("office box", AccountEdit::Priority(1)).await.expect("moved");
    let renamed = control.edit_account("office box", AccountEdit::Rename("an@home+1".into())).await.expect("renamed");
    assert_eq!((renamed.name.as_str(), renamed.tier, renamed.priority), ("an@home+1", Tier::Five, 1));
    assert!(matches!(control.edit_account("office box", AccountEdit::Pause).await, Err(ControlError::NotFound(_))));
    let names: Vec<_> = control.accounts().await.expect("accounts").into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["a", "an@home+1"]);

    let unconfirmed = control.remove_account("an@home+1", "yes").await;
    assert!(matches!(unconfirmed, Err(ControlError::ConfirmationRequired(name)) if name == "an@home+1"));
    control.remove_account("an@home+1", "an@home+1").await.expect("removed");

    for _ in 0..5 {
        stage.ask().await;
    }
    let mut query = RequestPageQuery::newest(2);
    let mut seen = Vec::new();
    loop {
        let page = control.requests(query.clone()).await.expect("a page");
        seen.extend(page.requests.into_iter().map(|request| request.id));
        let Some(next) = page.next else { break };
        query.before = Some(next);
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
    assert_eq!(control.request(&seen[0]).await.expect("one").id, seen[0]);
    assert!(matches!(control.request("nothing").await, Err(ControlError::NotFound(_))));
    let wrong = control.requests(RequestPageQuery::newest(0)).await;
    assert!(matches!(wrong, Err(ControlError::Invalid(_))));
    let status = control.status().await.expect("status");
    assert_eq!(
        (status.accounts, status.active_account.as_deref(), status.strategy.as_str()),
        (1, Some("a"), "session")
    );
}

#[tokio::test]
async fn from_within_the_process() {
    let stage = Stage::with(&["a"]).await;
    an_operators_day(&stage, &*stage.control).await;
    stage.finish().await;
}

#[tokio::test]
async fn from_afar() {
    let stage = Stage::with(&["a"]).await;
    an_operators_day(&stage, &*remote(&stage)).await;
    stage.finish().await;
}

#[tokio::test]
async fn nobody_without_the_token_sees_or_does_anything() {
    let stage = Stage::with(&["a"]).await;
    let with =
        |token: &str| Remote::new(stage.url("/").parse().expect("a URL"), Secret::new(token)).expect("an address");
    for wrong in ["", "wrong", &TOKEN[1..]] {
        let refused = with(wrong).accounts().await;
        assert!(
            matches!(&refused, Err(ControlError::Unauthorized(why)) if why.contains("does not take this admin token")),
            "{wrong:?}: {refused:?}"
        );
    }
    for path in ["/api/accounts", "/api/requests", "/api/status", "/api/nothing", "/api/accounts/a/pause"] {
        let answer = stage.client.post(stage.url(path)).header("x-api-key", TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{path}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn an_unknown_path_is_a_404_of_ours_and_goes_nowhere() {
    let stage = Stage::with(&["a"]).await;
    for path in ["/api/oauth/claude_cli/create_api_key", "/api/event_logging/batch", "/anything", "/v2/messages"] {
        let answer = stage.client.post(stage.url(path)).bearer_auth(TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        let error: Value = answer.json().await.expect("JSON");
        assert_eq!(error["code"], "not_found");
    }
    assert!(stage.mock.requests().is_empty());
    stage.finish().await;
}

#[tokio::test]
async fn the_originals_shapes_are_kept() {
    let stage = Stage::with(&["a"]).await;
    let send = async |method: reqwest::Method, path: &str, body: Value| {
        let request = stage.client.request(method, stage.url(path)).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let post = reqwest::Method::POST;
    let new = json!({ "name": "b", "provider": "anthropic", "apiKey": "sk-ant-api03-canary", "tier": 5 });
    let (status, added) = send(post.clone(), "/api/accounts", new).await;
    assert_eq!((status, &added["success"], &added["tier"]), (200, &json!(true), &json!(5)));
    assert!(added["accountId"].is_string());
    assert!(!added.to_string().contains("canary"), "no view has a secret");
    let (status, _) = send(post.clone(), "/api/accounts/b/pause", json!({})).await;
    assert_eq!(status, 200);
    let (status, error) = send(post.clone(), "/api/accounts/b/pause", json!({})).await;
    assert_eq!((status, &error["code"]), (400, &json!("conflict")));
    let (_, renamed) = send(post.clone(), "/api/accounts/b/rename", json!({ "name": "with space@home" })).await;
    assert_eq!(renamed["newName"], "with space@home");
    let (_, sized) = send(post.clone(), "/api/accounts/with%20space%40home/tier", json!({ "tier": 20 })).await;
    assert_eq!((&sized["success"], &sized["tier"]), (&json!(true), &json!(20)));
    let (status, _) = send(post.clone(), "/api/accounts/a/tier", json!({ "tier": 3 })).await;
    assert_eq!(status, 400);
    let (status, error) = send(post.clone(), "/api/accounts", json!({ "name": "c", "apikey": "x" })).await;
    assert_eq!(status, 400);
    assert!(error["error"].as_str().is_some_and(|text| text.contains("unknown field `apikey`")), "{error}");
    let (status, error) = send(reqwest::Method::DELETE, "/api/accounts/a", json!({})).await;
    assert_eq!((status, &error["details"]["confirmationRequired"]), (400, &json!(true)));
    let (status, _) = send(reqwest::Method::DELETE, "/api/accounts/a", json!({ "confirm": "a" })).await;
    assert_eq!(status, 200);
    let (status, _) = send(post, "/api/accounts/a/pause", json!({})).await;
    assert_eq!(status, 404);
    let health: Value =
        stage.client.get(stage.url("/health")).send().await.expect("an answer").json().await.expect("JSON");
    let mut keys: Vec<_> = health.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["accounts", "status", "strategy", "timestamp"]);
    stage.finish().await;
}
