//! Where requests go, and why.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{ExplainRequest, ExplainView, StrategyView},
};

/// The strategy, and what it would do.
#[async_trait]
pub trait PlacementControl: std::fmt::Debug + Send + Sync + 'static {
    /// The strategy that decides, and those it can be changed for.
    async fn strategy(&self) -> Result<StrategyView, ControlError>;

    /// Lets another strategy decide from the next request on. Requests under way are not touched.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a name that there is no strategy of.
    async fn set_strategy(&self, name: &str) -> Result<StrategyView, ControlError>;

    /// What would happen to a request now. The very functions that the line runs answer, and nothing is sent, changed or
    /// remembered.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a method or header that is none; [`ControlError::NotFound`] for a client key that
    /// is not there.
    async fn explain(&self, request: ExplainRequest) -> Result<ExplainView, ControlError>;
}
