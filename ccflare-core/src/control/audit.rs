//! The log of what operators changed.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{AuditQuery, AuditView},
};

/// What operators changed.
#[async_trait]
pub trait AuditControl: std::fmt::Debug + Send + Sync + 'static {
    /// What operators changed, newest first.
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError>;
}
