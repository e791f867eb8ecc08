//! Accounts.

use serde::{Deserialize, Serialize};

use crate::domain::{Secret, Tier};

/// An account to be added. Its `Debug` hides the key, and the address, which may have a password in it that it should
/// not have; it can be read but not written as JSON.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAccount {
    /// 1 to 100 letters, digits, spaces or `-_@.+`.
    pub name: String,
    /// The API it belongs to.
    #[serde(default = "default_provider")]
    pub provider: String,
    /// Its key.
    #[serde(deserialize_with = "super::secret")]
    #[cfg_attr(feature = "openapi", schemars(with = "String"))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClosureView {
    /// `needs_login`, `no_tokens`, `billing`, `on_hold`, `rate_limited`, `throttled`, `not_entitled`.
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
