//! Finished requests.

use serde::{Deserialize, Serialize};

use super::DecisionView;

use super::RequestFilter;

/// Which page of finished requests; the newest 50 by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestPageQuery {
    /// Only those older than the request with this id: the `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// 1 to 1000.
    pub limit: usize,
    /// Only those that arrived then or later: RFC 3339, or milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only those that arrived earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only those of this conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Only those whose client saw this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Which of them.
    #[serde(skip)]
    pub filter: RequestFilter,
}

impl Default for RequestPageQuery {
    fn default() -> Self {
        let filter = RequestFilter::default();
        Self { before: None, limit: 50, from: None, to: None, session: None, status_code: None, filter }
    }
}

impl RequestPageQuery {
    /// The newest `limit` of all.
    #[must_use]
    pub fn newest(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }
}

/// A page of finished requests.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestPage {
    /// Newest first; perhaps fewer than wanted although there are more, where the search was long.
    pub requests: Vec<RequestView>,
    /// The `before` of the next page, if there is one.
    pub next: Option<String>,
}

/// One finished request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// Its id, as sent in `x-ccflare-request-id`.
    pub id: String,
    /// When it arrived.
    pub timestamp: String,
    /// Its method.
    pub method: String,
    /// Its path, without the query.
    pub path: String,
    /// The name of the account that answered (or was tried last); `null` for the client's own credentials.
    pub account_used: Option<String>,
    /// The status the client saw.
    pub status_code: Option<u16>,
    /// Whether the client got a whole answer that is not an error.
    pub success: bool,
    /// What went wrong.
    pub error_message: Option<String>,
    /// `answered`, `failed`, `cut`, `cancelled`, `interrupted`.
    pub outcome: String,
    /// Until the end.
    pub response_time_ms: Option<f64>,
    /// Until the answer's headers.
    pub time_to_headers_ms: Option<f64>,
    /// Until a stream's first content.
    pub time_to_first_token_ms: Option<f64>,
    /// Accounts tried in vain before the one that answered.
    pub failover_attempts: u32,
    /// Every try.
    pub attempts: Vec<AttemptView>,
    /// The model that answered, else the one asked for.
    pub model: Option<String>,
    /// The model asked for.
    pub model_asked: Option<String>,
    /// Fresh input, neither read from nor written to the cache.
    pub input_tokens: Option<u64>,
    /// Output.
    pub output_tokens: Option<u64>,
    /// Read from the cache.
    pub cache_read_input_tokens: Option<u64>,
    /// Written to the cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Written for five minutes.
    pub cache_creation5m_input_tokens: Option<u64>,
    /// Written for an hour.
    pub cache_creation1h_input_tokens: Option<u64>,
    /// The whole prompt: fresh, read and written.
    pub prompt_tokens: Option<u64>,
    /// The same as `outputTokens`, as the original also calls it.
    pub completion_tokens: Option<u64>,
    /// Everything.
    pub total_tokens: Option<u64>,
    /// What it cost; `null` if the model or a count is unknown.
    pub cost_usd: Option<f64>,
    /// The same in whole nano-dollars, exact.
    pub cost_nano_usd: Option<u64>,
    /// The date of the price table used.
    pub priced_with: Option<String>,
    /// Output tokens a second, from the first token to the end.
    pub tokens_per_second: Option<f64>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body that the client was given.
    pub response_bytes: u64,
    /// The name of the client key it came with.
    #[serde(default)]
    pub client_key: Option<String>,
    /// The model that the operator prefers for the agent.
    #[serde(default)]
    pub model_preferred: Option<String>,
    /// Why the preference did not apply.
    #[serde(default)]
    pub preference_refused: Option<String>,
    /// The model that the request was sent with.
    #[serde(default)]
    pub model_sent: Option<String>,
    /// The session it belongs to, as the client calls it.
    #[serde(default)]
    pub session: Option<String>,
    /// The agent that asked.
    #[serde(default)]
    pub agent_used: Option<String>,
    /// The sub-agent's own id.
    #[serde(default)]
    pub subagent: Option<String>,
    /// Whether another agent gave the order.
    #[serde(default)]
    pub is_subagent: bool,
    /// The id of the sub-agent that gave it, if it was one.
    #[serde(default)]
    pub parent_subagent: Option<String>,
    /// The directory that the agent works in.
    #[serde(default)]
    pub workspace: Option<String>,
    /// Why it went where it went; `null` if it never came so far.
    #[serde(default)]
    pub decision: Option<DecisionView>,
}

/// One try of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// Its name; `null` for the client's own credentials.
    pub account: Option<String>,
    /// Why it was tried: `active_session`, `new_session`, `fail_over`, `retry`, …
    pub choice: String,
    /// How its answer was judged: `success`, `quota`, `overload`, …
    pub verdict: String,
    /// Its status.
    pub status_code: Option<u16>,
    /// When it began, from the request's arrival.
    pub started_ms: f64,
    /// How long until its headers or its failure.
    pub took_ms: f64,
    /// What it said.
    pub detail: Option<String>,
}
