//! The conventions' own metrics. All others are at `/metrics`, which a collector can scrape.

use ccflare_core::domain::Exchange;
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, Meter},
};

use super::gen_ai;

/// What is measured of each request.
#[derive(Debug)]
pub(super) struct Meters {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
    server: Histogram<f64>,
}

impl Meters {
    pub(super) fn new(meter: &Meter) -> Self {
        // The boundaries that the conventions state.
        let tokens = (0..14).map(|power| 4_f64.powi(power)).collect();
        let seconds: Vec<_> = (0..14).map(|power| 0.01 * 2_f64.powi(power)).collect();
        let timed = |name, about: &'static str| {
            let histogram = meter.f64_histogram(name).with_description(about).with_unit("s");
            histogram.with_boundaries(seconds.clone()).build()
        };
        Self {
            tokens: meter
                .u64_histogram(gen_ai::TOKEN_USAGE)
                .with_description("Tokens that an answer counted")
                .with_unit("{token}")
                .with_boundaries(tokens)
                .build(),
            duration: timed(gen_ai::DURATION, "From a request's arrival to its end"),
            first_chunk: timed(gen_ai::TIME_TO_FIRST_CHUNK, "From a request's arrival to its first content"),
            server: timed(gen_ai::SERVER_DURATION, "From a request's arrival to its end"),
        }
    }

    /// Labels are words of ours and of the upstream: never what a client may choose.
    pub(super) fn record(&self, exchange: &Exchange) {
        let end = exchange.timing.end.unwrap_or_default().as_secs_f64();
        let error = gen_ai::error(exchange).map(|error| KeyValue::new(gen_ai::ERROR_TYPE, error));
        let status = exchange.status.map(|status| KeyValue::new(gen_ai::STATUS, i64::from(status)));
        let method = KeyValue::new(gen_ai::METHOD, method(exchange));
        let labels: Vec<_> = [Some(method), status, error.clone()].into_iter().flatten().collect();
        self.server.record(end, &labels);
        let Some(operation) = gen_ai::operation(exchange) else { return };
        // The upstream's own name for it; what a client asked for in vain may be anything.
        let model = exchange.model.as_deref().unwrap_or("other").to_owned();
        let mut labels = vec![
            KeyValue::new(gen_ai::OPERATION, operation),
            KeyValue::new(gen_ai::PROVIDER, gen_ai::ANTHROPIC),
            KeyValue::new(gen_ai::RESPONSE_MODEL, model),
        ];
        let tokens = exchange.usage.billed();
        for (kind, count) in [("input", tokens.prompt()), ("output", tokens.output)] {
            if let Some(count) = count {
                labels.push(KeyValue::new(gen_ai::TOKEN_TYPE, kind));
                self.tokens.record(count, &labels);
                labels.pop();
            }
        }
        if let Some(first) = exchange.timing.first_token {
            self.first_chunk.record(first.as_secs_f64(), &labels);
        }
        labels.extend(error);
        self.duration.record(end, &labels);
    }
}

/// Clients may make methods up.
fn method(exchange: &Exchange) -> &'static str {
    match exchange.intent.method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        _ => "_OTHER",
    }
}
