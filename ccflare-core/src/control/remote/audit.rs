//! `/api/audit`.

use async_trait::async_trait;
use reqwest::Method;

use super::Remote;
use crate::control::{
    AuditControl, ControlError,
    views::{AuditQuery, AuditView},
};

#[async_trait]
impl AuditControl for Remote {
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        let mut request = self.to(Method::GET, &["audit"]).query(&[("limit", query.limit)]);
        if let Some(before) = &query.before {
            request = request.query(&[("before", before)]);
        }
        self.read(request).await
    }
}
