//! Token counts as the API states them.

use serde::{Deserialize, Serialize};

/// The token counts of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// `input_tokens`: uncached input.
    pub input: u64,
    /// `output_tokens`.
    pub output: u64,
    /// `cache_read_input_tokens`.
    pub cache_read: u64,
    /// `cache_creation.ephemeral_5m_input_tokens`.
    pub cache_write_5m: u64,
    /// `cache_creation.ephemeral_1h_input_tokens`.
    pub cache_write_1h: u64,
}

impl Usage {
    /// Plain input and output without any caching.
    pub const fn new(input: u64, output: u64) -> Self {
        Self { input, output, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 }
    }

    /// `cache_creation_input_tokens`: both kinds of cache writes.
    pub const fn cache_write(&self) -> u64 {
        self.cache_write_5m + self.cache_write_1h
    }

    /// Everything on the input side.
    pub const fn total_input(&self) -> u64 {
        self.input + self.cache_read + self.cache_write()
    }

    /// What `message_start` states: the input side is final, the output has only begun.
    pub const fn at_start(&self) -> Self {
        Self { output: 1, ..*self }
    }

    /// Adds another answer's counts.
    pub fn add(&mut self, other: &Self) {
        self.input += other.input;
        self.output += other.output;
        self.cache_read += other.cache_read;
        self.cache_write_5m += other.cache_write_5m;
        self.cache_write_1h += other.cache_write_1h;
    }

    /// The object of a full message and of `message_start`.
    pub(crate) fn full_json(&self, extra: &str) -> String {
        format!(
            "{{\"input_tokens\":{},\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{},\
             \"cache_creation\":{{\"ephemeral_5m_input_tokens\":{},\"ephemeral_1h_input_tokens\":{}}},\
             \"output_tokens\":{},\"service_tier\":\"standard\"{extra}}}",
            self.input,
            self.cache_write(),
            self.cache_read,
            self.cache_write_5m,
            self.cache_write_1h,
            self.output
        )
    }

    /// The object of `message_delta`: cumulative, without the split of cache writes.
    pub(crate) fn delta_json(&self, style: DeltaUsage, extra: &str) -> String {
        let output = self.output;
        match style {
            DeltaUsage::Cumulative => format!(
                "{{\"input_tokens\":{},\"cache_creation_input_tokens\":{},\"cache_read_input_tokens\":{},\
                 \"output_tokens\":{output}{extra}}}",
                self.input,
                self.cache_write(),
                self.cache_read
            ),
            DeltaUsage::OutputOnly => format!("{{\"output_tokens\":{output}{extra}}}"),
            DeltaUsage::NullInput => format!(
                "{{\"input_tokens\":null,\"cache_creation_input_tokens\":null,\"cache_read_input_tokens\":null,\
                 \"output_tokens\":{output}{extra}}}"
            ),
        }
    }
}

/// How much of the input side `message_delta` repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaUsage {
    /// All counts, as the API does today.
    #[default]
    Cumulative,
    /// `output_tokens` alone, as older versions of the API did.
    OutputOnly,
    /// The input side is there but `null`.
    NullInput,
}
