//! `/api/analytics`, `/api/stats` and `/api/sessions`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::control::{
    AnalyticsControl, ControlError,
    views::{AnalyticsQuery, AnalyticsView, ResetView, SessionDetail, SessionPage, SessionPageQuery, StatsView},
};

#[async_trait]
impl AnalyticsControl for Remote {
    async fn analytics(&self, query: AnalyticsQuery) -> Result<AnalyticsView, ControlError> {
        self.read(self.to(Method::GET, &["analytics"]).query(&query).query(&query.filter)).await
    }

    async fn stats(&self) -> Result<StatsView, ControlError> {
        self.read(self.to(Method::GET, &["stats"])).await
    }

    async fn reset_stats(&self) -> Result<ResetView, ControlError> {
        self.read(self.to(Method::POST, &["stats", "reset"]).json(&json!({}))).await
    }

    async fn sessions(&self, query: SessionPageQuery) -> Result<SessionPage, ControlError> {
        let mut request = self.to(Method::GET, &["sessions"]).query(&[("limit", query.limit)]);
        if let Some(before) = &query.before {
            request = request.query(&[("before", before)]);
        }
        self.read(request).await
    }

    async fn session(&self, id: &str) -> Result<SessionDetail, ControlError> {
        self.read(self.to(Method::GET, &["sessions", id])).await
    }
}
