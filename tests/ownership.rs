//! What lives on one account is asked for there, whatever the strategy says.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ccflare_core::{
    control::views::{AccountEdit, NewAccount, NewClientKey},
    domain::Secret,
    gateway::{Gateway, GatewayOptions},
    store::RedbStore,
};
use ccflare_mock::{MockConfig, MockUpstream, Step};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Answer, SOON, Stage, after, message};

const RESOURCES: [(&str, &str); 4] =
    [("/v1/files", "file"), ("/v1/messages/batches", "msgbatch"), ("/v1/skills", "skill"), ("/v1/sessions", "sesn")];

impl Stage {
    async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = self.client.request(method, self.url(path)).header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.ok() }
    }

    /// Makes a thing and returns its id.
    async fn make(&self, path: &str) -> String {
        let answer = self.call(Method::POST, path, "{}").await;
        assert_eq!(answer.status, 200, "{path}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn read(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "").await
    }

    /// Moves everybody off the account.
    async fn pass_over(&self, name: &str, seconds: u64) {
        self.mock.script(name, [Step::quota_unified("5h", after(seconds))]);
        assert_eq!(self.ask().await.status, 200, "another one serves");
    }

    /// Makes another account the active one, and leaves this one open.
    async fn move_away_from(&self, name: &str) {
        for paused in [true, false] {
            let edit = if paused { AccountEdit::Pause } else { AccountEdit::Resume };
            self.control.edit_account(name, edit).await.expect("edited");
            assert_eq!(self.ask().await.status, 200);
            assert_ne!(self.asked_last(), name);
        }
    }

    fn asked_last(&self) -> String {
        self.asked().pop().expect("a request")
    }
}

fn error(answer: &Answer) -> (String, String) {
    let error = &answer.json()["error"];
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    (text("type"), text("message"))
}

#[tokio::test]
async fn a_thing_is_asked_for_where_it_was_made_even_if_everybody_else_has_moved() {
    for (path, prefix) in RESOURCES {
        let stage = Stage::with(&["a", "b"]).await;
        let id = stage.make(path).await;
        assert!(id.starts_with(prefix), "{id}");
        stage.pass_over("a", 3600).await;
        assert_eq!(stage.asked_last(), "b", "b is the active account now");

        for below in ["", "/content", "/results"] {
            assert_eq!(stage.read(&format!("{path}/{id}{below}")).await.status, 200, "{path} {below}");
            assert_eq!(stage.asked_last(), "a", "{path} {below}");
        }
        assert_eq!(stage.ask().await.status, 200);
        assert_eq!(stage.asked_last(), "b", "that moves nobody else");
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_message_goes_where_its_files_and_its_container_are() {
    for stream in [false, true] {
        let stage = Stage::with(&["a", "b"]).await;
        let file = stage.make("/v1/files").await;
        let inside = json!({ "container": { "id": "container_a", "expires_at": "2027-01-01T00:00:00Z" } });
        let steer = json!({ "message_extra": inside, "only_keys": ["a"] }).to_string();
        let answer = stage.send(message("claude-opus-5-5", stream), &[("x-mock", &steer)]).await;
        assert_eq!(answer.status, 200);
        drop(answer);
        stage.move_away_from("a").await;

        let mut with_file = message("claude-opus-5-5", stream);
        with_file["messages"][0]["content"] =
            json!([{ "type": "document", "source": { "type": "file", "file_id": file } }]);
        let mut with_container = message("claude-opus-5-5", stream);
        with_container["container"] = "container_a".into();
        for body in [with_file, with_container] {
            assert_eq!(stage.send(body.clone(), &[]).await.status, 200);
            assert_eq!(stage.asked_last(), "a", "{body}");
        }
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_thread_goes_on_where_it_began() {
    let stage = Stage::with(&["a", "b"]).await;
    let beta = [("anthropic-beta", "message-threads-2026-08-12")];
    let mut first = message("claude-opus-5-5", false);
    first["thread"] = json!({ "type": "create" });
    let id = stage.send(first, &beta).await.json()["id"].clone();
    let mut next = message("claude-opus-5-5", false);
    next["thread"] = json!({ "type": "continue", "previous_message_id": id });
    stage.move_away_from("a").await;

    assert_eq!(stage.send(next.clone(), &beta).await.status, 200);
    assert_eq!(stage.asked(), ["a", "b", "b", "a"]);
    // Long after the upstream has forgotten it, it is like any id that nobody knows.
    stage.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(stage.send(next, &beta).await.status, 200);
    assert_eq!(stage.asked_last(), "b");
    stage.finish().await;
}

#[tokio::test]
async fn a_message_whose_owner_is_limited_is_told_so_and_goes_nowhere_else() {
    let stage = Stage::with(&["a", "b"]).await;
    let file = stage.make("/v1/files").await;
    stage.pass_over("a", 3600).await;
    let before = stage.asked().len();
    let mut body = message("claude-opus-5-5", true);
    body["messages"][0]["content"] = json!([{ "type": "container_upload", "file_id": file }]);
    let answer = stage.send(body.clone(), &[]).await;
    let (kind, text) = error(&answer);
    assert_eq!((answer.status, &*kind, answer.header("retry-after")), (429, "rate_limit_error", Some("3600")));
    assert!(text.contains(&file) && text.contains("a: rate_limited") && !text.contains("b:"), "{text}");
    assert_eq!(stage.asked().len(), before, "nobody was asked in vain");

    stage.clock.advance(Duration::from_secs(3601));
    stage.mock.script("a", [Step::quota_unified("5h", after(9000))]);
    let answer = stage.send(body, &[]).await;
    assert_eq!((answer.status, error(&answer).0.as_str()), (429, "rate_limit_error"));
    assert_eq!(stage.asked_last(), "a", "who runs into the limit is not moved either");
    stage.finish().await;
}

#[tokio::test]
async fn what_nobody_knows_goes_through_unchanged_to_one_account() {
    let stage = Stage::with(&["a", "b"]).await;
    let answer = stage.read("/v1/files/file_elsewhere").await;
    assert_eq!((answer.status, error(&answer).0.as_str()), (404, "not_found_error"), "the upstream's own word");
    assert_eq!(stage.asked(), ["a"]);

    stage.mock.script("a", [Step::quota_unified("5h", after(60))]);
    let answer = stage.read("/v1/files/file_elsewhere").await;
    assert_eq!(answer.status, 429);
    assert!(error(&answer).1.contains("file_elsewhere"), "{:?}", error(&answer));
    assert_eq!(stage.asked(), ["a", "a"], "b can't know");
    let path = &stage.mock.requests()[0].path_and_query;
    assert_eq!(path, "/v1/files/file_elsewhere");
    stage.finish().await;
}

#[tokio::test]
async fn a_list_says_whose_it_is_and_its_pages_stay_there() {
    let stage = Stage::with(&["a", "b"]).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(stage.make("/v1/files").await);
    }
    let mut seen: Vec<Value> = Vec::new();
    let mut path = "/v1/files?limit=2".to_owned();
    loop {
        let page = stage.read(&path).await;
        assert_eq!((page.status, page.header("x-ccflare-account")), (200, Some("a")));
        let page = page.json();
        seen.extend(page["data"].as_array().expect("a list").iter().map(|thing| thing["id"].clone()));
        if page["has_more"] == false {
            break;
        }
        path = format!("/v1/files?limit=2&after_id={}", page["last_id"].as_str().expect("an id"));
        // Whatever happens between two pages: the next one is of the same account.
        if seen.len() == 2 {
            stage.pass_over("a", 3600).await;
        }
    }
    made.reverse();
    assert_eq!(seen, made.iter().map(|id| json!(id)).collect::<Vec<_>>());
    let other = stage.read("/v1/files?limit=2").await;
    assert_eq!((other.header("x-ccflare-account"), &other.json()["data"]), (Some("b"), &json!([])));
    assert!(stage.read("/v1/models").await.header("x-ccflare-account").is_none(), "models are everybody's");
    stage.finish().await;
}

#[tokio::test]
async fn a_list_makes_known_what_was_made_elsewhere_and_a_removal_is_remembered() {
    let stage = Stage::with(&["a", "b"]).await;
    let direct = reqwest::Method::POST;
    let made = stage.client.request(direct, format!("{}/v1/files", stage.mock.url())).header("x-api-key", "a");
    let id = made.send().await.expect("made").json::<Value>().await.expect("a file")["id"].clone();
    let path = format!("/v1/files/{}", id.as_str().expect("an id"));
    assert_eq!(stage.read("/v1/files").await.status, 200);
    stage.pass_over("a", 3600).await;
    assert_eq!(stage.read(&path).await.status, 200);
    assert_eq!(stage.asked_last(), "a");

    assert_eq!(stage.call(Method::DELETE, &path, "").await.status, 200);
    assert_eq!(stage.asked_last(), "a");
    assert_eq!(stage.read(&path).await.status, 404);
    assert_eq!(stage.asked_last(), "b", "it is nobody's now");
    stage.finish().await;
}

#[tokio::test]
async fn a_key_that_may_not_use_the_owner_and_an_owner_that_is_gone_are_said_to_be() {
    let stage = Stage::with(&["a", "b"]).await;
    let path = format!("/v1/files/{}", stage.make("/v1/files").await);
    let key = NewClientKey { name: "only b".to_owned(), accounts: vec!["b".to_owned()], ..NewClientKey::default() };
    let key = stage.control.create_client_key(key).await.expect("a key").key;
    let asked = stage.client.get(stage.url(&path)).header("x-api-key", key.expose()).send().await.expect("an answer");
    assert_eq!(asked.status(), 403);
    let body: Value = asked.json().await.expect("JSON");
    assert_eq!(body["error"]["type"], "permission_error");

    stage.control.remove_account("a", "a").await.expect("removed");
    let answer = stage.read(&path).await;
    assert_eq!((answer.status, error(&answer).0.as_str()), (404, "not_found_error"));
    assert!(error(&answer).1.contains("not there any more"), "{:?}", error(&answer));
    assert_eq!(stage.asked(), ["a"], "b was not asked for what it can't have");
    stage.finish().await;
}

#[tokio::test]
async fn what_is_known_survives_a_restart() {
    let mock = MockUpstream::start(MockConfig::default()).await;
    let store = Arc::new(RedbStore::in_memory());
    let life = async || {
        let upstream_base_url = Some(mock.url().parse().expect("a URL"));
        let mut options = GatewayOptions::default();
        options.upstream_base_url = upstream_base_url;
        Gateway::builder(Arc::clone(&store) as _).options(options).build().await.expect("the store opens")
    };
    let call = async |gateway: &Gateway, method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).body(Full::new(Bytes::new())).expect("a request");
        let answer = gateway.line().oneshot(request).await.expect("infallible");
        let body = answer.into_body().collect().await.expect("a whole body").to_bytes();
        serde_json::from_slice::<Value>(&body).expect("JSON")
    };

    let gateway = life().await;
    for name in ["a", "b"] {
        let account = NewAccount::with_key(name, Secret::new(name));
        gateway.control().add_account(account).await.expect("a new account");
    }
    let id = call(&gateway, Method::POST, "/v1/files").await["id"].as_str().expect("an id").to_owned();
    assert_eq!(id, "file_a_1");
    gateway.shutdown(SOON).await;

    let gateway = life().await;
    let edit = AccountEdit::Priority(9);
    gateway.control().edit_account("a", edit).await.expect("b comes first now");
    mock.forget();
    for path in ["/v1/files".to_owned(), format!("/v1/files/{id}")] {
        call(&gateway, Method::GET, &path).await;
    }
    let asked: Vec<_> = mock.requests().into_iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(asked, ["/v1/files".to_owned(), format!("/v1/files/{id}")]);
    assert_eq!(mock.requests()[1].status(), Some(200), "b would not know it");
    gateway.shutdown(SOON).await;
    mock.shutdown().await;
}
