//! Where requests go, and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// Which strategy decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StrategyView {
    /// Its name.
    pub strategy: String,
    /// The names of all there are.
    pub strategies: Vec<String>,
}

/// A request that is not sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExplainRequest {
    /// Its method. `POST`.
    #[serde(default = "post")]
    pub method: String,
    /// Its path. `/v1/messages`.
    #[serde(default = "messages")]
    pub path: String,
    /// Its headers; what they say of credentials is not looked at.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body: as text, or as the JSON itself.
    #[serde(default, deserialize_with = "text_or_json")]
    pub body: String,
    /// The name or id of the client key that it would come with.
    #[serde(default)]
    pub client_key: Option<String>,
}

impl Default for ExplainRequest {
    fn default() -> Self {
        Self { method: post(), path: messages(), headers: BTreeMap::new(), body: String::new(), client_key: None }
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn messages() -> String {
    "/v1/messages".to_owned()
}

fn text_or_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    // Raw, so that the body keeps its bytes.
    let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
}

/// What would happen to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExplainView {
    /// In one sentence.
    pub summary: String,
    /// The account that would be asked first; `null` if none would.
    pub account: Option<String>,
    /// What the request tells of itself.
    pub facts: FactsView,
    /// How the accounts are ordered.
    pub decision: DecisionView,
}

/// What a request tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FactsView {
    /// The model that it would be sent with.
    pub model: Option<String>,
    /// The model that it asks for.
    pub model_asked: Option<String>,
    /// The session, as the client calls it.
    pub session: Option<String>,
    /// The agent that asks.
    pub agent: Option<String>,
    /// The directory it works in.
    pub workspace: Option<String>,
    /// Whether another agent gave the order.
    pub is_subagent: bool,
    /// Whether the conversation begins anew after a compaction.
    pub compacted: bool,
    /// Whether its cache lives an hour instead of five minutes.
    pub hour_cache: bool,
}

/// Why a request goes where it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DecisionView {
    /// The strategy that decides.
    pub strategy: String,
    /// Whom to try, best first; at most 256.
    pub candidates: Vec<CandidateView>,
    /// Who can't serve; at most 256.
    pub excluded: Vec<ExcludedView>,
    /// How many more there are of both.
    pub unnamed: u32,
    /// The conversation leaves the account where its cache is.
    pub moved: Option<MoveView>,
}

/// An account that may be tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// Its name.
    pub account: String,
    /// Its id.
    pub account_id: String,
    /// Lower goes first.
    pub priority: u32,
    /// Why it stands there, in a word: `conversation`, `session`, `fork`, `headroom`, `active_session`, `new_session`,
    /// `fail_over`.
    pub choice: String,
    /// Why it stands there, in a sentence.
    pub reason: String,
    /// Its room for one more conversation: its size times what is left, shared by all who are there. `null` if the
    /// strategy does not measure.
    pub score: Option<f64>,
    /// Its size, compared to the smallest.
    pub size: Option<u8>,
    /// The part that is left of its tightest window, 0 to 1.
    pub left: Option<f64>,
    /// The name of that window.
    pub window: Option<String>,
    /// Conversations that live there.
    pub conversations: Option<u32>,
    /// Requests being served there.
    pub in_flight: Option<u32>,
    /// When what is left of the longest of its windows expires.
    pub expires: Option<String>,
    /// It is throttled, and waited for so long.
    pub wait_ms: f64,
}

/// An account that can't serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExcludedView {
    /// Its name.
    pub account: String,
    /// Its id.
    pub account_id: String,
    /// Why: `paused`, `rate_limited`, `needs_login`, …
    pub reason: String,
    /// Until when; `null` waits for the operator.
    pub until: Option<String>,
    /// What the upstream said.
    pub evidence: String,
}

/// A conversation leaves its account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MoveView {
    /// The account it was on: its name, or its id if it is gone.
    pub from: String,
    /// Why: `rate_limited`, `quota`, `paused`, `gone`, … or, where it costs nothing, `compacted`, `idle`, `uncached`.
    pub reason: String,
    /// Whether it costs nothing.
    pub free: bool,
    /// Tokens of the cache that is left behind.
    pub cached_tokens: u64,
    /// What writing them anew costs more than reading them; `null` if the model's prices are unknown.
    pub price_usd: Option<f64>,
    /// The same in whole nano-dollars, exact.
    pub price_nano_usd: Option<u64>,
}
