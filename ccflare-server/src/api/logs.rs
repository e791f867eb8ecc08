//! `/api/logs`: what was logged, and what is to be.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use ccflare_core::{
    control::views::{LogLevelView, LogQuery},
    logs::Sought,
};
use http::header;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    ApiError, Shared,
    body::Body,
    query::{Asked, next_page},
};

/// Which lines; of a page of them, or of those to come.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    level: Option<String>,
    #[serde(alias = "grep")]
    text: Option<String>,
    request: Option<String>,
    from: Option<String>,
    to: Option<String>,
    before: Option<String>,
    limit: Option<usize>,
    pub(super) after: Option<u64>,
}

impl Filter {
    /// For lines to come, of which there are no pages.
    pub(super) fn sought(self) -> Result<Sought, String> {
        let level = self.level.map(|level| level.parse()).transpose()?;
        Ok(Sought { level, text: self.text, request: self.request, ..Sought::default() })
    }
}

/// The original's plain array, oldest first; the next page (of older lines) is in a `Link` header.
pub(super) async fn history(
    State(control): State<Shared>,
    RawQuery(query): RawQuery,
    Asked(asked): Asked<Filter>,
) -> Result<Response, ApiError> {
    let Filter { level, text, request, from, to, before, limit, .. } = asked;
    let page = control.logs(LogQuery { level, text, request, from, to, before, limit }).await?;
    let link = page.next.and_then(|next| next_page("/api/logs/history", &query.unwrap_or_default(), &next));
    let mut response = Json(page.lines).into_response();
    response.headers_mut().extend(link.map(|link| (header::LINK, link)));
    Ok(response)
}

pub(super) async fn level(State(control): State<Shared>) -> Result<Json<LogLevelView>, ApiError> {
    Ok(Json(control.log_level().await?))
}

/// Until the next start, or until the setting is changed.
pub(super) async fn set_level(
    State(control): State<Shared>,
    Body(wanted): Body<LogLevelView>,
) -> Result<Json<LogLevelView>, ApiError> {
    Ok(Json(control.set_log_level(&wanted.level).await?))
}
