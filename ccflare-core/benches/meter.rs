//! What reading along costs: the meter for each delta of a stream, and the recorder around a whole answer.
//!
//! Prints the allocations too, and fails if a forwarded chunk takes one.
//!
//! ```text
//! cargo bench -p ccflare-core --bench meter
//! ```

#![allow(clippy::print_stdout, reason = "what it counts is what it is run for")]

use std::{convert::Infallible, hint::black_box, sync::Arc};

use allocation_counter::measure;
use bytes::Bytes;
use ccflare_core::{
    clock::SystemClock,
    error::ProxyError,
    provider::Anthropic,
    record::{Meter, RecordLayer, Recorder},
    store::{RedbStore, WriteBehind},
};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{Layer, Service, service_fn};

const START: &[u8] =
    b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-5-5\",\
    \"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":20,\"output_tokens\":1}}}\n\n";
const DELTA: &[u8] = b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
    \"delta\":{\"type\":\"text_delta\",\"text\":\"a few words of an answer \"}}\n\n";
const END: &[u8] = b"event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":1000}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"))])
}

/// A meter that has seen a stream begin.
fn meter() -> Meter {
    let mut meter = Meter::new(Arc::new(Anthropic::default()), StatusCode::OK, &headers());
    meter.feed(&Bytes::from_static(START));
    meter.feed(&Bytes::from_static(DELTA));
    meter
}

fn deltas(c: &mut Criterion) {
    let mut group = c.benchmark_group("meter");
    for (name, frame) in [
        ("a delta", Bytes::from_static(DELTA)),
        ("half a delta", Bytes::from_static(&DELTA[..DELTA.len() / 2])),
        ("100 deltas in a frame", Bytes::from(DELTA.repeat(100))),
    ] {
        group.throughput(Throughput::Bytes(frame.len() as u64));
        let mut meter = meter();
        group.bench_function(name, |b| b.iter(|| meter.feed(black_box(&frame))));
    }
    group.finish();

    let (mut meter, delta) = (meter(), Bytes::from_static(DELTA));
    let used = measure(|| (0..1000).for_each(|_| meter.feed(&delta)));
    println!("allocations for 1000 deltas: {}", used.count_total);
    assert_eq!(used.count_total, 0, "a delta takes an allocation");
}

/// A stream of this many deltas, one a frame.
fn answer(deltas: usize) -> Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>> {
    let frames = [START].into_iter().chain(std::iter::repeat_n(DELTA, deltas)).chain([END]);
    let body = StreamBody::new(stream::iter(frames.map(|frame| Ok(Frame::data(Bytes::from_static(frame))))));
    let mut response = Response::new(body);
    *response.headers_mut() = headers();
    response
}

fn exchanges(c: &mut Criterion) {
    // The ledger's writer works on threads of its own, as in a server, and is not counted here.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let (queue, writer) = WriteBehind::start(Arc::new(RedbStore::in_memory()), Default::default());
    let layer = RecordLayer::new(Recorder::new(queue, Arc::new(SystemClock::new())));
    let exchange = |deltas: usize| {
        let inner = service_fn(move |_: Request<Bytes>| async move { Ok::<_, ProxyError>(answer(deltas)) });
        let request = Request::post("/v1/messages").body(Bytes::new()).expect("valid");
        let mut record = layer.layer(inner);
        runtime.block_on(async {
            let mut body = record.call(request).await.expect("answered").into_body();
            while let Some(frame) = body.frame().await {
                black_box(frame.expect("whole"));
            }
        });
    };
    let mut group = c.benchmark_group("record");
    for deltas in [1, 1000] {
        group.bench_function(format!("a stream of {deltas} deltas"), |b| {
            b.iter_batched(|| deltas, exchange, BatchSize::SmallInput);
        });
    }
    group.finish();

    let [short, long] = [10, 1010].map(|deltas| measure(|| exchange(deltas)).count_total);
    println!("allocations for a recorded stream of 10 deltas: {short}; of 1010: {long}");
    assert_eq!(short, long, "a forwarded chunk takes an allocation");
    drop(layer);
    runtime.block_on(writer.finish());
}

criterion_group!(benches, deltas, exchanges);
criterion_main!(benches);
