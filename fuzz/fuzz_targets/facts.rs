//! A body passes the interceptor untouched, and the model found in it is the one that a JSON parser finds.
#![no_main]

use bytes::Bytes;
use ccflare_core::{domain::Facts, intercept::InterceptLayer};
use http::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

fuzz_target!(|body: &[u8]| {
    let behind = service_fn(|request: Request<Bytes>| async move {
        let facts = request.extensions().get::<Facts>().cloned().unwrap_or_default();
        Ok::<_, std::convert::Infallible>((facts, request.into_body()))
    });
    let request = Request::post("/v1/messages").body(Bytes::copy_from_slice(body)).expect("a constant target");
    let passed = futures_executor::block_on(InterceptLayer::default().layer(behind).oneshot(request));
    let (facts, after) = passed.expect("infallible");
    assert_eq!(after, body);

    // Of doubled names a parser keeps the last and the interceptor the first, so only single ones are compared.
    let doubled = body.windows(7).filter(|window| *window == b"\"model\"").count() > 1 || body.contains(&b'\\');
    if let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body)
        && !doubled
    {
        assert_eq!(facts.model.as_deref(), object.get("model").and_then(Value::as_str));
    }
});
