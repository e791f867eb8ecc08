//! Care of the store.

use serde::{Deserialize, Serialize};

/// How large everything is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SizesView {
    /// Bytes of the database file; 0 if it is in memory.
    pub file_bytes: u64,
    /// Bytes of the rows of finished requests.
    pub request_bytes: u64,
    /// Bytes of the rows of what they carried.
    pub payload_bytes: u64,
    /// How many finished requests there are.
    pub requests: u64,
    /// Of how many it is kept what they carried.
    pub payloads: u64,
    /// How many rows each table has.
    pub tables: Vec<TableView>,
}

/// One table of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TableView {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
}

/// Work on the store that takes a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", tag = "task")]
pub enum MaintenanceTask {
    /// Delete what is older than it is to be kept, now.
    Cleanup,
    /// Give free room inside the file back to the disk. Nothing is recorded meanwhile; requests wait only if it takes
    /// long.
    Compact,
    /// Look at every row and at the file. Nothing is recorded while the file is looked at.
    Check,
    /// Copy everything to `backups/NAME.redb` beside the database, while it is in use.
    Backup {
        /// The copy's name; one of the moment, if not given.
        #[serde(default)]
        name: Option<String>,
    },
}

impl MaintenanceTask {
    /// The task's word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cleanup => "cleanup",
            Self::Compact => "compact",
            Self::Check => "check",
            Self::Backup { .. } => "backup",
        }
    }
}

/// How far work on the store has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MaintenanceView {
    /// `cleanup`, `compact`, `check` or `backup`.
    pub task: String,
    /// `running`, `done` or `failed`.
    pub state: String,
    /// How much is done.
    pub done: u64,
    /// Of how much; 0 if that is not known.
    pub total: u64,
    /// When it began.
    pub started: String,
    /// When it ended.
    pub finished: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// What came out, once it is done.
    pub result: Option<MaintenanceResult>,
}

/// What came out; what a task does not speak of is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct MaintenanceResult {
    /// Finished requests that were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_requests: Option<u64>,
    /// Payloads that were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_payloads: Option<u64>,
    /// Sums that were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_sums: Option<u64>,
    /// Requests before this moment were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff_iso: Option<String>,
    /// Bytes of the file before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_before: Option<u64>,
    /// Bytes of the file now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_after: Option<u64>,
    /// Rows that were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_rows: Option<u64>,
    /// What is wrong; empty if nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<String>>,
    /// Where the backup is, on the server's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}
