//! Why something about agents was not done.

use crate::store::StoreError;

/// Why an operator's wish was not fulfilled. Every text says what would do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// No definition has this id or name.
    #[error("there is no agent {0:?}; `ccflare agent list` shows all")]
    NoSuchAgent(String),
    /// No workspace has this path or name.
    #[error("there is no workspace {0:?}; `ccflare workspace list` shows all")]
    NoSuchWorkspace(String),
    /// The wish makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// It is so already, or there are too many.
    #[error("{0}")]
    Conflict(String),
    /// A definition's file can't be read or written.
    #[error("{file}: {why}")]
    File {
        /// Its path.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
