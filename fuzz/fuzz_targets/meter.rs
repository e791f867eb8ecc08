//! Whatever an answer is, reading along neither fails nor depends on how it was cut into frames.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use ccflare_core::{
    provider::{Anthropic, Reading},
    record::Meter,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use libfuzzer_sys::{arbitrary::Arbitrary, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    kind: u8,
    encoding: u8,
    cuts: Vec<u8>,
    body: &'a [u8],
}

fn read(headers: &HeaderMap, frames: impl IntoIterator<Item = Bytes>) -> Reading {
    let mut meter = Meter::new(Arc::new(Anthropic::default()), StatusCode::OK, headers);
    frames.into_iter().for_each(|frame| meter.feed(&frame));
    meter.finish()
}

fuzz_target!(|input: Input<'_>| {
    let kinds = ["text/event-stream; charset=utf-8", "application/json", "text/html"];
    let encodings = ["identity", "gzip", "deflate", "br", "zstd", "rot13"];
    let mut headers = HeaderMap::new();
    let kind = kinds[usize::from(input.kind) % kinds.len()];
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let encoding = encodings[usize::from(input.encoding) % encodings.len()];
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));

    let body = Bytes::copy_from_slice(input.body);
    let whole = read(&headers, [body.clone()]);
    let (mut frames, mut rest) = (Vec::new(), body);
    for cut in input.cuts {
        frames.push(rest.split_to(usize::from(cut).min(rest.len())));
    }
    frames.push(rest);
    let pieces = read(&headers, frames);
    // What is damaged may come to light earlier or later; what is plain is the same however it comes.
    if encoding == "identity" {
        assert_eq!(whole, pieces);
    }
});
