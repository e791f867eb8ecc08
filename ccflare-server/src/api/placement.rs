//! `/api/config/strategy`, `/api/strategies`: which strategy decides. `/api/explain`: what it would do.

use axum::{Json, extract::State};
use ccflare_core::control::views::{ExplainRequest, ExplainView, StrategyView};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Shared, body::Body};

/// Bodies to be explained are as long as those that are sent.
pub(super) const LONGEST_EXPLAINED: usize = 32 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    strategy: String,
}

pub(super) async fn show(State(control): State<Shared>) -> Result<Json<StrategyView>, ApiError> {
    Ok(Json(control.strategy().await?))
}

pub(super) async fn choose(
    State(control): State<Shared>,
    Body(Chosen { strategy }): Body<Chosen>,
) -> Result<Json<Value>, ApiError> {
    let StrategyView { strategy, strategies } = control.set_strategy(&strategy).await?;
    Ok(Json(json!({ "success": true, "strategy": strategy, "strategies": strategies })))
}

pub(super) async fn list(State(control): State<Shared>) -> Result<Json<Vec<String>>, ApiError> {
    Ok(Json(control.strategy().await?.strategies))
}

pub(super) async fn explain(
    State(control): State<Shared>,
    Body(request): Body<ExplainRequest>,
) -> Result<Json<ExplainView>, ApiError> {
    Ok(Json(control.explain(request).await?))
}
