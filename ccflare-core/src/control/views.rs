//! The shapes an operator sees: the original's names and camelCase fields, and ours beside them.
//!
//! No view has a field that could hold a secret. Moments are RFC 3339 text, durations milliseconds, unknown is `null`.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{Secret, Tier};

/// An account to be added. Its `Debug` hides the key, and the address, which may have a password in it that it should
/// not have; it can be read but not written as JSON.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccount {
    /// 1 to 100 letters, digits, spaces or `-_@.+`.
    pub name: String,
    /// The API it belongs to.
    #[serde(default = "default_provider")]
    pub provider: String,
    /// Its key.
    #[serde(deserialize_with = "secret")]
    pub api_key: Secret,
    /// Where its API lives, if not at the provider's own address.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Who goes first: lower numbers do.
    #[serde(default)]
    pub priority: u32,
    /// Its size: 1, 5 or 20.
    #[serde(default)]
    pub tier: Option<Tier>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount").field("name", &self.name).field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl NewAccount {
    /// An account of Anthropic's API with everything else at its default.
    #[must_use]
    pub fn with_key(name: &str, api_key: Secret) -> Self {
        let (provider, base_url) = (default_provider(), None);
        Self { name: name.to_owned(), provider, api_key, base_url, priority: 0, tier: None }
    }

    /// The same at an address of its own.
    #[must_use]
    pub fn at(self, base_url: &str) -> Self {
        Self { base_url: Some(base_url.to_owned()), ..self }
    }
}

fn default_provider() -> String {
    "anthropic".to_owned()
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(|text| Secret::new(&Zeroizing::new(text)))
}

/// A login to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLogin {
    /// What the new account is to be called; not asked for when `account` is given.
    #[serde(default)]
    pub name: String,
    /// An account that is there, by id or name: it gets new tokens, and everything else about it stays.
    #[serde(default)]
    pub account: Option<String>,
    /// The configured authorization server; the account's own, or the only one there is, if not given. The original
    /// calls it the mode.
    #[serde(default, alias = "mode")]
    pub server: Option<String>,
    /// Where the account's API lives, if not at the provider's own address.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Who goes first: lower numbers do.
    #[serde(default)]
    pub priority: u32,
    /// The account's size: 1, 5 or 20.
    #[serde(default)]
    pub tier: Option<Tier>,
    /// The port of this machine at which somebody listens for the code.
    #[serde(default)]
    pub redirect_port: Option<u16>,
}

/// A login that has begun. Its address holds no secret of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginView {
    /// Names it when the code is handed in.
    pub session_id: String,
    /// What a person has to open in a browser.
    pub auth_url: String,
    /// Where the code will be sent.
    pub redirect_uri: String,
    /// The authorization server.
    pub server: String,
    /// When it is over.
    pub expires: String,
}

/// One change an operator can make to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountEdit {
    /// Take it out.
    Pause,
    /// Put it back and forget why it was closed.
    Resume,
    /// Call it otherwise.
    Rename(String),
    /// Move it in the order.
    Priority(u32),
    /// State its size.
    Tier(Tier),
}

/// An account as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The API it belongs to.
    pub provider: String,
    /// Where its API lives, if not at the provider's own address.
    pub base_url: Option<String>,
    /// Who goes first: lower numbers do.
    pub priority: u32,
    /// Requests it served in the running session.
    pub request_count: u64,
    /// Requests it served in all.
    pub total_requests: u64,
    /// When it last served one.
    pub last_used: Option<String>,
    /// When it was added.
    pub created: String,
    /// 1, 5 or 20.
    pub tier: Tier,
    /// Whether the operator took it out.
    pub paused: bool,
    /// `valid`, or `expired` when its credential was refused.
    pub token_status: String,
    /// When its token expires; `null` for keys.
    pub token_expires_at: Option<String>,
    /// For people: `OK`, `Rate limited (12m)`, …
    pub rate_limit_status: String,
    /// When its nearest limit that matters is full again.
    pub rate_limit_reset: Option<String>,
    /// What is left of its tightest window.
    pub rate_limit_remaining: Option<u64>,
    /// For people: `Active: 3 reqs`, or `-`.
    pub session_info: String,
    /// `active`, `rate_limited`, `paused`, `needs_login`, `on_hold`.
    pub state: String,
    /// Whether it is the active account: the one that new requests go to first.
    pub active: bool,
    /// Requests it is serving now.
    pub in_flight: u64,
    /// The organisation its answers name.
    pub organization: Option<String>,
    /// Why it can't serve some or all requests.
    pub closures: Vec<ClosureView>,
    /// The limits its last answer stated.
    pub windows: Vec<WindowView>,
}

/// One reason why an account can't serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosureView {
    /// `needs_login`, `billing`, `on_hold`, `rate_limited`, `throttled`, `not_entitled`.
    pub reason: String,
    /// `account`, or the family or model it is for: `family:opus`, `model:claude-opus-5-5`.
    pub scope: String,
    /// When it was closed.
    pub since: String,
    /// When it opens by itself; `null` waits for `resume`.
    pub until: Option<String>,
    /// What the upstream said.
    pub evidence: String,
}

/// One limit window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowView {
    /// `5h`, `7d`, `requests`, `input-tokens`, …
    pub name: String,
    /// `allowed`, `allowed_warning`, `rejected`.
    pub status: Option<String>,
    /// The part used, 0.0 to 1.0 and sometimes more.
    pub utilization: Option<f64>,
    /// How many it has.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When it is full again.
    pub resets_at: Option<String>,
}

/// Which page of finished requests; the newest 50 by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPageQuery {
    /// Only those older than the request with this id.
    pub before: Option<String>,
    /// 1 to 1000.
    pub limit: usize,
}

impl Default for RequestPageQuery {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// A page of finished requests.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestPage {
    /// Newest first.
    pub requests: Vec<RequestView>,
    /// The `before` of the next page, if there is one.
    pub next: Option<String>,
}

/// One finished request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Until the first content.
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
}

/// One try of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// How the gateway stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// `ok`.
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

/// A client key to be made. Empty lists allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewClientKey {
    /// 1 to 100 letters, digits, spaces or `-_@.+`; no two keys that work have the same name.
    pub name: String,
    /// After how many seconds it stops to work; never, if not given.
    #[serde(default)]
    pub expires_in_seconds: Option<u64>,
    /// The models it may ask for: names, or beginnings that end in `*`.
    #[serde(default)]
    pub models: Vec<String>,
    /// The accounts that may serve it, by id or name.
    #[serde(default)]
    pub accounts: Vec<String>,
}

/// A client key as people see it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientKeyView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `valid`, `expired`, `revoked`.
    pub state: String,
    /// When it was made.
    pub created: String,
    /// When it stops to work.
    pub expires: Option<String>,
    /// When it was taken back.
    pub revoked: Option<String>,
    /// When it was last used.
    pub last_used: Option<String>,
    /// The models it may ask for; empty is all.
    pub models: Vec<String>,
    /// The names of the accounts that may serve it; empty is all.
    pub accounts: Vec<String>,
}

/// A key that was just made, with the key: this is the only time that it is shown. Its `Debug` hides it, and it is not
/// `Serialize`: whoever shows it has to say so.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewKeyView {
    /// The key as it is kept.
    pub client_key: ClientKeyView,
    /// The key itself.
    #[serde(deserialize_with = "secret")]
    pub key: Secret,
}

/// Which entries of the audit log; the newest 50 by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only those older than the entry with this id.
    pub before: Option<String>,
    /// 1 to 1000.
    pub limit: usize,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// One change that an operator made or tried to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Its id.
    pub id: String,
    /// When.
    pub timestamp: String,
    /// Who: `local`, `admin_token`, `browser`.
    pub actor: String,
    /// From which address; `null` for `local`.
    pub source: Option<String>,
    /// What: `account.add`, `key.revoke`, …
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why it was refused; `null` if it was done.
    pub refused: Option<String>,
}

/// A link that logs one browser in. Whoever has it first is in, so it is for the operator's own browser.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
