//! One span for each request, made of its record.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use ccflare_core::{
    domain::Exchange,
    record::{Settled, TraceParent},
};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::gen_ai;

/// A request as a span; nothing, if its client says that nobody keeps the trace.
pub(super) fn span(settled: &Settled<'_>, scope: &InstrumentationScope) -> Option<SpanData> {
    let exchange = settled.exchange;
    let parent = settled.traceparent.and_then(TraceParent::parse);
    if parent.is_some_and(|parent| !parent.is_sampled()) {
        return None;
    }
    let trace = parent.map_or_else(rand::random, |parent| parent.trace);
    let span = settled.span.unwrap_or_else(rand::random);
    let flags = TraceFlags::SAMPLED;
    let begun: SystemTime = exchange.intent.at.into();
    let took = exchange.timing.end.unwrap_or_default();
    Some(SpanData {
        span_context: SpanContext::new(
            TraceId::from(trace.max(1)),
            SpanId::from(span.max(1)),
            flags,
            false,
            TraceState::NONE,
        ),
        parent_span_id: parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.parent)),
        parent_span_is_remote: parent.is_some(),
        span_kind: SpanKind::Client,
        name: name(exchange),
        start_time: begun,
        end_time: begun + took,
        attributes: attributes(exchange),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: gen_ai::error(exchange).map_or(Status::Unset, Status::error),
        instrumentation_scope: scope.clone(),
    })
}

/// `chat MODEL`; of other requests the method and the first words of the path, which ids stand behind.
fn name(exchange: &Exchange) -> Cow<'static, str> {
    match (gen_ai::operation(exchange), model(exchange)) {
        (Some(operation), Some(model)) => format!("{operation} {model}").into(),
        (Some(operation), None) => operation.into(),
        (None, _) => {
            let path: Vec<_> = exchange.intent.path.split('/').take(3).collect();
            format!("{} {}", exchange.intent.method, path.join("/")).into()
        }
    }
}

fn model(exchange: &Exchange) -> Option<&str> {
    exchange.intent.model_sent().map(|model| &**model)
}

fn attributes(exchange: &Exchange) -> Vec<KeyValue> {
    let intent = &exchange.intent;
    let asker = intent.asker.as_deref();
    let text = |name: &'static str, text: Option<&str>| Some(KeyValue::new(name, text?.to_owned()));
    let count = |name: &'static str, count: Option<u64>| Some(KeyValue::new(name, i64::try_from(count?).ok()?));
    let seconds = |name: &'static str, time: Option<Duration>| time.map(|time| KeyValue::new(name, time.as_secs_f64()));
    let tokens = exchange.usage.billed();
    let account = exchange.final_attempt().and_then(|attempt| attempt.account.as_ref());
    let attributes = [
        text(gen_ai::OPERATION, gen_ai::operation(exchange)),
        text(gen_ai::PROVIDER, Some(gen_ai::ANTHROPIC)),
        text(gen_ai::REQUEST_MODEL, model(exchange)),
        text(gen_ai::RESPONSE_MODEL, exchange.model.as_deref()),
        text(gen_ai::CONVERSATION, asker.map(|asker| &*asker.session)),
        text(gen_ai::AGENT_ID, asker.and_then(|asker| asker.subagent.as_deref())),
        text(gen_ai::AGENT_NAME, asker.and_then(|asker| asker.agent.as_deref())),
        // The conventions' rule for this provider: what was read from the cache and written to it counts as input.
        count(gen_ai::INPUT_TOKENS, tokens.prompt()),
        count(gen_ai::OUTPUT_TOKENS, tokens.output),
        count(gen_ai::CACHE_READ_TOKENS, tokens.cache_read),
        count(gen_ai::CACHE_CREATION_TOKENS, tokens.cache_write()),
        seconds(gen_ai::FIRST_CHUNK, exchange.timing.first_token),
        text(gen_ai::ERROR_TYPE, gen_ai::error(exchange).as_deref()),
        text(gen_ai::METHOD, Some(intent.method.as_str())),
        text(gen_ai::PATH, Some(&intent.path)),
        count(gen_ai::STATUS, exchange.status.map(u64::from)),
        text("ccflare.request.id", Some(&intent.id.to_string())),
        text("ccflare.account", account.map(|(_, name)| &**name)),
        text("ccflare.client_key", intent.client_key.as_ref().map(|(_, name)| &**name)),
        text("ccflare.outcome", Some(exchange.outcome.as_str())),
        count("ccflare.attempts", u64::try_from(exchange.attempts.len()).ok()),
        exchange.cost.map(|cost| KeyValue::new("ccflare.cost_usd", cost.as_dollars())),
    ];
    attributes.into_iter().flatten().collect()
}
