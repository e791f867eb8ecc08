//! What requests add up to.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{AnalyticsQuery, AnalyticsView, ResetView, SessionDetail, SessionPage, SessionPageQuery, StatsView},
};

/// Sums over the ledger, and its conversations.
#[async_trait]
pub trait AnalyticsControl: std::fmt::Debug + Send + Sync + 'static {
    /// What the requests of a time add up to: by time, model, account, agent and client key.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a query that makes no sense.
    async fn analytics(&self, query: AnalyticsQuery) -> Result<AnalyticsView, ControlError>;

    /// Everything since the statistics began.
    async fn stats(&self) -> Result<StatsView, ControlError>;

    /// Begins the statistics anew: all finished requests are forgotten, with what they carried and add up to.
    async fn reset_stats(&self) -> Result<ResetView, ControlError>;

    /// A page of conversations, the one with the latest request first.
    async fn sessions(&self, query: SessionPageQuery) -> Result<SessionPage, ControlError>;

    /// One conversation, its agents and requests.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn session(&self, id: &str) -> Result<SessionDetail, ControlError>;
}
