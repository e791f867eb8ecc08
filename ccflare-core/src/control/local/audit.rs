//! The audit log, read from the store.

use async_trait::async_trait;

use super::{Local, present};
use crate::control::{
    AuditControl, ControlError,
    views::{AuditQuery, AuditView},
};

#[async_trait]
impl AuditControl for Local {
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        if !(1..=1000).contains(&query.limit) {
            return Err(ControlError::Invalid("limit must be from 1 to 1000".to_owned()));
        }
        let before = query.before.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| ControlError::Invalid("before must be the id of an entry".to_owned()))?;
        Ok(self.store.audit(before, query.limit).await?.iter().map(present::audit).collect())
    }
}
