//! No answer, however odd its headers and body, makes judging it fail.
#![no_main]

use ccflare_core::{
    domain::Timestamp,
    provider::{Anthropic, Answer, Provider},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::{arbitrary::Arbitrary, fuzz_target};

const NAMES: [&str; 14] = [
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "anthropic-organization-id",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-unified-status",
    "anthropic-ratelimit-unified-reset",
    "anthropic-ratelimit-unified-5h-status",
    "anthropic-ratelimit-unified-5h-reset",
    "anthropic-ratelimit-unified-5h-utilization",
    "anthropic-ratelimit-unified-7d_oi-status",
    "anthropic-ratelimit-unified-representative-claim",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    status: u16,
    headers: Vec<(u8, &'a [u8])>,
    model: Option<&'a str>,
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let status = StatusCode::from_u16(100 + input.status % 900).expect("in range");
    let mut headers = HeaderMap::new();
    for (name, value) in input.headers {
        let name = HeaderName::from_static(NAMES[usize::from(name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let (provider, now) = (Anthropic::default(), Timestamp::from_seconds(1_800_000_000));
    let _ = provider.observe(&headers, input.model, now);
    let _ = provider.classify(Answer { status, headers: &headers, body: input.body, model: input.model }, now);
    let _ = provider.failed_start(input.body);
    provider.release(&mut headers);
});
