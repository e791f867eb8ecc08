//! `/api/analytics`, `/api/stats` and `/api/sessions`: what requests add up to.

use axum::{
    Json,
    extract::{Path, State},
};
use ccflare_core::control::views::{
    AnalyticsQuery, AnalyticsView, RequestFilter, SessionDetail, SessionPage, SessionPageQuery, StatsView,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiError, Shared,
    query::{Asked, Page},
};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Analytics {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
    mode: Option<String>,
    model_breakdown: bool,
    #[serde(alias = "account")]
    accounts: Option<String>,
    #[serde(alias = "model")]
    models: Option<String>,
    #[serde(alias = "agent")]
    agents: Option<String>,
    #[serde(alias = "apiKeys", alias = "clientKey")]
    client_keys: Option<String>,
    status: Option<String>,
}

pub(super) async fn analytics(
    State(control): State<Shared>,
    Asked(asked): Asked<Analytics>,
) -> Result<Json<AnalyticsView>, ApiError> {
    let Analytics { range, from, to, mode, model_breakdown, accounts, models, agents, client_keys, status } = asked;
    let filter = RequestFilter { accounts, models, agents, client_keys, status };
    Ok(Json(control.analytics(AnalyticsQuery { range, from, to, mode, model_breakdown, filter }).await?))
}

pub(super) async fn stats(State(control): State<Shared>) -> Result<Json<StatsView>, ApiError> {
    Ok(Json(control.stats().await?))
}

pub(super) async fn reset(State(control): State<Shared>) -> Result<Json<Value>, ApiError> {
    let reset = control.reset_stats().await?;
    let message = "all finished requests are forgotten";
    Ok(Json(json!({ "success": true, "message": message, "removedRequests": reset.removed_requests })))
}

pub(super) async fn sessions(
    State(control): State<Shared>,
    Asked(page): Asked<Page>,
) -> Result<Json<SessionPage>, ApiError> {
    let limit = page.limit.unwrap_or(SessionPageQuery::default().limit);
    Ok(Json(control.sessions(SessionPageQuery { before: page.before, limit }).await?))
}

pub(super) async fn session(
    State(control): State<Shared>,
    Path(session): Path<String>,
) -> Result<Json<SessionDetail>, ApiError> {
    Ok(Json(control.session(&session).await?))
}
