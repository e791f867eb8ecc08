//! What operators changed.

use serde::{Deserialize, Serialize};

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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
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
