//! `/api/requests`: finished requests, newest first. The body is the original's plain array; the next page is in a `Link`
//! header.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use ccflare_core::control::views::{PayloadView, RequestPageQuery, RequestView};
use http::{HeaderValue, StatusCode, header};
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
) -> Result<Response, ApiError> {
    let Query(page) = page.map_err(|rejection| {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid", format!("the query: {}", rejection.body_text()))
    })?;
    let limit = page.limit.unwrap_or(RequestPageQuery::default().limit);
    let page = control.requests(RequestPageQuery { before: page.before, limit }).await?;
    let mut response = Json(page.requests).into_response();
    if let Some(next) = page.next {
        let link = format!("</api/requests?limit={limit}&before={next}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::try_from(link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(response)
}

pub(super) async fn one(
    State(control): State<Shared>,
    Path(request): Path<String>,
) -> Result<Json<RequestView>, ApiError> {
    Ok(Json(control.request(&request).await?))
}

pub(super) async fn payload(
    State(control): State<Shared>,
    Path(request): Path<String>,
) -> Result<Json<PayloadView>, ApiError> {
    Ok(Json(control.payload(&request).await?))
}
