//! What happens is heard while it happens, by few or many, quick or slow; and counted.

use std::{collections::HashMap, time::Duration};

use ccflare_core::control::{
    Control, Remote,
    views::{EventDetail, EventQuery, EventView, NewAccount},
};
use ccflare_core::{domain::Secret, record::EventKind};
use ccflare_mock::Step;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

mod history;
mod outlets;

use crate::harness::{SOON, Stage, TOKEN, message};

/// A stream of server-sent events, as a client has it.
struct Heard {
    response: reqwest::Response,
    text: String,
}

impl Heard {
    async fn at(stage: &Stage, path: &str, after: Option<&str>) -> Self {
        let mut request = stage.client.get(stage.url(path)).bearer_auth(TOKEN);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// Reads until `enough` says so, and returns all events with their ids.
    async fn until(&mut self, enough: impl Fn(&[(String, Value)]) -> bool) -> Vec<(String, Value)> {
        let reading = async {
            loop {
                let heard = parse(&self.text);
                if enough(&heard) {
                    return heard;
                }
                let chunk = self.response.chunk().await.expect("it goes on").expect("it goes on");
                self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
            }
        };
        tokio::time::timeout(SOON, reading).await.expect("events come")
    }
}

fn parse(text: &str) -> Vec<(String, Value)> {
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let event = |event: &str| {
        let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some((field("id: ")?, serde_json::from_str(&field("data: ")?).ok()?))
    };
    whole.split("\n\n").filter_map(event).collect()
}

fn kinds(heard: &[(String, Value)]) -> Vec<&str> {
    heard.iter().filter_map(|(_, event)| event["type"].as_str()).collect()
}

fn ended(count: usize) -> impl Fn(&[(String, Value)]) -> bool {
    move |heard| kinds(heard).iter().filter(|kind| ["finished", "summary"].contains(kind)).count() >= count
}

#[tokio::test]
async fn a_request_is_heard_from_its_arrival_to_its_end() {
    let stage = Stage::with(&["a"]).await;
    let mut heard = Heard::at(&stage, "/api/events?topics=requests", None).await;
    let answer = stage.ask_stream().await;
    let id = answer.header("x-ccflare-request-id").expect("an id").to_owned();
    let events = heard.until(ended(1)).await;
    assert_eq!(kinds(&events), ["started", "headers", "firstToken", "finished"]);
    assert!(events[..3].iter().all(|(_, event)| event["request"] == id.as_str()));
    assert_eq!((&events[1].1["account"], &events[1].1["statusCode"]), (&"a".into(), &200.into()));
    let summary = &events[3].1["summary"];
    assert_eq!((&summary["id"], &summary["outcome"]), (&id.as_str().into(), &"answered".into()));
    let recorded = stage.control.request(&id).await.expect("recorded");
    assert_eq!(*summary, serde_json::to_value(recorded).expect("JSON"), "the same as the ledger's");
    drop(heard);
    stage.finish().await;
}

#[tokio::test]
async fn the_originals_stream_keeps_its_shapes() {
    let stage = Stage::with(&["a"]).await;
    let mut heard = Heard::at(&stage, "/api/requests/stream", None).await;
    stage.ask().await;
    let events = heard.until(ended(1)).await;
    assert!(heard.text.contains("event: connected\ndata: ok\n\n"));
    assert_eq!(kinds(&events), ["start", "summary"]);
    assert_eq!((&events[0].1["method"], &events[0].1["path"]), (&"POST".into(), &"/v1/messages".into()));
    assert_eq!(events[0].1["id"], events[1].1["payload"]["id"]);
    drop(heard);
    stage.finish().await;
}

#[tokio::test]
async fn who_comes_back_with_the_last_id_misses_nothing_and_hears_nothing_twice() {
    let stage = Stage::with(&["a"]).await;
    let mut heard = Heard::at(&stage, "/api/events?topics=requests", None).await;
    stage.ask().await;
    let before = heard.until(ended(1)).await;
    drop(heard);
    stage.ask().await;
    let last = &before.last().expect("some").0;
    let mut again = Heard::at(&stage, "/api/events?topics=requests", Some(last)).await;
    let after = again.until(ended(1)).await;
    assert_eq!(kinds(&after).first(), Some(&"started"));
    assert!(after.iter().all(|(id, _)| id.parse::<u64>().ok() > last.parse().ok()));
    drop(again);
    stage.finish().await;
}

#[tokio::test]
async fn who_wants_to_know_that_something_happened_hears_the_latest_now_and_then() {
    let stage = Stage::with(&["a"]).await;
    let mut heard = Heard::at(&stage, "/api/events?topics=accounts&every=100", None).await;
    let events = stage.events();
    for number in 1..=5000 {
        events.emit(EventKind::LoginNeeded { account: "a".into(), why: number.to_string().into() });
    }
    let last = |heard: &[(String, Value)]| heard.last().is_some_and(|(_, event)| event["why"] == "5000");
    let few = heard.until(last).await;
    assert!(few.len() < 50, "{} of 5000", few.len());
    drop(heard);
    let answer = stage.client.get(stage.url("/api/events?every=0")).bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.status(), 400);
    stage.finish().await;
}

#[tokio::test]
async fn limits_and_an_operators_changes_are_heard() {
    let stage = Stage::with(&["a", "b"]).await;
    let mut heard = Heard::at(&stage, "/api/events?topics=accounts", None).await;
    stage.mock.script("a", [Step::billing()]);
    stage.ask().await;
    let pause = ccflare_core::control::views::AccountEdit::Pause;
    stage.control.edit_account("b", pause).await.expect("paused");
    let paused = |heard: &[(String, Value)]| heard.iter().any(|(_, event)| event["change"] == "paused");
    let events = heard.until(paused).await;
    let limit = events.iter().find(|(_, event)| event["type"] == "limit").expect("a limit");
    assert_eq!((&limit.1["account"], &limit.1["reason"]), (&"a".into(), &"billing".into()));
    drop(heard);
    stage.finish().await;
}

#[tokio::test]
async fn a_remote_operator_hears_the_same() {
    let stage = Stage::with(&["a"]).await;
    let remote = Remote::new(stage.url("/").parse().expect("a URL"), Secret::new(TOKEN)).expect("a remote");
    let remote: &dyn Control = &remote;
    let mut far = remote.events(EventQuery::of("requests")).await.expect("subscribed");
    let mut near = stage.control.events(EventQuery::of("requests")).await.expect("subscribed");
    stage.ask_stream().await;
    for _ in 0..4 {
        let (far, near) =
            tokio::time::timeout(SOON, async { (far.next().await, near.next().await) }).await.expect("soon");
        let (far, near) = (far.expect("an event"), near.expect("an event"));
        assert_eq!((far.id, &far.detail), (near.id, &near.detail));
    }
    assert!(remote.events(EventQuery::of("nonsense")).await.is_err());
    drop((far, near));
    stage.finish().await;
}

#[tokio::test]
async fn a_web_socket_hears_the_topics_that_it_asks_for() {
    let stage = Stage::with(&["a"]).await;
    let url = stage.url("/api/ws").replace("http://", "ws://");
    let request = |origin: Option<&str>, token: Option<&str>| {
        let mut request = url.as_str().into_client_request().expect("a request");
        let mut put =
            |name: &'static str, value: &str| request.headers_mut().insert(name, value.parse().expect("valid"));
        origin.map(|origin| put("origin", origin));
        token.map(|token| put("authorization", &format!("Bearer {token}")));
        request
    };
    for (origin, token) in [(None, None), (None, Some("wrong")), (Some("https://evil.example"), Some(TOKEN))] {
        assert!(tokio_tungstenite::connect_async(request(origin, token)).await.is_err(), "{origin:?} {token:?}");
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request(None, Some(TOKEN))).await.expect("connected");
    socket.send(Message::text(r#"{"subscribe":["requests"]}"#)).await.expect("sent");
    assert_eq!(next(&mut socket).await["topics"], serde_json::json!(["requests"]));
    stage.ask_stream().await;
    let mut heard = Vec::new();
    while heard.last().is_none_or(|kind| kind != "finished") {
        heard.push(next(&mut socket).await["type"].as_str().expect("a type").to_owned());
    }
    assert_eq!(heard, ["started", "headers", "firstToken", "finished"]);
    socket.send(Message::text(r#"{"subscribe":["nonsense"]}"#)).await.expect("sent");
    assert_eq!(next(&mut socket).await["type"], "error");
    // It does not hold up the end.
    let (finished, closed) = tokio::join!(stage.finish(), async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                return true;
            }
        }
        false
    });
    assert!(closed && finished.len() == 1);
}

async fn next<S>(socket: &mut S) -> Value
where
    S: futures_util::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin,
{
    loop {
        let message = tokio::time::timeout(SOON, socket.next()).await.expect("soon").expect("open").expect("whole");
        if let Message::Text(text) = message {
            return serde_json::from_str(&text).expect("JSON");
        }
    }
}

#[tokio::test]
async fn who_is_too_slow_is_told_and_sent_away_and_nobody_waits_for_it() {
    let stage = Stage::with(&["a"]).await;
    // Takes the head of the answer, and then nothing.
    let mut slow = Heard::at(&stage, "/api/events?topics=accounts", None).await;
    let mut quick = stage.control.events(EventQuery::of("accounts")).await.expect("subscribed");
    let events = stage.events();
    let why: std::sync::Arc<str> = "w".repeat(4096).into();
    for _ in 0..20 {
        for _ in 0..1000 {
            events.emit(EventKind::LoginNeeded { account: "a".into(), why: std::sync::Arc::clone(&why) });
        }
        let heard = (&mut quick).take(1000).collect::<Vec<_>>();
        let heard = tokio::time::timeout(SOON, heard).await.expect("the quick one hears at once");
        assert!(heard.iter().all(|event| event.detail.name() == "loginNeeded"));
    }
    let mut text = String::new();
    let read = async {
        while let Ok(Some(chunk)) = slow.response.chunk().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    tokio::time::timeout(SOON, read).await.expect("its stream ends");
    let last = parse(&text).pop().expect("some").1;
    assert_eq!((&last["type"], &last["slow"]), (&"missed".into(), &true.into()));
    assert!(last["count"].as_u64() > Some(0));
    drop(quick);
    stage.finish().await;
}

#[tokio::test]
async fn live_streams_do_not_hold_up_the_end() {
    let stage = Stage::with(&["a"]).await;
    let mut heard = Heard::at(&stage, "/api/events", None).await;
    let ended = async { while let Ok(Some(_)) = heard.response.chunk().await {} };
    let remote = Remote::new(stage.url("/").parse().expect("a URL"), Secret::new(TOKEN)).expect("a remote");
    let remote: &dyn Control = &remote;
    let mut far = remote.events(EventQuery::default()).await.expect("subscribed");
    let far_ended = async {
        while far.next().await.is_some() {}
        assert!(far.next().await.is_none(), "whoever looks behind the end finds nothing there");
    };
    let begun = std::time::Instant::now();
    tokio::join!(stage.finish(), ended, far_ended);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_event_carries_a_body_or_a_secret() {
    let stage = Stage::with(&[]).await;
    let account = NewAccount::with_key("plain", Secret::new("sk-ant-api03-canary-key")).at(&stage.mock.url());
    stage.control.add_account(account).await.expect("a new account");
    let mut events = stage.control.events(EventQuery::default()).await.expect("subscribed");
    let telling = |kind: &str| {
        let text = "no, not sk-ant-api03-canary-key";
        Step::Status(Box::new(ccflare_mock::ErrorAnswer::new(401, kind, text.to_owned())))
    };
    let mut body = message("claude-opus-5-5", false);
    body["messages"][0]["content"] = "the words of the prompt".into();
    stage.send(body.clone(), &[("authorization", "Bearer client-canary")]).await;
    stage.mock.script("sk-ant-api03-canary-key", [telling("authentication_error"), telling("authentication_error")]);
    stage.send(body, &[("x-api-key", "client-canary")]).await;
    let mut seen = Vec::new();
    let mut finished = 0;
    while finished < 2 {
        let event = tokio::time::timeout(SOON, events.next()).await.expect("soon").expect("an event");
        finished += usize::from(matches!(event.detail, EventDetail::Finished { .. }));
        seen.push(event);
    }
    assert!(seen.iter().any(|event| event.detail.name() == "loginNeeded"), "{:?}", names(&seen));
    for event in &seen {
        let json = event.json();
        for secret in ["sk-ant-api03-canary-key", "client-canary", "the words of the prompt"] {
            assert!(!json.contains(secret), "{json}");
        }
    }
    drop(events);
    stage.finish().await;
}

fn names(events: &[std::sync::Arc<EventView>]) -> Vec<&str> {
    events.iter().map(|event| event.detail.name()).collect()
}

/// The samples of `/metrics`, by name and labels.
async fn scrape(stage: &Stage, accept: &str) -> (String, HashMap<String, f64>) {
    let request = stage.client.get(stage.url("/metrics")).bearer_auth(TOKEN).header("accept", accept);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    let text = response.text().await.expect("text");
    let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    (kind, samples.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect())
}

#[tokio::test]
async fn metrics_count_exactly_what_happened() {
    let stage = Stage::with(&["a", "b"]).await;
    stage.ask().await;
    stage.ask_stream().await;
    stage.mock.script("a", [Step::billing()]);
    stage.ask().await;
    stage.client.get(stage.url("/v1/nowhere")).send().await.expect("an answer");
    let (kind, samples) = scrape(&stage, "text/plain").await;
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let page = stage.control.requests(ccflare_core::control::views::RequestPageQuery::newest(10)).await.expect("page");
    let sum = |count: fn(&ccflare_core::control::views::RequestView) -> Option<u64>| {
        page.requests.iter().filter_map(count).sum::<u64>() as f64
    };
    for (name, value) in [
        (r#"ccflare_requests_total{outcome="answered",status="2xx",family="opus"}"#, 3.0),
        (r#"ccflare_upstream_responses_total{account="a",class="success"}"#, 2.0),
        (r#"ccflare_upstream_responses_total{account="a",class="billing"}"#, 1.0),
        (r#"ccflare_upstream_responses_total{account="b",class="success"}"#, 1.0),
        ("ccflare_failovers_total", 1.0),
        (r#"ccflare_cooldowns_total{reason="billing",scope="account"}"#, 1.0),
        (r#"ccflare_shed_total{reason="not_permitted"}"#, 1.0),
        (r#"ccflare_stream_outcome_total{outcome="complete"}"#, 3.0),
        (r#"ccflare_tokens_total{class="output"}"#, sum(|request| request.output_tokens)),
        (r#"ccflare_tokens_total{class="input"}"#, sum(|request| request.input_tokens)),
        (r#"ccflare_account_state{account="b",state="active"}"#, 1.0),
        (r#"ccflare_account_active{account="b"}"#, 1.0),
        (r#"ccflare_inflight{account="a"}"#, 0.0),
        (r#"ccflare_request_duration_seconds_count{family="opus"}"#, 3.0),
        (r#"ccflare_overhead_seconds_count{phase="route"}"#, 3.0),
        (r#"ccflare_overhead_seconds_count{phase="auth"}"#, 4.0),
        (r#"ccflare_overhead_seconds_count{phase="parse"}"#, 3.0),
        (r#"ccflare_overhead_seconds_count{phase="first_byte"}"#, 3.0),
        (r#"ccflare_overhead_seconds_count{phase="stream"}"#, 3.0),
        (r#"ccflare_budget_remaining_ratio{budget="in_flight"}"#, 1.0),
        (r#"ccflare_budget_remaining_ratio{budget="bodies"}"#, 1.0),
        (r#"ccflare_store_op_seconds_count{op="add_account"}"#, 2.0),
        ("ccflare_ledger_dropped_total", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} of {samples:#?}");
    }
    let dollars = page.requests.iter().filter_map(|request| request.cost_usd).sum::<f64>();
    assert!((samples["ccflare_cost_usd_total"] - dollars).abs() < 1e-12);
    let (kind, again) = scrape(&stage, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5").await;
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert_eq!(again["ccflare_failovers_total"], 1.0);
    let open = stage.client.get(stage.url("/metrics")).send().await.expect("an answer");
    assert_eq!(open.status(), 401, "it is not for everybody");
    stage.finish().await;
}

#[tokio::test]
async fn an_upstream_that_falls_silent_is_told_apart_from_one_that_breaks_off() {
    let stage = Stage::with_options(&["a"], |options| options.idle_timeout = Duration::from_millis(50)).await;
    stage.mock.script("a", [Step::StallMidStream { after_events: 3 }, Step::ResetMidStream { after_events: 3 }]);
    for _ in 0..2 {
        assert_eq!(stage.ask_stream().await.body, None, "it breaks off");
    }
    let metric = |samples: &HashMap<String, f64>, outcome: &str| {
        samples.get(&format!("ccflare_stream_outcome_total{{outcome=\"{outcome}\"}}")).copied()
    };
    let (_, samples) = scrape(&stage, "text/plain").await;
    assert_eq!((metric(&samples, "idle_timeout"), metric(&samples, "truncated")), (Some(1.0), Some(1.0)));
    stage.finish().await;
}

#[tokio::test]
async fn a_traceparent_goes_on_unchanged() {
    let stage = Stage::with(&["a"]).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    stage.send(message("claude-opus-5-5", false), &[("traceparent", trace), ("tracestate", "vendor=1")]).await;
    let asked = stage.mock.requests();
    let sent = |name: &str| asked[0].headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let (_, open) = scrape(&stage, "application/openmetrics-text").await;
    let exemplar = "# {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"}";
    assert!(open.keys().any(|sample| sample.contains(exemplar)), "whoever looks for a slow one finds its trace");
    let (_, older) = scrape(&stage, "text/plain").await;
    assert!(!older.keys().any(|sample| sample.contains("trace_id")), "which the older format does not know");
    assert_eq!((sent("traceparent"), sent("tracestate")), (Some(trace.into()), Some("vendor=1".into())));
    stage.finish().await;
}
