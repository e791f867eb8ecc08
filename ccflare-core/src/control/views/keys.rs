//! Client keys.

use serde::{Deserialize, Serialize};

use crate::domain::Secret;

/// A client key to be made. Empty lists allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
    #[serde(deserialize_with = "super::secret")]
    pub key: Secret,
}
