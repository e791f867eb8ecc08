//! What it costs to find out who asks, in bodies as long as Claude Code's: of a conversation that is known, and of one
//! that begins.
//!
//! Prints the allocations too, and fails if they grow with the body.
//!
//! ```text
//! cargo bench -p ccflare-core --bench intercept
//! ```

#![allow(clippy::print_stdout, reason = "what it counts is what it is run for")]

use std::{convert::Infallible, hint::black_box};

use allocation_counter::measure;
use bytes::Bytes;
use ccflare_core::{
    domain::{Facts, RequestFacts},
    intercept::InterceptLayer,
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

const SESSION: &str = "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11";

/// A conversation of about so many bytes, a third of them instructions, tools and prompts.
fn body(bytes: usize) -> Bytes {
    let prose = |bytes: usize| {
        "Lines as long as those of code and prose are,\nand now and then something that is \"quoted\".\n"
            .repeat(bytes / 90)
    };
    let part = bytes / 9;
    let tools: Vec<Value> = (0..20)
        .map(|n| json!({"name": format!("T{n}"), "description": prose(part / 20), "input_schema": {}}))
        .collect();
    let reminder = format!("<system-reminder>\nContents of /w/CLAUDE.md (project instructions):\n{}", prose(part));
    let mut messages = vec![
        json!({"role": "user", "content": [{"type": "text", "text": reminder}, {"type": "text", "text": "Go."}]}),
        json!({"role": "system", "content": "# Environment\n - Primary working directory: /w\n"}),
    ];
    for turn in 0..20 {
        let input = json!({"type": "tool_use", "id": format!("t{turn}"), "name": "Bash", "input": {"command": "ls"}});
        messages.push(json!({"role": "assistant", "content": [input]}));
        let result = json!({"type": "tool_result", "tool_use_id": format!("t{turn}"), "content": prose(6 * part / 20)});
        messages.push(json!({"role": "user", "content": [result]}));
    }
    let user = json!({"device_id": "0f", "account_uuid": "", "session_id": SESSION}).to_string();
    let system: Vec<Value> = ["x-anthropic-billing-header: cc_version=2.1.330.ccb;", "You are.", &prose(part)]
        .map(|text| json!({"type": "text", "text": text}))
        .to_vec();
    let head = json!({"model": "claude-opus-5-5", "messages": messages, "system": system, "tools": tools});
    let Value::Object(mut all) = head else { unreachable!("an object") };
    all.extend([("metadata".to_owned(), json!({ "user_id": user })), ("stream".to_owned(), json!(true))]);
    // `model` first, as Claude Code sends it; the map here is sorted.
    let model = all.remove("model").expect("it was put in");
    let rest = serde_json::to_string(&all).expect("JSON");
    format!("{{\"model\":{model},{}", &rest[1..]).into()
}

fn request(body: &Bytes) -> Request<Bytes> {
    Request::post("/v1/messages").header("x-claude-code-session-id", SESSION).body(body.clone()).expect("valid")
}

fn facts(layer: &InterceptLayer, request: Request<Bytes>) -> RequestFacts {
    let behind = service_fn(|request: Request<Bytes>| async move {
        Ok::<_, Infallible>(request.extensions().get::<Facts>().map(|facts| RequestFacts::clone(facts)).expect("facts"))
    });
    layer.layer(behind).oneshot(request).now_or_never().expect("at once").expect("infallible")
}

fn intercept(c: &mut Criterion) {
    let mut group = c.benchmark_group("intercept");
    for (size, name) in [(150 << 10, "150 KiB"), (1 << 20, "1 MiB")] {
        let body = body(size);
        group.throughput(Throughput::Bytes(body.len() as u64));
        let known = InterceptLayer::default();
        assert!(facts(&known, request(&body)).asker.is_some());
        group.bench_function(format!("a known conversation, {name}"), |b| {
            b.iter_batched(|| request(&body), |request| black_box(facts(&known, request)), BatchSize::SmallInput);
        });
        group.bench_function(format!("a new conversation, {name}"), |b| {
            let fresh = || (InterceptLayer::default(), request(&body));
            b.iter_batched(fresh, |(layer, request)| black_box(facts(&layer, request)), BatchSize::SmallInput);
        });
    }
    group.finish();

    let allocated = |size: usize| {
        let (body, layer) = (body(size), InterceptLayer::default());
        let request_of = request(&body);
        let new = measure(|| drop(facts(&layer, request_of)));
        let request_of = request(&body);
        let known = measure(|| drop(facts(&layer, request_of)));
        (new.bytes_total, known.bytes_total)
    };
    let (small, large) = (allocated(15 << 10), allocated(1 << 20));
    println!("bytes allocated for 15 KiB (new, known): {small:?}; for 1 MiB: {large:?}");
    assert!(large.0 <= small.0 + 64 && large.1 <= small.1 + 64, "what is allocated grows with the body");
}

criterion_group!(benches, intercept);
criterion_main!(benches);
