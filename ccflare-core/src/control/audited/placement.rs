//! Changes of the strategy, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, PlacementControl,
    views::{ExplainRequest, ExplainView, StrategyView},
};

#[async_trait]
impl PlacementControl for Audited {
    async fn strategy(&self) -> Result<StrategyView, ControlError> {
        self.inner.strategy().await
    }

    async fn set_strategy(&self, name: &str) -> Result<StrategyView, ControlError> {
        self.note("strategy.set", name, self.inner.set_strategy(name).await).await
    }

    async fn explain(&self, request: ExplainRequest) -> Result<ExplainView, ControlError> {
        self.inner.explain(request).await
    }
}
