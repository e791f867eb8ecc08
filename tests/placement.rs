//! A conversation stays where its cache is, moves when it must, and the record says why and at what price.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ccflare_core::{
    balance::StrategyName,
    control::views::{AccountEdit, DecisionView, ExplainRequest, ExplainView, NewClientKey, RequestView},
    gateway::GatewayOptions,
    store::RedbStore,
};
use ccflare_mock::{MockConfig, Reply, Step, Usage};
use ccflare_server::ServeOptions;
use serde_json::{Value, json};

use crate::{
    control::remote,
    harness::{Answer, Stage, after},
};

/// 150,000 tokens on Opus 5.5: $0.03 to read, $0.75 to write.
const CACHED: u64 = 150_000;
const PRICE: u64 = 720_000_000;

fn options() -> GatewayOptions {
    let mut options = GatewayOptions::default();
    options.strategy = StrategyName::Conversation;
    options
}

fn config() -> MockConfig {
    let usage = Usage { cache_read: CACHED, ..Usage::new(10, 20) };
    MockConfig::with_reply(Reply { usage, ..Reply::default() })
}

async fn stage(accounts: &[&str]) -> Stage {
    Stage::set(accounts, config(), options()).await
}

/// As an agent asks: with a system prompt and tools, so that it is a conversation and not an errand.
fn turn(model: &str, opening: &str, further: usize) -> Value {
    let mut messages = vec![json!({ "role": "user", "content": opening })];
    for number in 0..further {
        messages.push(json!({ "role": "assistant", "content": format!("answer {number}") }));
        messages.push(json!({ "role": "user", "content": format!("and {number}?") }));
    }
    json!({
        "model": model, "max_tokens": 64,
        "system": [{ "type": "text", "text": "billing" }, { "type": "text", "text": "You are an agent." }],
        "tools": [{ "name": "Read", "input_schema": { "type": "object" } }],
        "messages": messages,
    })
}

const OPUS: &str = "claude-opus-5-5";

async fn say(stage: &Stage, session: &str, further: usize) -> Answer {
    let answer = stage.send(turn(OPUS, session, further), &[("x-claude-code-session-id", session)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[tokio::test]
async fn conversations_spread_over_the_accounts_and_each_stays_where_it_began() {
    let stage = stage(&["a", "b", "c"]).await;
    for further in 0..4 {
        for session in ["one", "two", "three", "four", "five", "six"] {
            say(&stage, session, further).await;
        }
    }
    let asked = stage.asked();
    let first = &asked[..6];
    assert!(asked.chunks(6).all(|round| round == first), "{asked:?}");
    assert_eq!(sorted(first.to_vec()), ["a", "a", "b", "b", "c", "c"]);
    let ledger = stage.finish().await;
    let decision = ledger[6].decision.as_ref().expect("a decision");
    assert_eq!((decision.strategy.as_str(), decision.candidates[0].choice.as_str()), ("conversation", "conversation"));
    assert_eq!(ledger[6].attempts[0].choice, "conversation");
    assert!(ledger.iter().all(|request| request.decision.as_ref().is_some_and(|made| made.moved.is_none())));
}

#[tokio::test]
async fn sub_agents_stay_with_their_session_and_forks_with_what_they_were_forked_from() {
    let stage = stage(&["a", "b", "c"]).await;
    say(&stage, "one", 0).await;
    say(&stage, "two", 0).await;
    let home = stage.asked()[1].clone();
    for model in [OPUS, "claude-haiku-5-5"] {
        let headers = [("x-claude-code-session-id", "two"), ("x-claude-code-agent-id", "agent-1")];
        assert_eq!(stage.send(turn(model, "look into it", 0), &headers).await.status, 200);
    }
    let fork = [("x-claude-code-session-id", "a fork of two")];
    assert_eq!(stage.send(turn(OPUS, "two", 1), &fork).await.status, 200);
    assert_eq!(stage.send(turn(OPUS, "two", 2), &fork).await.status, 200);
    assert_eq!(stage.asked()[2..], vec![home; 4]);
    let ledger = stage.finish().await;
    let choices: Vec<_> = ledger[4..].iter().map(|request| request.attempts[0].choice.as_str()).collect();
    assert_eq!(choices, ["fork", "conversation"]);
}

#[tokio::test]
async fn a_used_up_window_moves_it_and_the_record_has_the_reason_and_the_price() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.mock.script("a", [Step::quota_unified("5h", after(60))]);
    say(&stage, "one", 1).await;
    stage.clock.advance(Duration::from_secs(120));
    say(&stage, "one", 2).await;
    assert_eq!(stage.asked(), ["a", "a", "b", "b"], "it does not come back");
    let ledger = stage.finish().await;
    let moved = ledger[1].decision.as_ref().and_then(|decision| decision.moved.clone()).expect("a move");
    assert_eq!((moved.from.as_str(), moved.reason.as_str(), moved.free), ("a", "quota", false));
    assert_eq!((moved.cached_tokens, moved.price_nano_usd), (CACHED, Some(PRICE)));
    assert_eq!(ledger[2].decision.as_ref().and_then(|decision| decision.moved.clone()), None);
}

#[tokio::test]
async fn an_account_that_the_operator_takes_out_is_left_before_it_is_asked() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.control.edit_account("a", AccountEdit::Pause).await.expect("paused");
    say(&stage, "one", 1).await;
    assert_eq!(stage.asked(), ["a", "b"]);
    let ledger = stage.finish().await;
    let decision = ledger[1].decision.as_ref().expect("a decision");
    let moved = decision.moved.as_ref().expect("a move");
    assert_eq!((moved.from.as_str(), moved.reason.as_str(), moved.price_nano_usd), ("a", "paused", Some(PRICE)));
    assert_eq!((decision.excluded[0].account.as_str(), decision.excluded[0].reason.as_str()), ("a", "paused"));
}

#[tokio::test]
async fn a_limit_of_one_family_moves_only_what_asks_for_that_family() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.mock.script("a", [Step::quota_unified("7d_haiku", after(6000))]);
    let headers = [("x-claude-code-session-id", "one"), ("x-claude-code-agent-id", "agent-1")];
    stage.send(turn("claude-haiku-5-5", "look into it", 0), &headers).await;
    say(&stage, "one", 1).await;
    stage.send(turn("claude-haiku-5-5", "look into it", 1), &headers).await;
    assert_eq!(stage.asked(), ["a", "a", "b", "a", "b"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_throttle_is_waited_out_where_the_cache_is_worth_it_and_nowhere_else() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.mock.script("a", [Step::throttle("2")]);
    say(&stage, "one", 1).await;
    assert_eq!(stage.asked(), ["a", "a", "a"]);
    stage.finish().await;

    let stage = self::stage(&["a", "b"]).await;
    stage.mock.script("a", [Step::throttle("2")]);
    say(&stage, "new", 0).await;
    assert_eq!(stage.asked(), ["a", "b"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_sub_agent_that_steps_around_a_throttle_leaves_the_conversation_where_its_cache_is() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.mock.script("a", [Step::throttle("30")]);
    let subagent = [("x-claude-code-session-id", "one"), ("x-claude-code-agent-id", "agent-1")];
    assert_eq!(stage.send(turn(OPUS, "look into it", 0), &subagent).await.status, 200);
    stage.clock.advance(Duration::from_secs(31));
    say(&stage, "one", 1).await;
    assert_eq!(stage.asked(), ["a", "a", "b", "a"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_conversation_that_has_been_idle_beyond_its_cache_goes_where_the_room_is_for_free() {
    let stage = stage(&["a", "b"]).await;
    say(&stage, "one", 0).await;
    stage.clock.advance(Duration::from_secs(301));
    // Two that come meanwhile share the accounts out anew.
    say(&stage, "two", 0).await;
    say(&stage, "one", 1).await;
    assert_eq!(stage.asked(), ["a", "a", "b"]);
    let ledger = stage.finish().await;
    let moved = ledger[2].decision.as_ref().and_then(|decision| decision.moved.clone()).expect("a move");
    assert_eq!((moved.reason.as_str(), moved.free, moved.price_nano_usd), ("idle", true, Some(0)));
}

#[tokio::test]
async fn counting_tokens_follows_a_conversation_and_places_none() {
    let stage = stage(&["a", "b"]).await;
    let count = async |session: &str, further: usize| {
        let request = stage.client.post(stage.url("/v1/messages/count_tokens"));
        let request = request.header("x-claude-code-session-id", session);
        let answer = request.json(&turn(OPUS, session, further)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.bytes().await.expect("a whole body");
    };
    for number in 0..4 {
        count(&format!("only counted {number}"), 0).await;
    }
    say(&stage, "one", 0).await;
    say(&stage, "two", 0).await;
    count("two", 1).await;
    say(&stage, "two", 1).await;
    assert_eq!(stage.asked(), ["a", "a", "a", "a", "a", "b", "b", "b"], "nobody lives where tokens were counted");
    let ledger = stage.finish().await;
    assert_eq!(ledger[5].attempts[0].choice, "headroom", "and nothing is in the cache there");
}

#[tokio::test]
async fn the_strategy_is_changed_under_load_and_no_request_fails() {
    let stage = Stage::set(&["a", "b", "c"], config(), GatewayOptions::default()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let (client, url, stop) = (stage.client.clone(), stage.url("/v1/messages"), Arc::clone(&stop));
            tokio::spawn(async move {
                let session = format!("session {number}");
                let mut answered = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    let request = client.post(&url).header("content-type", "application/json");
                    let request = request.header("x-claude-code-session-id", &session);
                    let body = turn(OPUS, &session, answered as usize % 5).to_string();
                    let answer = request.body(body).send().await.expect("an answer");
                    assert_eq!(answer.status(), 200);
                    answer.bytes().await.expect("a whole body");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    let operator = remote(&stage);
    for round in 0..40 {
        let name = ["conversation", "session"][round % 2];
        let view = operator.set_strategy(name).await.expect("it is there");
        assert_eq!((view.strategy.as_str(), view.strategies.len()), (name, 2));
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        answered += client.await.expect("no request failed");
    }
    assert!(answered >= 16, "there was load: {answered}");
    let unknown = operator.set_strategy("round_robin").await.expect_err("it is not there").to_string();
    assert_eq!(unknown, "there is no strategy \"round_robin\"; there are: conversation, session");
    let ledger = stage.finish().await;
    assert!(ledger.iter().all(|request| request.success));
    let by = |name: &str| {
        let decided = |decision: &DecisionView| decision.strategy == name;
        ledger.iter().filter(|request| request.decision.as_ref().is_some_and(decided)).count()
    };
    assert!(by("session") > 0 && by("conversation") > 0, "both decided some");
}

#[tokio::test]
async fn what_lived_somewhere_under_the_other_strategy_stays_there() {
    let stage = Stage::set(&["a", "b", "c"], config(), GatewayOptions::default()).await;
    for session in ["one", "two", "three"] {
        say(&stage, session, 0).await;
    }
    stage.control.set_strategy("conversation").await.expect("it is there");
    for session in ["one", "two", "three", "four"] {
        say(&stage, session, 1).await;
    }
    assert_eq!(stage.asked(), ["a", "a", "a", "a", "a", "a", "b"]);
    stage.finish().await;
}

#[tokio::test]
async fn conversations_are_where_they_were_after_a_restart() {
    let store = Arc::new(RedbStore::in_memory());
    let over = async |accounts: &[&str]| {
        Stage::over(Arc::clone(&store), accounts, config(), options(), |builder| builder, ServeOptions::default()).await
    };
    let stage = over(&["a", "b", "c"]).await;
    for session in ["one", "two", "three"] {
        say(&stage, session, 0).await;
    }
    let homes = stage.asked();
    assert_eq!(sorted(homes.clone()), ["a", "b", "c"]);
    stage.finish().await;

    let stage = over(&[]).await;
    for session in ["three", "two", "one"] {
        say(&stage, session, 1).await;
    }
    let expected: Vec<_> = homes.into_iter().rev().collect();
    assert_eq!(stage.asked(), expected);
    let ledger = stage.finish().await;
    let choice = |request: &RequestView| request.attempts[0].choice.clone();
    let choices = sorted(ledger.iter().map(choice).collect());
    assert_eq!(choices, ["conversation", "conversation", "conversation", "headroom", "headroom", "headroom"]);
}

/// Asks what would happen, then lets it happen: both say the same.
async fn explained(stage: &Stage, session: &str, further: usize) -> ExplainView {
    let request = ExplainRequest {
        headers: [("x-claude-code-session-id".to_owned(), session.to_owned())].into(),
        body: turn(OPUS, session, further).to_string(),
        ..ExplainRequest::default()
    };
    let here = stage.control.explain(request.clone()).await.expect("explained");
    let afar = remote(stage).explain(request).await.expect("explained");
    assert_eq!(here, afar, "from within and from afar");
    here
}

async fn explained_and_done(stage: &Stage, session: &str, further: usize) -> String {
    let foretold = explained(stage, session, further).await;
    let answer = say(stage, session, further).await;
    let id = answer.header("x-ccflare-request-id").expect("an id").to_owned();
    let request = stage.control.request(&id).await.expect("recorded");
    assert_eq!(request.account_used, foretold.account);
    assert_eq!(request.decision.expect("a decision"), foretold.decision);
    foretold.summary
}

/// The ten situations of an operator's day, read as they read them.
#[tokio::test]
async fn what_would_happen_is_said_in_words_and_then_happens() {
    let stage = stage(&["a", "b"]).await;
    assert_eq!(
        explained_and_done(&stage, "one", 0).await,
        "a would be asked: the most room for one more conversation (nothing known of its limits, 0 other conversations, \
         0 requests under way)"
    );
    assert_eq!(
        explained_and_done(&stage, "one", 1).await,
        "a would be asked: the conversation lives there, and so does its cache (nothing known of its limits, 0 other \
         conversations, 0 requests under way)"
    );
    assert_eq!(
        explained_and_done(&stage, "two", 0).await,
        "b would be asked: the most room for one more conversation (nothing known of its limits, 0 other conversations, \
         0 requests under way)"
    );

    stage.control.edit_account("a", AccountEdit::Pause).await.expect("paused");
    assert_eq!(
        explained_and_done(&stage, "one", 2).await,
        "b would be asked: the most room for one more conversation (nothing known of its limits, 1 other conversation, \
         0 requests under way), leaving a (paused, for $0.72 more: 150000 cached tokens are written anew)"
    );
    stage.control.edit_account("a", AccountEdit::Resume).await.expect("resumed");

    stage.clock.advance(Duration::from_secs(400));
    say(&stage, "three", 0).await;
    let idle = explained_and_done(&stage, "two", 1).await;
    assert!(idle.starts_with("b would be asked: its session lives there"), "its cache has gone cold: {idle}");
    say(&stage, "four", 0).await;
    stage.clock.advance(Duration::from_secs(400));
    say(&stage, "five", 0).await;
    let lived = stage.asked().last().cloned().expect("asked");
    assert_eq!(lived, "a");
    let idle = explained_and_done(&stage, "four", 1).await;
    assert!(idle.contains("b would be asked"), "{idle}");

    // A throttle that the cache is worth.
    stage.mock.script("b", [Step::throttle("30")]);
    say(&stage, "two", 2).await;
    stage.clock.advance(Duration::from_secs(25));
    let waits = explained(&stage, "four", 2).await.summary;
    assert!(waits.ends_with("it is throttled, and worth waiting 5.0 s for"), "{waits}");
    let elsewhere = explained(&stage, "six", 0).await;
    assert_eq!(elsewhere.account.as_deref(), Some("a"));
    assert_eq!((elsewhere.decision.excluded[0].reason.as_str(), elsewhere.decision.excluded.len()), ("throttled", 1));

    stage.control.edit_account("a", AccountEdit::Pause).await.expect("paused");
    stage.control.edit_account("b", AccountEdit::Pause).await.expect("paused");
    assert_eq!(explained(&stage, "six", 0).await.summary, "nobody can serve it now: a is paused; b is paused");

    stage.control.set_strategy("session").await.expect("it is there");
    stage.control.edit_account("b", AccountEdit::Resume).await.expect("resumed");
    let by_session = explained_and_done(&stage, "six", 0).await;
    assert_eq!(by_session, "b would be asked: no session is running, and it is the first by priority and order");
    stage.finish().await;

    let nobody = self::stage(&[]).await;
    let summary = explained(&nobody, "one", 0).await.summary;
    assert_eq!(summary, "no account is there: the client's own credentials would go on");
    nobody.finish().await;
}

#[tokio::test]
async fn explaining_sends_nothing_and_remembers_nothing() {
    let stage = stage(&["a", "b"]).await;
    for _ in 0..3 {
        let view = explained(&stage, "one", 0).await;
        assert_eq!(view.decision.candidates[0].choice, "headroom", "it is as new as before");
        assert_eq!(view.facts.session.as_deref(), Some("one"));
    }
    assert!(stage.mock.requests().is_empty());
    let wrong = ExplainRequest { method: "NO METHOD".into(), ..ExplainRequest::default() };
    let refused = stage.control.explain(wrong).await.expect_err("refused").to_string();
    assert_eq!(refused, "\"NO METHOD\" is no method");
    let key = ExplainRequest { client_key: Some("nobody's".into()), ..ExplainRequest::default() };
    assert!(stage.control.explain(key).await.is_err());
    assert!(stage.finish().await.is_empty());
}

#[tokio::test]
async fn what_would_not_get_in_is_explained_so() {
    let stage = stage(&["a"]).await;
    let asked = |path: &str, key: &str| ExplainRequest {
        path: path.to_owned(),
        headers: [("x-api-key".to_owned(), key.to_owned())].into(),
        ..ExplainRequest::default()
    };
    for (path, key, why) in [
        ("/v1/unknown", "own", "it would be refused: "),
        ("/api/accounts", "own", "it would be refused: "),
        ("/v1/../x", "own", "it would be refused: "),
        ("/v1/messages", "ccf_0000", "this ccflare key is unknown"),
    ] {
        let view = stage.control.explain(asked(path, key)).await.expect("explained");
        assert!(view.account.is_none() && view.summary.contains(why), "{path}: {}", view.summary);
    }
    let new = NewClientKey { name: "laptop".to_owned(), accounts: vec!["a".to_owned()], ..NewClientKey::default() };
    let key = stage.control.create_client_key(new).await.expect("a key").key;
    let view = stage.control.explain(asked("/v1/messages", key.expose())).await.expect("explained");
    assert_eq!(view.account.as_deref(), Some("a"));
    stage.finish().await;
}

#[tokio::test]
async fn the_originals_routes_are_kept() {
    let stage = Stage::with(&["a"]).await;
    let get = async |path: &str| {
        let answer = stage.client.get(stage.url(path)).bearer_auth(crate::harness::TOKEN).send().await;
        answer.expect("an answer").json::<Value>().await.expect("JSON")
    };
    assert_eq!(get("/api/strategies").await, json!(["conversation", "session"]));
    assert_eq!(get("/api/config/strategy").await["strategy"], "session");
    let post = async |path: &str, body: Value| {
        let request = stage.client.post(stage.url(path)).bearer_auth(crate::harness::TOKEN).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (status, chosen) = post("/api/config/strategy", json!({ "strategy": "conversation" })).await;
    assert_eq!((status, &chosen["success"], &chosen["strategy"]), (200, &json!(true), &json!("conversation")));
    let (status, refused) = post("/api/config/strategy", json!({ "strategy": "least-used" })).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid")));
    // The body may be given as it is, and longer than any other.
    let long = turn(OPUS, &"x".repeat(200_000), 0);
    let (status, view) = post("/api/explain", json!({ "body": long })).await;
    assert_eq!((status, &view["account"], &view["facts"]["model"]), (200, &json!("a"), &json!(OPUS)));
    stage.finish().await;
}
