//! `/api/audit`: what operators changed, newest first.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use ccflare_core::control::views::{AuditQuery, AuditView};
use http::StatusCode;
use serde::Deserialize;

use super::{ApiError, Shared};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    limit: Option<usize>,
    before: Option<String>,
}

pub(super) async fn list(
    State(control): State<Shared>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<AuditView>>, ApiError> {
    let Query(page) = page.map_err(|rejection| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid", format!("the query: {}", rejection.body_text()))
    })?;
    let limit = page.limit.unwrap_or(AuditQuery::default().limit);
    Ok(Json(control.audit(AuditQuery { before: page.before, limit }).await?))
}
