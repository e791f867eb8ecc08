//! `/api/requests`: finished requests, newest first. The body is the original's plain array; the next page is in a `Link`
//! header.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use ccflare_core::control::views::{PayloadView, RequestDetail, RequestPageQuery, RequestView};
use http::header;

use super::{
    ApiError, Shared,
    query::{Asked, Requests, next_page},
};

/// As many as the original sends with what they carried, if nobody says otherwise.
const DETAILS: usize = 50;

pub(super) fn page(mut asked: Requests, default: usize) -> RequestPageQuery {
    let filter = asked.filter();
    RequestPageQuery {
        before: asked.before,
        limit: asked.limit.unwrap_or(default),
        from: asked.from,
        to: asked.to,
        session: asked.session,
        status_code: asked.status_code,
        filter,
    }
}

pub(super) async fn list(
    State(control): State<Shared>,
    RawQuery(query): RawQuery,
    Asked(asked): Asked<Requests>,
) -> Result<Response, ApiError> {
    let page = control.requests(page(asked, RequestPageQuery::default().limit)).await?;
    let link = page.next.and_then(|next| next_page("/api/requests", &query.unwrap_or_default(), &next));
    let mut response = Json(page.requests).into_response();
    response.headers_mut().extend(link.map(|link| (header::LINK, link)));
    Ok(response)
}

pub(super) async fn details(
    State(control): State<Shared>,
    Asked(asked): Asked<Requests>,
) -> Result<Json<Vec<RequestDetail>>, ApiError> {
    Ok(Json(control.request_details(page(asked, DETAILS)).await?))
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
