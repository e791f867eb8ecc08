//! The shapes that clients send, and what is found in them. The bodies are shortened, their structure is as it was seen.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::{
    balance::{Attempt, BalanceLayer, Conversation, Session, Strategy, Switch},
    clock::SystemClock,
    domain::{
        Account, AccountId, Asker, ClientKey, ClientKeyId, ClosureReason, Credential, Facts, KeyDigest, Mark,
        RequestFacts, Scope, Secret, Timestamp,
    },
    error::{AttemptError, ProxyError},
    live::{Live, LiveOptions},
    pool::AccountPool,
    provider::Providers,
    record::{RecordLayer, Recorder},
    store::{LedgerStore, PageRequest, RedbStore, WriteBehind},
};

const SESSION: &str = "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11";
const REVIEWER: &str = "You review changes.\n\nLook for \"bugs\" first.";

macro_rules! shape {
    ($name:literal) => {
        include_str!(concat!("shapes/", $name, ".json"))
    };
}

/// Knows one agent by its prompt, and prefers what it is told.
#[derive(Debug, Default)]
struct OneAgent {
    prefers: Mutex<Option<Arc<str>>>,
    seen: Mutex<Vec<Asker>>,
}

impl AgentDirectory for OneAgent {
    fn named_by(&self, system: &str, _: Option<&str>) -> Option<Arc<str>> {
        let system = system.trim();
        let is_reviewer = system == REVIEWER || system.starts_with(&format!("{REVIEWER}\n\n"));
        is_reviewer.then(|| "reviewer".into())
    }

    fn preferred_model(&self, agent: &str, _: Option<&str>) -> Option<Arc<str>> {
        self.prefers.lock().clone().filter(|_| agent == "reviewer")
    }

    fn prefers(&self) -> bool {
        self.prefers.lock().is_some()
    }

    fn seen(&self, asker: &Asker) {
        self.seen.lock().push(asker.clone());
    }
}

struct Stage {
    layer: InterceptLayer,
    directory: Arc<OneAgent>,
}

impl Stage {
    fn new() -> Self {
        let directory = Arc::new(OneAgent::default());
        let known = Some(Arc::clone(&directory) as Arc<dyn AgentDirectory>);
        let layer = InterceptLayer::new(Conversations::default(), known, CompatibleModels::default());
        Self { layer, directory }
    }

    fn preferring(model: &str) -> Self {
        let stage = Self::new();
        *stage.directory.prefers.lock() = Some(model.into());
        stage
    }

    /// The facts of a request, and its body as it goes on.
    fn send(&self, body: &str, headers: &[(&'static str, &str)]) -> (RequestFacts, Bytes) {
        let behind = service_fn(|request: Request<Bytes>| async move {
            let facts = request.extensions().get::<Facts>().map(|facts| RequestFacts::clone(facts));
            Ok::<_, Infallible>((facts.expect("there are always facts"), request.into_body()))
        });
        let request =
            headers.iter().fold(Request::post("/v1/messages"), |request, (name, value)| request.header(*name, *value));
        let request = request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a request");
        futures_util::FutureExt::now_or_never(self.layer.layer(behind).oneshot(request))
            .expect("at once")
            .expect("infallible")
    }

    fn facts(&self, body: &str) -> RequestFacts {
        let (facts, after) = self.send(body, &[]);
        assert_eq!(after, body, "every byte passes unchanged");
        facts
    }
}

/// What is expected of a shape: agent, whether it is a sub-agent, workspace.
type Expected = (Option<&'static str>, bool, Option<&'static str>);

#[test]
fn each_shape_of_claude_code_tells_who_asks() {
    let shapes: [(&str, &str, Expected); 12] = [
        ("2.1.330", shape!("2.1.330-main"), (None, false, Some("/w/myrepo"))),
        ("2.1.330, second turn", shape!("2.1.330-main-second-turn"), (None, false, Some("/w/myrepo"))),
        ("2.1.330, no CLAUDE.md", shape!("2.1.330-main-without-instructions"), (None, false, Some("/w/myrepo"))),
        ("2.1.330, compacted", shape!("2.1.330-compacted"), (None, false, Some("/w/myrepo"))),
        ("2.1.330, haiku 4.5", shape!("2.1.330-haiku-4-5"), (None, false, Some("/w/myrepo"))),
        ("2.1.330, sub-agent", shape!("2.1.330-subagent"), (Some("reviewer"), true, Some("/w/myrepo"))),
        ("2.1.330, --agent", shape!("2.1.330-agent-flag"), (Some("reviewer"), false, Some("/w/myrepo"))),
        ("2.1.197", shape!("2.1.197-main"), (None, false, Some("/w/myrepo"))),
        ("2.1.197, sub-agent", shape!("2.1.197-subagent"), (Some("reviewer"), true, Some("/w/myrepo"))),
        ("2.0.0", shape!("2.0.0-main"), (None, false, Some("/w/myrepo"))),
        // Nothing in it says that it is one, unless its order was heard.
        ("2.0.0, sub-agent", shape!("2.0.0-subagent"), (Some("reviewer"), false, Some("/w/myrepo"))),
        ("2.0.0, errand", shape!("2.0.0-errand"), (None, false, None)),
    ];
    for (name, body, (agent, is_subagent, workspace)) in shapes {
        let facts = Stage::new().facts(body);
        let asker = facts.asker.expect(name);
        assert_eq!(&*asker.session, SESSION, "{name}");
        assert_eq!(asker.agent.as_deref(), agent, "{name}");
        assert_eq!(asker.is_subagent, is_subagent, "{name}");
        assert_eq!(asker.workspace.as_deref(), workspace, "{name}");
        assert!(facts.model.is_some_and(|model| model.starts_with("claude-")), "{name}");
        assert_eq!(facts.stream, Some(true), "{name}");
        assert_eq!(facts.prefix.is_some(), !is_subagent && !name.contains("errand"), "{name}");
    }
}

#[test]
fn a_plain_client_has_a_session_by_what_it_always_sends() {
    let stage = Stage::new();
    let facts = stage.facts(shape!("plain-sdk"));
    let asker = facts.asker.expect("an asker");
    assert_eq!(*asker.session, facts.session.expect("a session").to_string());
    assert_eq!((&asker.agent, &asker.workspace, facts.stream), (&None, &None, None));
    let (other_key, _) = stage.send(shape!("plain-sdk"), &[("x-api-key", "another")]);
    assert_ne!(other_key.session, facts.session);
    let (again, _) = stage.send(shape!("plain-sdk"), &[]);
    assert_eq!(again.session, facts.session);
}

#[test]
fn the_header_names_the_session_before_the_body_does() {
    let (facts, _) = Stage::new().send(shape!("2.1.330-main"), &[("x-claude-code-session-id", "from-the-header")]);
    assert_eq!(&*facts.asker.expect("an asker").session, "from-the-header");
}

#[test]
fn a_known_conversation_keeps_who_asks_without_being_read_to_its_end() {
    let stage = Stage::new();
    let header = [("x-claude-code-session-id", SESSION)];
    let (first, _) = stage.send(shape!("2.1.330-main"), &header);
    let (second, _) = stage.send(shape!("2.1.330-main-second-turn"), &header);
    assert_eq!(second.asker, first.asker);
    assert_eq!((second.stream, second.prefix, second.compacted), (None, first.prefix, false));
    assert_eq!(stage.directory.seen.lock().len(), 1, "each conversation is told of once");
}

#[test]
fn a_compacted_conversation_begins_anew_and_keeps_its_workspace() {
    let stage = Stage::new();
    let first = stage.facts(shape!("2.1.330-main"));
    let errand = stage.facts(shape!("2.0.0-errand"));
    let compacted = stage.facts(shape!("2.1.330-compacted"));
    assert_eq!(first.session, compacted.session);
    assert_ne!(first.prefix, compacted.prefix);
    assert_eq!([first.compacted, errand.compacted, compacted.compacted], [false, false, true]);
    assert_eq!(compacted.asker.expect("an asker").workspace.as_deref(), Some("/w/myrepo"));
}

/// A search of the web, as Claude Code asks for it beside its main thread: tools, and a prompt of its own.
fn web_search(query: &str) -> String {
    let body = shape!("2.1.330-main").replace("Fix the bug.", query);
    body.replace("You are an interactive agent", "You are an assistant for performing a web search tool use")
}

#[test]
fn what_has_another_prompt_is_beside_the_main_thread_and_no_compaction() {
    let stage = Stage::new();
    let first = stage.facts(shape!("2.1.330-main"));
    let search = stage.facts(&web_search("Perform a web search."));
    assert_eq!((search.aside, search.compacted, search.prefix), (true, false, None));
    assert!(first.is_main() && !search.is_main());
    let compacted = stage.facts(shape!("2.1.330-compacted"));
    assert!(compacted.compacted && compacted.is_main());
}

#[test]
fn who_goes_on_asking_is_not_forgotten_for_many_who_asked_once() {
    let stage = Stage::preferring("claude-sonnet-5-5");
    let main = shape!("2.1.330-agent-flag");
    assert_eq!(stage.send(main, &[]).0.model.as_deref(), Some("claude-sonnet-5-5"));
    for number in 0..200 {
        stage.facts(&web_search(&format!("search {number}")));
        let (again, _) = stage.send(main, &[]);
        assert!(!again.compacted, "{number}");
        assert_eq!(again.model.as_deref(), Some("claude-sonnet-5-5"), "{number}");
    }
}

#[test]
fn an_errand_that_begins_as_the_main_thread_does_is_told_from_it() {
    let main = shape!("2.1.330-main-without-instructions");
    let main =
        main.replace("You are an interactive agent", "You review changes.\\n\\nLook for \\\"bugs\\\" first.\\n\\n");
    let errand = r#"{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"Say hi. Working directory: is not here."}],
        "system":"Generate a title.","tools":[],"stream":true}"#;
    let header = [("x-claude-code-session-id", SESSION)];
    let turn =
        main.replacen(r#""role": "system","#, r#""role": "assistant", "content": "Hi." }, { "role": "system","#, 1);
    for errand_first in [true, false] {
        let stage = Stage::new();
        let of_errand = || stage.send(errand, &header).0;
        let before = errand_first.then(of_errand);
        let first = stage.send(&main, &header).0;
        let errand = before.unwrap_or_else(of_errand);
        assert!(errand.aside && errand.asker.expect("an asker").agent.is_none());
        for facts in [first.clone(), stage.send(&turn, &header).0, stage.send(&turn, &header).0] {
            assert_eq!((facts.aside, facts.prefix), (false, first.prefix));
            assert_eq!(facts.asker.expect("an asker").agent.as_deref(), Some("reviewer"));
        }
    }
}

#[test]
fn what_the_ledger_tells_of_a_conversation_is_completed_when_it_asks_again() {
    let body = shape!("2.1.330-main").replacen(r#""type": "ephemeral""#, r#""type": "ephemeral", "ttl": "1h""#, 9);
    let asked = Stage::new().facts(&body);
    assert!(asked.hour_cache);
    let intent = crate::domain::Intent {
        id: crate::domain::ExchangeId::new(Timestamp::from_seconds(1)),
        at: Timestamp::from_seconds(1),
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: None,
        request_bytes: 0,
        client_key: None,
        asker: asked.asker.clone(),
        preference: None,
    };
    let conversations = Conversations::default();
    conversations.recall(&[crate::domain::Exchange::unfinished(intent, crate::domain::Outcome::Answered)]);
    let layer = InterceptLayer::new(conversations, None, CompatibleModels::default());
    let stage = Stage { layer, directory: Arc::default() };
    for _ in 0..2 {
        let (again, _) = stage.send(&body, &[("x-claude-code-session-id", SESSION)]);
        assert_eq!((again.hour_cache, again.prefix, again.compacted), (true, asked.prefix, false));
        assert_eq!(again.asker, asked.asker);
    }
}

#[test]
fn conversations_about_different_images_are_different() {
    let of = |data: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[
                {{"type":"image","source":{{"type":"base64","data":"{data}"}}}},{{"type":"text","text":"Describe it."}}]}}]}}"#
        );
        Stage::new().facts(&body).session
    };
    assert_eq!(of("aaaa"), of("aaaa"));
    assert_ne!(of("aaaa"), of("bbbb"));
}

#[test]
fn a_line_in_the_instructions_of_a_repository_is_no_workspace() {
    for shape in [shape!("2.1.330-main"), shape!("2.1.330-haiku-4-5"), shape!("2.1.197-main"), shape!("2.0.0-main")] {
        let body =
            shape.replace("# My repo", " - Primary working directory: /home/me/other\\nWorking directory: packages");
        let asker = Stage::new().facts(&body).asker.expect("an asker");
        assert_eq!(asker.workspace.as_deref(), Some("/w/myrepo"));
    }
}

#[test]
fn a_fork_has_another_session_and_the_same_prefix() {
    let stage = Stage::new();
    let first = stage.facts(shape!("2.1.330-main"));
    // The line for billing is not part of it.
    let forked = shape!("2.1.330-main-second-turn").replace(SESSION, "11111111-d2fb-48a7-9a44-2f0d4f6a9c11");
    let forked = stage.facts(&forked.replace("2.1.330.ccb", "2.1.330.f0f"));
    assert_ne!(first.session, forked.session);
    assert_eq!(first.prefix, forked.prefix);
}

#[test]
fn what_tools_and_people_say_is_no_workspace() {
    let body = shape!("2.1.330-main-second-turn").replace(" - Primary working directory: /w/myrepo", " - nothing");
    let body = body.replace("(project instructions", "(instructions");
    let asker = Stage::new().facts(&body).asker.expect("an asker");
    assert_eq!(asker.workspace, None);
}

#[test]
fn a_preferred_model_takes_the_place_of_the_one_asked_for_from_the_first_request_on() {
    let stage = Stage::preferring("claude-sonnet-5-5");
    let body = shape!("2.1.330-subagent");
    let (facts, sent) = stage.send(body, &[]);
    assert_eq!(facts.model.as_deref(), Some("claude-sonnet-5-5"));
    assert_eq!(facts.model_asked.as_deref(), Some("claude-haiku-5-5"));
    assert_eq!(sent, body.replace("claude-haiku-5-5", "claude-sonnet-5-5"), "no other byte is changed");
    // What is preferred later is for later conversations.
    *stage.directory.prefers.lock() = None;
    let (again, _) = stage.send(body, &[]);
    assert_eq!(again.model.as_deref(), Some("claude-sonnet-5-5"));
}

#[test]
fn a_preference_that_does_not_apply_says_why() {
    let refused = |stage: &Stage, body: &str| {
        let facts = stage.facts(body);
        assert_eq!(facts.model_asked, None);
        facts.preference.expect("a preference").refused.expect("refused")
    };
    let why = refused(&Stage::preferring("claude-haiku-4-5"), shape!("2.1.330-subagent"));
    assert!(why.contains("compatible"), "{why}");
    let doubled = shape!("2.1.330-subagent").replacen('{', "{\"model\":\"claude-opus-5-5\",", 1);
    let why = refused(&Stage::preferring("claude-sonnet-5-5"), &doubled);
    assert!(why.contains("for certain"), "{why}");
    let begun = shape!("2.1.330-main-second-turn")
        .replace("You are an interactive agent", "You review changes.\\n\\nLook for \\\"bugs\\\" first.\\n\\n");
    let why = refused(&Stage::preferring("claude-sonnet-5-5"), &begun);
    assert!(why.contains("had begun"), "{why}");
}

#[test]
fn what_is_compatible_may_change_and_holds_for_a_conversation_as_it_began() {
    let live = Live::default();
    let mut stage = Stage::preferring("claude-sonnet-5-5");
    stage.layer = stage.layer.following(live.clone());
    let body = shape!("2.1.330-subagent");
    let sent = |id: &str| stage.send(body, &[("x-claude-code-agent-id", id)]).0;
    assert_eq!(sent("a1").model.as_deref(), Some("claude-sonnet-5-5"));
    let none = LiveOptions { compatible_models: CompatibleModels::new(vec![]), ..LiveOptions::clone(&live.now()) };
    live.replace(none);
    assert_eq!(sent("a1").model.as_deref(), Some("claude-sonnet-5-5"), "its cache belongs to that model");
    let refused = sent("a2").preference.expect("a preference").refused.expect("refused");
    assert!(refused.contains("compatible"), "{refused}");
}

#[test]
fn a_preference_that_is_met_already_is_no_change() {
    let facts = Stage::preferring("claude-haiku-5-5").facts(shape!("2.1.330-subagent"));
    assert_eq!(facts.preference.map(|preference| preference.refused), Some(None));
    assert_eq!(facts.model_asked, None);
}

#[test]
fn subagents_with_the_same_order_are_told_apart_by_their_ids() {
    let stage = Stage::new();
    let conversations = ["a1", "a2", "a1"].map(|id| {
        let (facts, _) = stage.send(shape!("2.1.330-subagent"), &[("x-claude-code-agent-id", id)]);
        facts.asker.expect("an asker").conversation
    });
    assert_ne!(conversations[0], conversations[1]);
    assert_eq!(conversations[0], conversations[2]);
}

#[test]
fn a_subagent_of_a_subagent_says_who_gave_it_its_order() {
    let of = |headers: &[(&'static str, &str)]| {
        let asker = Stage::new().send(shape!("2.1.330-subagent"), headers).0.asker.expect("an asker");
        (asker.parent.as_deref().map(str::to_owned), asker.is_subagent)
    };
    let (id, parent) = (("x-claude-code-agent-id", "b"), ("x-claude-code-parent-agent-id", "a"));
    assert_eq!(of(&[id, parent]), (Some("a".to_owned()), true));
    assert_eq!(of(&[id]), (None, true), "an order of the main thread");
    let plain = Stage::new().send(r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, &[parent]).0;
    assert!(plain.asker.expect("an asker").is_subagent, "whoever has a parent is one");
}

#[tokio::test]
async fn whose_order_it_was_is_heard_where_the_client_does_not_say_it() {
    let stage = Stage::new();
    let leader = [("x-claude-code-agent-id", "a")];
    let body = shape!("2.1.330-subagent").replace("\"tools\": [", "\"tools\": [{ \"name\": \"Agent\" },");
    answered(&stage, &body, &leader, ORDER_STREAM, "text/event-stream").await;
    let (facts, _) = stage.send(shape!("2.1.330-subagent"), &[("x-claude-code-agent-id", "b")]);
    assert_eq!(facts.asker.expect("an asker").parent.as_deref(), Some("a"));
}

#[test]
fn odd_bodies_pass_with_the_facts_that_they_state() {
    for body in [
        "",
        "not json",
        "[]",
        "{\"model\":7}",
        "{\"model\":\"m\"",
        r#"{"model":"m","messages":7}"#,
        r#"{"messages":[[]]}"#,
    ] {
        let facts = Stage::new().facts(body);
        assert_eq!(facts.asker, None, "{body}");
    }
    let (facts, _) = Stage::new().send("{\"model\":\"m\"}", &[("content-encoding", "gzip")]);
    assert_eq!(facts, RequestFacts::default());
}

/// Lets the main thread ask and be answered with `answer`.
async fn answered_with(stage: &Stage, answer: &'static str, kind: &'static str) {
    answered(stage, shape!("2.1.330-main"), &[], answer, kind).await;
}

/// Lets somebody ask and be answered with `answer`.
async fn answered(
    stage: &Stage,
    body: &str,
    headers: &[(&'static str, &'static str)],
    answer: &'static str,
    kind: &'static str,
) {
    let (queue, writer) = WriteBehind::start(Arc::new(RedbStore::in_memory()), Default::default());
    let record = RecordLayer::new(Recorder::new(queue, Arc::new(SystemClock::new())));
    let behind = service_fn(move |_: Request<Bytes>| async move {
        let answer =
            Response::builder().header("content-type", kind).body(Full::new(Bytes::from_static(answer.as_bytes())));
        Ok::<_, ProxyError>(answer.expect("an answer"))
    });
    let request =
        headers.iter().fold(Request::post("/v1/messages"), |request, (name, value)| request.header(*name, *value));
    let request = request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a request");
    let answer = stage.layer.layer(record.layer(behind)).oneshot(request).await.expect("an answer");
    answer.into_body().collect().await.expect("a body");
    writer.finish().await;
}

/// Whether it was known who asks when the request went out, through interceptor, recorder and balancer.
async fn is_read_first(
    stage: &Stage,
    strategy: impl Strategy,
    change: impl FnOnce(&AccountPool, AccountId),
    key: Option<ClientKey>,
) -> bool {
    let account = Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), Timestamp::from_seconds(1));
    let (id, pool) = (account.id, Arc::new(AccountPool::new(vec![account])));
    change(&pool, id);
    let clock = Arc::new(SystemClock::new());
    let store = Arc::new(RedbStore::in_memory());
    let (queue, writer) = WriteBehind::start(Arc::clone(&store) as _, Default::default());
    let record = RecordLayer::new(Recorder::new(queue, Arc::clone(&clock) as _));
    let balance = BalanceLayer::new(pool, Arc::new(strategy), Providers::default(), clock);
    let read = Arc::new(Mutex::new(None));
    let upstream = service_fn({
        let (read, directory) = (Arc::clone(&read), Arc::clone(&stage.directory));
        move |_: Attempt| {
            *read.lock() = Some(!directory.seen.lock().is_empty());
            // The answer takes a moment.
            async {
                tokio::task::yield_now().await;
                Ok::<_, AttemptError>(Response::new(Full::new(Bytes::from_static(b"{}"))))
            }
        }
    });
    let mut request =
        Request::post("/v1/messages").body(Bytes::from_static(shape!("2.1.330-main").as_bytes())).unwrap();
    if let Some(key) = key {
        request.extensions_mut().insert(Arc::new(key));
    }
    let line = stage.layer.layer(record.layer(balance.layer(upstream)));
    let answer = line.oneshot(request).await.expect("an answer");
    answer.into_body().collect().await.expect("a body");
    writer.finish().await;
    let written = store.exchanges(PageRequest { before: None, limit: 1 }).await.expect("a page");
    let intent = &written[0].intent;
    assert!(intent.model.is_some() && intent.asker.is_some(), "in the end it is known, and written down");
    assert_eq!(stage.directory.seen.lock().len(), 1, "and it was found out once");
    read.lock().expect("it was asked")
}

#[tokio::test]
async fn a_request_goes_out_before_it_is_read_if_its_way_does_not_depend_on_who_asks() {
    let nothing = |_: &AccountPool, _| {};
    let close = |scope, reason| {
        move |pool: &AccountPool, id| {
            let since = Timestamp::from_seconds(1);
            pool.close(id, &Mark { reason, scope, since, until: None, evidence: "said".into() }, since);
        }
    };
    let other_model = || Scope::Model("claude-haiku-5-5".into());
    let key = |models: &[&str]| {
        Some(ClientKey {
            id: ClientKeyId::from_bytes([1; 16]),
            name: "k".into(),
            digest: KeyDigest::of("k"),
            created: Timestamp::from_seconds(1),
            expires: None,
            revoked: None,
            models: models.iter().map(|model| (*model).into()).collect(),
            accounts: Vec::new(),
            last_used: None,
        })
    };
    let session = Session::default;
    assert!(!is_read_first(&Stage::new(), session(), nothing, None).await);
    assert!(!is_read_first(&Stage::new(), session(), nothing, key(&[])).await);
    assert!(is_read_first(&Stage::new(), session(), nothing, key(&["claude-*"])).await, "the key is for some models");
    assert!(is_read_first(&Stage::preferring("claude-haiku-5-5"), session(), nothing, None).await, "one is preferred");
    let not_entitled = close(other_model(), ClosureReason::NotEntitled);
    assert!(is_read_first(&Stage::new(), session(), not_entitled, None).await, "the account is closed to a model");
    assert!(is_read_first(&Stage::new(), Conversation::default(), nothing, None).await, "placed by conversation");
    let switch = Switch::new(Arc::new(session()), [Arc::new(Conversation::default()) as _]);
    assert!(!is_read_first(&Stage::new(), switch, nothing, None).await, "placed by session, though not for ever");
}

const ORDER_STREAM: &str = concat!(
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":",
    "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"Agent\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",",
    "\"partial_json\":\"{\\\"description\\\":\\\"d\\\",\\\"prompt\\\":\\\"Review src/lib.rs.\\\\nReport \\\\\\\"bu\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",",
    "\"partial_json\":\"gs\\\\\\\" only.\\\",\\\"subagent_type\\\":\\\"Explore\\\"}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n",
);

const ORDER_WHOLE: &str = r#"{"content":[{"type":"text","text":"\"subagent_type\""},{"type":"tool_use","id":"toolu_1","name":"Task",
    "input":{"description":"d","prompt":"Review src/lib.rs.\nReport \"bugs\" only.","subagent_type":"Explore"}}]}"#;

#[tokio::test]
async fn who_was_given_an_order_is_known_by_it_though_no_file_defines_him() {
    for (answer, kind) in [(ORDER_STREAM, "text/event-stream"), (ORDER_WHOLE, "application/json")] {
        for body in [shape!("2.1.330-subagent"), shape!("2.1.197-subagent"), shape!("2.0.0-subagent")] {
            let stage = Stage::new();
            answered_with(&stage, answer, kind).await;
            let asker = stage.facts(body).asker.expect("an asker");
            assert_eq!((asker.agent.as_deref(), asker.is_subagent), (Some("Explore"), true), "{kind}");
        }
    }
}

#[tokio::test]
async fn an_order_of_another_session_names_nobody() {
    let stage = Stage::new();
    answered_with(&stage, ORDER_STREAM, "text/event-stream").await;
    let stranger = shape!("2.1.330-subagent").replace(SESSION, "11111111-d2fb-48a7-9a44-2f0d4f6a9c11");
    assert_eq!(stage.facts(&stranger).asker.expect("an asker").agent.as_deref(), Some("reviewer"));
}

#[test]
fn the_type_in_the_header_names_an_agent_that_nothing_else_names() {
    let body = shape!("2.1.330-subagent").replace("You review changes.", "You plan.");
    let named = |kind: &str| {
        let (facts, _) =
            Stage::new().send(&body, &[("x-claude-code-agent-type", kind), ("x-claude-code-agent-id", "a1")]);
        let asker = facts.asker.expect("an asker");
        assert_eq!(asker.subagent.as_deref(), Some("a1"));
        asker.agent.clone()
    };
    assert_eq!(named("Plan").as_deref(), Some("Plan"));
    assert_eq!(named("custom"), None);
}
