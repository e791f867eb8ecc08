//! What requests add up to. Rates and shares are percentages from 0 to 100; what there is nothing to compute from is
//! `null`.

use serde::{Deserialize, Serialize};

/// What is asked. Everything by default: the last day, all requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsQuery {
    /// `1h`, `6h`, `24h`, `7d` or `30d`, up to now; `24h` if neither this nor `from` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// From when, instead of a range: RFC 3339, or milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when; now, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `mode=cumulative` makes the counts of the time series running sums.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Whether the time series has a point for each model, not one for all.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub model_breakdown: bool,
    /// Which requests.
    #[serde(skip)]
    pub filter: RequestFilter,
}

/// Which requests. Lists are names (accounts and client keys: also ids), separated by commas; what is not given is not
/// looked at. `none` stands for requests without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RequestFilter {
    /// Of one of these accounts. `no_account` is another word for `none` here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<String>,
    /// Of one of these models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<String>,
    /// Of one of these agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agents: Option<String>,
    /// With one of these client keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_keys: Option<String>,
    /// `all`, `success` or `error`; or how it ended: `answered`, `failed`, `cut`, `cancelled`, `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// What requests add up to, in the original's shape and beyond.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsView {
    /// What was asked.
    pub meta: AnalyticsMeta,
    /// Everything.
    pub totals: TotalsView,
    /// The time before, as long as this one, for comparison.
    pub previous: TotalsView,
    /// By time: every bucket, also those in which nothing happened.
    pub time_series: Vec<PointView>,
    /// Tokens by class.
    pub token_breakdown: TokenBreakdown,
    /// What they cost, by class.
    #[serde(default)]
    pub cost_breakdown: CostBreakdown,
    /// The ten models with the most requests.
    pub model_distribution: Vec<ModelCount>,
    /// By account, most requests first.
    pub account_performance: Vec<GroupView>,
    /// By agent, most requests first; at most fifty.
    pub agent_performance: Vec<GroupView>,
    /// By client key, most requests first; at most fifty.
    pub client_key_performance: Vec<GroupView>,
    /// The ten models that cost most.
    pub cost_by_model: Vec<ModelCost>,
    /// The ten models with the most requests.
    pub model_performance: Vec<ModelPerformance>,
    /// By day (UTC), those in which something happened.
    pub cost_by_day: Vec<DayCost>,
}

/// What was asked, as it was understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsMeta {
    /// `1h`, `6h`, `24h`, `7d`, `30d` or `custom`.
    pub range: String,
    /// `1m`, `5m`, `1h` or `1d`.
    pub bucket: String,
    /// The same in milliseconds.
    pub bucket_ms: u64,
    /// Whether counts are running sums.
    pub cumulative: bool,
    /// Whether there is a point for each model.
    pub model_breakdown: bool,
    /// The beginning.
    pub from: String,
    /// The end; the last bucket may still be running.
    pub to: String,
    /// How far a quantile may be off, as a part of it.
    pub quantile_error: f64,
}

/// What requests add up to. Times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct TotalsView {
    /// How many.
    pub requests: u64,
    /// The part that ended in a whole answer without an error.
    pub success_rate: Option<f64>,
    /// The part that did not.
    pub error_rate: Option<f64>,
    /// How often a request moved to another account.
    pub failovers: u64,
    /// Accounts that served some.
    pub active_accounts: u64,
    /// All tokens.
    pub total_tokens: u64,
    /// Fresh input.
    pub input_tokens: u64,
    /// Output.
    pub output_tokens: u64,
    /// Read from the cache.
    pub cache_read_input_tokens: u64,
    /// Written to the cache.
    pub cache_creation_input_tokens: u64,
    /// The part of the prompts that was read from the cache.
    pub cache_hit_rate: Option<f64>,
    /// Dollars, as far as costs are known.
    pub total_cost_usd: f64,
    /// The same in whole nano-dollars, exact.
    pub cost_nano_usd: u64,
    /// Requests whose cost is not known.
    pub unpriced_requests: u64,
    /// Dollars that the cache has saved; below zero where more was written than read.
    pub cache_savings_usd: f64,
    /// From arrival to end, on average.
    pub avg_response_time: Option<f64>,
    /// Half of all were faster.
    pub p50_response_time: Option<f64>,
    /// 95 of 100 were faster.
    pub p95_response_time: Option<f64>,
    /// 99 of 100 were faster.
    pub p99_response_time: Option<f64>,
    /// From arrival to the first content, on average.
    pub avg_time_to_first_token: Option<f64>,
    /// Half of all were faster.
    pub p50_time_to_first_token: Option<f64>,
    /// 95 of 100 were faster.
    pub p95_time_to_first_token: Option<f64>,
    /// 99 of 100 were faster.
    pub p99_time_to_first_token: Option<f64>,
    /// Output tokens a second, on average over requests.
    pub avg_tokens_per_second: Option<f64>,
    /// Half of all were slower.
    pub p50_tokens_per_second: Option<f64>,
}

/// One point of the time series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PointView {
    /// Its beginning, in milliseconds since the epoch.
    pub ts: i64,
    /// The model, where each has points of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// How many requests arrived in it.
    pub requests: u64,
    /// All tokens.
    pub tokens: u64,
    /// Dollars.
    pub cost_usd: f64,
    /// The part that ended in a whole answer without an error.
    pub success_rate: Option<f64>,
    /// The part that did not.
    pub error_rate: Option<f64>,
    /// The part of the prompts that was read from the cache.
    pub cache_hit_rate: Option<f64>,
    /// Milliseconds from arrival to end, on average.
    pub avg_response_time: Option<f64>,
    /// Milliseconds from arrival to the first content, on average.
    pub avg_time_to_first_token: Option<f64>,
    /// Output tokens a second, on average over requests.
    pub avg_tokens_per_second: Option<f64>,
}

/// Tokens by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenBreakdown {
    /// Fresh input.
    pub input_tokens: u64,
    /// Read from the cache.
    pub cache_read_input_tokens: u64,
    /// Written to the cache.
    pub cache_creation_input_tokens: u64,
    /// Written for five minutes.
    pub cache_creation5m_input_tokens: u64,
    /// Written for an hour.
    pub cache_creation1h_input_tokens: u64,
    /// Output.
    pub output_tokens: u64,
}

/// What tokens cost by class, in whole nano-dollars: what was paid for each model, parted as its list prices are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostBreakdown {
    /// Fresh input.
    pub input_nano_usd: u64,
    /// Read from the cache.
    pub cache_read_nano_usd: u64,
    /// Written for five minutes.
    pub cache_write5m_nano_usd: u64,
    /// Written for an hour.
    pub cache_write1h_nano_usd: u64,
    /// Output.
    pub output_nano_usd: u64,
    /// What can't be parted: of models whose prices are not known any more.
    pub other_nano_usd: u64,
}

/// How often a model was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelCount {
    /// The model; `unknown` stands for requests that name none.
    pub model: String,
    /// How many requests.
    pub count: u64,
}

/// What the requests of one account, agent or client key add up to. Times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct GroupView {
    /// Its name; `no_account`, `no_agent` and `no_key` stand for requests without one.
    pub name: String,
    /// Its id, if it has one.
    pub id: Option<String>,
    /// How many requests.
    pub requests: u64,
    /// The part that ended in a whole answer without an error.
    pub success_rate: Option<f64>,
    /// The part that did not.
    pub error_rate: Option<f64>,
    /// Dollars.
    pub cost_usd: f64,
    /// The same in whole nano-dollars, exact.
    pub cost_nano_usd: u64,
    /// Dollars that the cache has saved.
    pub cache_savings_usd: f64,
    /// All tokens.
    pub total_tokens: u64,
    /// Fresh input.
    pub input_tokens: u64,
    /// Output.
    pub output_tokens: u64,
    /// Read from the cache.
    pub cache_read_input_tokens: u64,
    /// Written to the cache.
    pub cache_creation_input_tokens: u64,
    /// The part of the prompts that was read from the cache.
    pub cache_hit_rate: Option<f64>,
    /// From arrival to end, on average.
    pub avg_response_time: Option<f64>,
    /// Half of all were faster.
    pub p50_response_time: Option<f64>,
    /// 95 of 100 were faster.
    pub p95_response_time: Option<f64>,
    /// 99 of 100 were faster.
    pub p99_response_time: Option<f64>,
    /// From arrival to the first content, on average.
    pub avg_time_to_first_token: Option<f64>,
    /// Output tokens a second, on average over requests.
    pub avg_tokens_per_second: Option<f64>,
}

/// What a model cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelCost {
    /// The model.
    pub model: String,
    /// Dollars.
    pub cost_usd: f64,
    /// How many requests.
    pub requests: u64,
    /// All tokens.
    pub total_tokens: u64,
    /// Dollars that the cache has saved.
    pub cache_savings_usd: f64,
}

/// How a model did. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ModelPerformance {
    /// The model.
    pub model: String,
    /// How many requests.
    pub requests: u64,
    /// From arrival to end, on average.
    pub avg_response_time: Option<f64>,
    /// Half of all were faster.
    pub p50_response_time: Option<f64>,
    /// 95 of 100 were faster.
    pub p95_response_time: Option<f64>,
    /// 99 of 100 were faster.
    pub p99_response_time: Option<f64>,
    /// From arrival to the first content, on average.
    pub avg_time_to_first_token: Option<f64>,
    /// 95 of 100 were faster.
    pub p95_time_to_first_token: Option<f64>,
    /// The part that did not end in a whole answer without an error.
    pub error_rate: Option<f64>,
    /// Output tokens a second, on average over requests.
    pub avg_tokens_per_second: Option<f64>,
    /// Of the slowest.
    pub min_tokens_per_second: Option<f64>,
    /// Of the fastest.
    pub max_tokens_per_second: Option<f64>,
}

/// What a day cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DayCost {
    /// The day, `YYYY-MM-DD` (UTC).
    pub date: String,
    /// Dollars.
    pub cost_usd: f64,
    /// How many requests.
    pub requests: u64,
    /// All tokens.
    pub total_tokens: u64,
}

/// Everything since the statistics began, in the original's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatsView {
    /// How many requests.
    pub total_requests: u64,
    /// How many ended in a whole answer without an error.
    pub succeeded_requests: u64,
    /// Their part as a whole percentage, as the original has it; 0 if there was none.
    pub success_rate: u64,
    /// Accounts that served some.
    pub active_accounts: u64,
    /// Whole milliseconds from arrival to end, on average; 0 if there was none.
    pub avg_response_time: u64,
    /// All tokens.
    pub total_tokens: u64,
    /// Dollars.
    pub total_cost_usd: f64,
    /// Dollars that the cache has saved.
    pub cache_savings_usd: f64,
    /// The five models with the most requests.
    pub top_models: Vec<TopModel>,
    /// Output tokens a second, on average over requests.
    pub avg_tokens_per_second: Option<f64>,
    /// The ten accounts with the most requests.
    pub accounts: Vec<AccountStats>,
    /// The latest ten errors, each once.
    pub recent_errors: Vec<String>,
}

/// A model among the most used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TopModel {
    /// The model.
    pub model: String,
    /// How many requests.
    pub count: u64,
    /// Their part of all.
    pub percentage: f64,
}

/// An account in the statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountStats {
    /// Its name; `no_account` stands for requests without one.
    pub name: String,
    /// How many requests.
    pub request_count: u64,
    /// How many ended in a whole answer without an error.
    pub succeeded_requests: u64,
    /// Their part as a whole percentage, as the original has it.
    pub success_rate: u64,
    /// The same as `requestCount`, as the original also calls it.
    pub total_requests: u64,
}

/// What a reset has removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResetView {
    /// Finished requests.
    pub removed_requests: u64,
}

/// Which page of conversations; the fifty with the latest requests by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPageQuery {
    /// Only those whose latest request is older than this one: the `next` of the page before.
    pub before: Option<String>,
    /// 1 to 1000.
    pub limit: usize,
}

impl Default for SessionPageQuery {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// A page of conversations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionPage {
    /// The one with the latest request first.
    pub sessions: Vec<SessionView>,
    /// The `before` of the next page, if there is one.
    pub next: Option<String>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its id, as the client calls it.
    pub id: String,
    /// When its first request arrived.
    pub first_request: String,
    /// When its latest request arrived.
    pub last_request: String,
    /// How many requests.
    pub requests: u64,
    /// How many of them did not end in a whole answer without an error.
    pub errors: u64,
    /// All tokens.
    pub total_tokens: u64,
    /// Read from the cache.
    pub cache_read_input_tokens: u64,
    /// Output.
    pub output_tokens: u64,
    /// Dollars.
    pub cost_usd: f64,
    /// The same in whole nano-dollars, exact.
    pub cost_nano_usd: u64,
}

/// A conversation with everybody who took part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionDetail {
    /// The sums of the whole.
    pub session: SessionView,
    /// The accounts that served it, in the order in which they first did.
    pub accounts: Vec<String>,
    /// The directories that its agents work in.
    pub workspaces: Vec<String>,
    /// Who leads it, with the sub-agents below. More than one only where sub-agents are known and their leader is not.
    pub agents: Vec<SessionAgent>,
    /// Its requests in the order of their arrival; the latest thousand.
    pub requests: Vec<super::RequestView>,
    /// Whether there are earlier ones that neither `requests` nor `agents` count.
    pub truncated: bool,
}

/// An agent in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionAgent {
    /// Its name, if it is known.
    pub agent: Option<String>,
    /// The sub-agent's own id.
    pub subagent: Option<String>,
    /// When it first asked.
    pub first_request: String,
    /// When it last asked.
    pub last_request: String,
    /// How many requests it made itself.
    pub requests: u64,
    /// How many of them did not end in a whole answer without an error.
    pub errors: u64,
    /// All tokens of its own requests.
    pub total_tokens: u64,
    /// What its own requests cost, in dollars.
    pub cost_usd: f64,
    /// The same with those of the agents below it.
    pub cost_with_subagents_usd: f64,
    /// The models that answered it.
    pub models: Vec<String>,
    /// The agents that it gave orders to.
    pub subagents: Vec<SessionAgent>,
}
