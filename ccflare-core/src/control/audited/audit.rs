//! Reading the log is no change.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    AuditControl, ControlError,
    views::{AuditQuery, AuditView},
};

#[async_trait]
impl AuditControl for Audited {
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        self.inner.audit(query).await
    }
}
