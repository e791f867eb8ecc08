//! The gateway as a whole.

use serde::{Deserialize, Serialize};

/// How the gateway stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// `ok`, or [`OFFLINE`](Self::OFFLINE).
    pub status: String,
    /// How many accounts there are.
    pub accounts: usize,
    /// How many of them could serve now.
    pub available_accounts: usize,
    /// The moment of this answer.
    pub timestamp: String,
    /// The strategy's name.
    pub strategy: String,
    /// The active account's name.
    pub active_account: Option<String>,
    /// Requests being served.
    pub in_flight: u64,
    /// Records waiting to be written.
    pub queued_writes: u64,
    /// How long the last commit of the ledger took.
    pub last_commit_ms: Option<f64>,
    /// The version that answers.
    pub version: String,
}

impl StatusView {
    /// What `status` says where no gateway works, and somebody looks at its database.
    pub const OFFLINE: &str = "offline";
}

/// A link that logs one browser in. Whoever has it first is in, so it is for the operator's own browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BrowserLinkView {
    /// Its address; from the server itself only the path.
    #[serde(rename = "path")]
    pub url: String,
    /// For how long it is good.
    pub expires_in_seconds: u64,
}

impl std::fmt::Debug for BrowserLinkView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BrowserLinkView").field("expires_in_seconds", &self.expires_in_seconds).finish_non_exhaustive()
    }
}
