//! What exchanges carried.

use serde::{Deserialize, Serialize};

/// What an exchange carried, as far as it was kept: harmless headers, and bodies that were redacted and cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayloadView {
    /// The request's id.
    pub id: String,
    /// What the client sent.
    pub request: PayloadSideView,
    /// What it was answered; empty if it got an answer of our own.
    pub response: PayloadSideView,
}

/// One side of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayloadSideView {
    /// The headers that are kept: pairs of name and value.
    pub headers: Vec<(String, String)>,
    /// The body's beginning.
    pub body: String,
    /// How `body` is written: `text` or `base64`.
    pub encoding: String,
    /// How many bytes the body had.
    pub bytes: u64,
    /// Whether there was more than is kept, or some of it could not be read.
    pub truncated: bool,
}
