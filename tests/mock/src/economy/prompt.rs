//! A prompt as the cache sees it: blocks in the order tools, system, messages.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;

use super::price;

/// How long a written prefix lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    FiveMinutes,
    Hour,
}

impl Life {
    pub(super) const fn duration(self) -> Duration {
        Duration::from_secs(if matches!(self, Self::Hour) { 3600 } else { 300 })
    }
}

/// The end of a block: what stands before it, and whether it is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boundary {
    /// Of everything up to here.
    pub(super) hash: u64,
    /// Tokens up to here.
    pub(super) tokens: u64,
    pub(super) mark: Option<Life>,
}

#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) boundaries: Vec<Boundary>,
    /// Tokens below which nothing is cached.
    pub(super) shortest: u64,
}

impl Prompt {
    /// The prompt of a body of messages.
    pub(super) fn of(body: &Value, model: &str, bytes_per_token: f64) -> Self {
        let mut cutter = Cutter { boundaries: Vec::new(), hasher: DefaultHasher::new(), bytes: 0, bytes_per_token };
        for tool in list(&body["tools"]) {
            cutter.block("tool", tool);
        }
        // The first block of Claude Code's system prompt is for billing and is taken off before anything else.
        let billing =
            |block: &&Value| block["text"].as_str().is_some_and(|text| text.starts_with("x-anthropic-billing-"));
        for block in list(&body["system"]).filter(|block| !billing(block)) {
            cutter.block("system", block);
        }
        for message in list(&body["messages"]) {
            let role = message["role"].as_str().unwrap_or_default();
            for block in list(&message["content"]) {
                cutter.block(role, block);
            }
        }
        let mut boundaries = cutter.boundaries;
        // At the top level it means the last block.
        if let (Some(mark), Some(last)) = (mark(body), boundaries.last_mut()) {
            last.mark = Some(mark);
        }
        Self { boundaries, shortest: price::shortest_prefix(model) }
    }
}

struct Cutter {
    boundaries: Vec<Boundary>,
    hasher: DefaultHasher,
    bytes: usize,
    bytes_per_token: f64,
}

impl Cutter {
    fn block(&mut self, role: &str, block: &Value) {
        // Where the marks stand changes with every turn, and nothing of what they mark.
        let mut plain = block.clone();
        if let Some(plain) = plain.as_object_mut() {
            plain.remove("cache_control");
        }
        let text = plain.to_string();
        self.bytes += text.len();
        (role, text).hash(&mut self.hasher);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a length"
        )]
        let tokens = (self.bytes as f64 / self.bytes_per_token).ceil() as u64;
        self.boundaries.push(Boundary { hash: self.hasher.finish(), tokens, mark: mark(block) });
    }
}

/// The elements of a list; anything else is a list of itself, and `null` of nothing.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (many, one) = match value {
        Value::Array(many) => (Some(many.iter()), None),
        Value::Null => (None, None),
        one => (None, Some(one)),
    };
    many.into_iter().flatten().chain(one)
}

fn mark(value: &Value) -> Option<Life> {
    let control = value.get("cache_control")?;
    match control["type"].as_str()? {
        "ephemeral" if control["ttl"] == "1h" => Some(Life::Hour),
        "ephemeral" => Some(Life::FiveMinutes),
        _ => None,
    }
}
