//! What exchanges carried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an exchange carried, as far as it was kept: harmless headers, and bodies that were redacted and cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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

/// A request with what it carried, in the original's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestDetail {
    /// The request's id.
    pub id: String,
    /// What the client sent; `null` if it was not kept.
    pub request: Option<DetailSide>,
    /// What it was answered; `null` if it was not kept.
    pub response: Option<DetailSide>,
    /// What went wrong.
    pub error: Option<String>,
    /// What else is known.
    pub meta: DetailMeta,
}

/// One side of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DetailSide {
    /// The answer's status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// The headers that are kept.
    pub headers: BTreeMap<String, String>,
    /// The body's beginning, as base64.
    pub body: Option<String>,
    /// Whether there was more than is kept, or some of it could not be read.
    pub truncated: bool,
}

/// What else is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DetailMeta {
    /// The account that answered or was tried last.
    pub account_name: Option<String>,
    /// When it arrived.
    pub timestamp: String,
    /// Whether the client got a whole answer that is not an error.
    pub success: bool,
    /// How many accounts were tried.
    pub accounts_attempted: usize,
    /// Its path.
    pub path: String,
    /// Its method.
    pub method: String,
    /// The agent that asked.
    pub agent_used: Option<String>,
}
