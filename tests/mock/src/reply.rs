//! What a good answer looks like.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{DeltaUsage, Usage};

/// A good answer. Equal replies to equal requests give equal bytes, but for the message's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The model to name; the request's if `None`.
    pub model: Option<String>,
    /// How many text deltas a stream has. A JSON answer holds the same text in one block.
    pub deltas: usize,
    /// Bytes of text in each delta.
    pub delta_bytes: usize,
    /// The wait before every delta but the first.
    pub pace: Duration,
    /// The usage to state.
    pub usage: Usage,
    /// How `message_delta` states it.
    pub delta_usage: DeltaUsage,
    /// More members for the usage objects, as the inside of a JSON object: `"iterations":[]`. Empty for none.
    pub usage_extra: String,
    /// More members for the message itself, such as its container, in the same form.
    pub message_extra: String,
    /// Compress if the client accepts gzip. A stream is flushed after each event.
    pub gzip: bool,
    /// How the events are cut into writes.
    pub framing: Framing,
    /// `stop_reason` at the end.
    pub stop_reason: String,
    /// A tool call after the text.
    pub tool_use: Option<ToolUse>,
    /// More response headers; a name of the mock's own is replaced.
    pub headers: Vec<(String, String)>,
}

impl Default for Reply {
    /// Three deltas of 16 bytes, 10 tokens in, 20 out, event by event.
    fn default() -> Self {
        Self {
            model: None,
            deltas: 3,
            delta_bytes: 16,
            pace: Duration::ZERO,
            usage: Usage::new(10, 20),
            delta_usage: DeltaUsage::default(),
            usage_extra: String::new(),
            message_extra: String::new(),
            gzip: false,
            framing: Framing::default(),
            stop_reason: "end_turn".to_owned(),
            tool_use: None,
            headers: Vec::new(),
        }
    }
}

impl Reply {
    /// The default reply with this usage.
    pub fn with_usage(usage: Usage) -> Self {
        Self { usage, ..Self::default() }
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a `set-cookie` header.
    #[must_use]
    pub fn set_cookie(self, value: impl Into<String>) -> Self {
        self.header("set-cookie", value)
    }

    /// The text of delta `index`: letters, digits and spaces only, so that its JSON has the same length.
    pub fn delta_text(&self, index: usize) -> String {
        const PHRASE: &[u8] = b"the quick brown fox jumps over the lazy dog 0123456789 ";
        let start = index * self.delta_bytes;
        (start..start + self.delta_bytes).map(|at| char::from(PHRASE[at % PHRASE.len()])).collect()
    }

    /// The whole text.
    pub fn text(&self) -> String {
        (0..self.deltas).map(|index| self.delta_text(index)).collect()
    }
}

/// A tool call in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ToolUse {
    /// The tool.
    pub name: String,
    /// Its input, as JSON text. A stream sends it in two pieces.
    pub input: String,
}

/// How the events of a stream are cut into HTTP chunks and writes.
///
/// Payload bytes are the same for `EventPerWrite`, `Burst`, `OneWrite` and `PerByte`; `Crlf` has other line ends,
/// and `Comments` has more lines. To a decoder of events all are equal, but for the pings of `Comments`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// One chunk and one write for each event.
    #[default]
    EventPerWrite,
    /// One chunk for each event, all written back to back; the pace is ignored.
    Burst,
    /// All events in one chunk; the pace is ignored.
    OneWrite,
    /// Every byte is a chunk and a write of its own. Applies to JSON answers, too.
    PerByte,
    /// As `EventPerWrite`, with CRLF as the line end.
    Crlf,
    /// As `EventPerWrite`, with comments and pings before the deltas.
    Comments,
}
