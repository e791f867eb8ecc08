//! What one exchange carried, as far as it is kept: headers that are harmless, and bodies up to a limit.

use std::fmt;

use bytes::Bytes;

use super::ExchangeId;

/// Both sides of an exchange, after redaction. Its `Debug` shows sizes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The exchange.
    pub id: ExchangeId,
    /// What the client sent.
    pub request: PayloadSide,
    /// What it was answered.
    pub answer: PayloadSide,
}

/// One side of an exchange.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PayloadSide {
    /// Names and values of the headers that are kept.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// The body's beginning, redacted.
    pub body: Bytes,
    /// How many bytes the body had.
    pub length: u64,
    /// Whether there was more than is kept.
    pub truncated: bool,
}

impl fmt::Debug for PayloadSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (headers, kept) = (self.headers.len(), self.body.len());
        write!(f, "PayloadSide({headers} headers, {kept} of {} bytes)", self.length)
    }
}
