//! What is asked, in the manner of Claude Code, and the answer it has to get.

use std::{net::SocketAddr, ops::Range, sync::Arc};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::Full;

use crate::load;

/// A request and its answer.
#[derive(Debug)]
pub struct Ask {
    headers: HeaderMap,
    body: Bytes,
    answer: Bytes,
    /// Where each answer has an id of its own.
    id: Range<usize>,
}

/// As many and as long as Claude Code's.
const HEADERS: [(&str, &str); 17] = [
    ("accept", "application/json"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("anthropic-beta", "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27"),
    ("anthropic-version", "2023-06-01"),
    ("content-type", "application/json"),
    ("user-agent", "proxy-bench/1.0 (external, cli)"),
    ("x-api-key", "the-clients-own-key"),
    ("x-app", "cli"),
    ("x-claude-code-session-id", "7b0e8b2a-6f3c-4c7e-9a44-2f0d4f6a9c11"),
    ("x-stainless-arch", "x64"),
    ("x-stainless-lang", "js"),
    ("x-stainless-os", "Linux"),
    ("x-stainless-package-version", "0.70.0"),
    ("x-stainless-retry-count", "0"),
    ("x-stainless-runtime", "node"),
    ("x-stainless-runtime-version", "v24.3.0"),
    ("x-stainless-timeout", "600"),
];

const ID: &[u8] = b"\"msg_";

impl Ask {
    /// A request of `bytes` bytes for an answer in one piece; learns from the mock itself what that is.
    pub async fn message(mock: SocketAddr, bytes: usize) -> Result<Arc<Self>> {
        Self::learn(mock, bytes, false, None).await
    }

    /// The same for a stream that the mock shapes after `shape`, the JSON of its `x-mock` header.
    pub async fn stream(mock: SocketAddr, bytes: usize, shape: &str) -> Result<Arc<Self>> {
        Self::learn(mock, bytes, true, Some(shape)).await
    }

    async fn learn(mock: SocketAddr, bytes: usize, stream: bool, shape: Option<&str>) -> Result<Arc<Self>> {
        let known = HEADERS.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut headers = HeaderMap::from_iter(known);
        if let Some(shape) = shape {
            headers.insert("x-mock", shape.parse()?);
        }
        let mut ask = Self { headers, body: body(bytes, stream), answer: Bytes::new(), id: 0..0 };
        ask.answer = load::answer(mock, ask.request()).await?;
        let place = ask.answer.windows(ID.len()).position(|window| window == ID).context("the answer has no id")?;
        let start = place + ID.len();
        let length = ask.answer[start..].iter().position(|byte| *byte == b'"').context("the id does not end")?;
        ask.id = start..start + length;
        Ok(Arc::new(ask))
    }

    /// The request, without a host.
    pub fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::post("/v1/messages").body(Full::new(self.body.clone())).expect("a constant target");
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Compares a piece of an answer, at its place in it.
    pub fn compare(&self, place: usize, piece: &[u8]) -> Result<()> {
        let expected = self.answer.get(place..place + piece.len()).context("the answer is too long")?;
        let id = self.id.start.clamp(place, place + piece.len()) - place
            ..self.id.end.clamp(place, place + piece.len()) - place;
        let same = piece[..id.start] == expected[..id.start] && piece[id.end..] == expected[id.end..];
        ensure!(same, "the answer differs behind byte {place}: {:?}", String::from_utf8_lossy(piece));
        Ok(())
    }

    /// Compares an answer's length.
    pub fn compare_length(&self, length: usize) -> Result<()> {
        ensure!(length == self.answer.len(), "the answer has {length} bytes instead of {}", self.answer.len());
        Ok(())
    }
}

/// A request's body of exactly this length, the model first, as Claude Code writes it.
fn body(bytes: usize, stream: bool) -> Bytes {
    let head = format!(
        "{{\"model\":\"claude-opus-5-5\",\"max_tokens\":1024,\"stream\":{stream},\
         \"messages\":[{{\"role\":\"user\",\"content\":\""
    );
    let tail = "\"}]}";
    let text = "The quick brown fox jumps over the lazy dog. ".bytes().cycle();
    let text = text.take(bytes.saturating_sub(head.len() + tail.len()));
    head.bytes().chain(text).chain(tail.bytes()).collect()
}
