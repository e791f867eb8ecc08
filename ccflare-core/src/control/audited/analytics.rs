//! Only forgetting is written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    AnalyticsControl, ControlError,
    views::{AnalyticsQuery, AnalyticsView, ResetView, SessionDetail, SessionPage, SessionPageQuery, StatsView},
};

#[async_trait]
impl AnalyticsControl for Audited {
    async fn analytics(&self, query: AnalyticsQuery) -> Result<AnalyticsView, ControlError> {
        self.inner.analytics(query).await
    }

    async fn stats(&self) -> Result<StatsView, ControlError> {
        self.inner.stats().await
    }

    async fn reset_stats(&self) -> Result<ResetView, ControlError> {
        self.note("stats.reset", "", self.inner.reset_stats().await).await
    }

    async fn sessions(&self, query: SessionPageQuery) -> Result<SessionPage, ControlError> {
        self.inner.sessions(query).await
    }

    async fn session(&self, id: &str) -> Result<SessionDetail, ControlError> {
        self.inner.session(id).await
    }
}
