//! `/api/config/strategy`, `/api/strategies` and `/api/explain`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::control::{
    ControlError, PlacementControl,
    views::{ExplainRequest, ExplainView, StrategyView},
};

#[async_trait]
impl PlacementControl for Remote {
    async fn strategy(&self) -> Result<StrategyView, ControlError> {
        self.read(self.to(Method::GET, &["config", "strategy"])).await
    }

    async fn set_strategy(&self, name: &str) -> Result<StrategyView, ControlError> {
        self.read(self.to(Method::POST, &["config", "strategy"]).json(&json!({ "strategy": name }))).await
    }

    async fn explain(&self, request: ExplainRequest) -> Result<ExplainView, ControlError> {
        self.read(self.to(Method::POST, &["explain"]).json(&request)).await
    }
}
