//! The operator's JSON API: the original's routes, names and camelCase fields, and ours beside them.
//!
//! Every handler calls [`Control`] and shapes what comes back; there is no other logic here.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use ccflare_core::control::Control;
use http::{Method, StatusCode};

use crate::AdminToken;

mod accounts;
mod body;
mod error;
mod oauth;
mod requests;

use error::ApiError;

/// Nothing an operator sends is longer.
const BODY_LIMIT: usize = 64 * 1024;

type Shared = Arc<dyn Control>;

/// The table of routes below `/api`.
pub(crate) fn router(control: Arc<dyn Control>, token: AdminToken) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/strategies", get(strategies))
        // Accounts
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/accounts/{account}", delete(accounts::remove))
        .route("/accounts/{account}/pause", post(accounts::pause))
        .route("/accounts/{account}/resume", post(accounts::resume))
        .route("/accounts/{account}/rename", post(accounts::rename))
        .route("/accounts/{account}/priority", post(accounts::priority))
        .route("/accounts/{account}/tier", post(accounts::tier))
        // Logins
        .route("/oauth/init", post(oauth::init))
        .route("/oauth/callback", post(oauth::callback))
        // Requests
        .route("/requests", get(requests::list))
        .route("/requests/{request}", get(requests::one))
        // Never forwarded: in the original a path that nobody knew went upstream with an account's credentials.
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(token, require_token))
        .layer(middleware::map_response(harden))
        .with_state(control)
}

/// `Authorization: Bearer` with the admin token, or nothing.
async fn require_token(State(token): State<AdminToken>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = authorization.and_then(|value| value.split_once(' '));
    let is_admin =
        given.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("bearer") && token.matches(given.trim()));
    if is_admin { next.run(request).await } else { ApiError::unauthorized().into_response() }
}

/// Answers are for this operator, now, and for no page to frame or guess the type of.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn status(State(control): State<Shared>) -> Result<Response, ApiError> {
    Ok(axum::Json(control.status().await?).into_response())
}

async fn strategies(State(control): State<Shared>) -> Result<Response, ApiError> {
    Ok(axum::Json([control.status().await?.strategy]).into_response())
}

pub(crate) async fn not_found(OriginalUri(uri): OriginalUri, method: Method) -> Response {
    let message = format!("there is no {method} {}", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
}

async fn not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Response {
    let message = format!("{method} can't be done to {}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).into_response()
}
