//! What the ledger says is what the upstream counted, to the token and the nano-dollar.

use std::{collections::BTreeMap, time::Duration};

use ccflare_core::{
    domain::{Tokens, Usage},
    gateway::GatewayOptions,
    pricing::PriceTable,
};
use ccflare_mock::{Disposition, MockConfig};
use serde_json::json;

use crate::harness::{SOON, Stage, message};

const MODELS: [&str; 4] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2"];

const FRAMINGS: [&str; 5] = ["event_per_write", "burst", "one_write", "crlf", "comments"];

/// What request `number` of the thousand does: every kind of answer, end and framing, with usage of its own.
fn steering(number: u64) -> serde_json::Value {
    let mut steering = json!({
        "input": number, "output": 3 * number + 1, "cache_read": 1000 * number,
        "cache_write_5m": number % 7, "cache_write_1h": number % 11,
        "deltas": 5, "delta_bytes": 20,
        "gzip": number.is_multiple_of(3),
        "framing": FRAMINGS[(number % 5) as usize],
    });
    match number % 10 {
        7 => steering["fault"] = json!("reset_mid_stream"),
        8 => steering["fault"] = json!("clean_eof_mid_stream"),
        9 => steering["fault"] = json!("stall_mid_stream"),
        _ => {}
    }
    if number % 10 >= 7 {
        steering["after_events"] = json!(4);
    }
    steering
}

#[tokio::test]
async fn a_thousand_mixed_requests_add_up() {
    let stage = Stage::set(&["a"], MockConfig::default(), GatewayOptions::default()).await;
    for number in 0..1000 {
        ask(&stage, number).await;
    }
    assert!(stage.mock.settled(SOON).await, "the upstream is done");

    let said = stage.mock.requests();
    assert_eq!(said.len(), 1000);
    let ledger = stage.finish().await;
    assert_eq!(ledger.len(), 1000, "each request stands in it once");

    let mut outcomes = BTreeMap::new();
    for (said, recorded) in said.iter().zip(&ledger) {
        *outcomes.entry(recorded.outcome.clone()).or_insert(0) += 1;
        let usage = said.disposition.usage().expect("every answer here has usage");
        let model = match &said.disposition {
            Disposition::Answered { model, .. }
            | Disposition::Cut { model, .. }
            | Disposition::ClientLeft { model, .. } => model.clone().expect("a model"),
            other => panic!("{other:?}"),
        };
        let tokens = Tokens {
            input: Some(usage.input),
            output: Some(usage.output),
            cache_read: Some(usage.cache_read),
            cache_write_5m: Some(usage.cache_write_5m),
            cache_write_1h: Some(usage.cache_write_1h),
        };
        let recorded_tokens = Tokens {
            input: recorded.input_tokens,
            output: recorded.output_tokens,
            cache_read: recorded.cache_read_input_tokens,
            cache_write_5m: recorded.cache_creation5m_input_tokens,
            cache_write_1h: recorded.cache_creation1h_input_tokens,
        };
        assert_eq!(recorded_tokens, tokens, "{recorded:?}");
        let cost = PriceTable::bundled().price(&model, &Usage { tokens, ..Usage::default() });
        assert_eq!(recorded.cost_nano_usd, cost.map(|cost| cost.0));
        assert!(cost.is_some());
    }
    let counts: Vec<_> = ["answered", "cut", "cancelled"].map(|outcome| outcomes[outcome]).to_vec();
    println!("1000 requests: answered, cut, cancelled = {counts:?}");
    assert_eq!(counts.iter().sum::<i32>(), 1000);
}

async fn ask(stage: &Stage, number: u64) {
    let stream = number % 10 >= 4;
    let mut body = message(MODELS[(number % 4) as usize], stream);
    body["metadata"] = json!({ "n": number });
    let request = stage.client.post(stage.url("/v1/messages")).header("accept-encoding", "gzip");
    let request = request.header("x-mock", steering(number).to_string()).body(body.to_string());
    let mut answer = request.send().await.expect("headers");
    if number % 10 == 9 {
        // Read what is there, then leave in the middle.
        let mut read = 0;
        while read < 4 {
            match tokio::time::timeout(Duration::from_millis(20), answer.chunk()).await {
                Ok(Ok(Some(_))) => read += 1,
                _ => break,
            }
        }
        drop(answer);
        let left = |mock: &ccflare_mock::MockUpstream| mock.totals().pending == 0;
        assert!(stage.mock.wait_for(left, SOON).await, "the upstream is told");
        return;
    }
    while let Ok(Some(_)) = answer.chunk().await {}
}

#[tokio::test]
async fn what_is_unknown_is_null_and_never_zero() {
    let stage = Stage::with(&["a"]).await;
    let strange = message("a-model-nobody-knows", false);
    stage.send(strange, &[]).await;
    let ledger = stage.finish().await;
    assert_eq!((ledger[0].cost_usd, ledger[0].cost_nano_usd), (None, None));
    assert!(ledger[0].input_tokens.is_some());
}
