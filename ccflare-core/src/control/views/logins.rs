//! Logins.

use serde::{Deserialize, Serialize};

use crate::domain::Tier;

/// A login to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
