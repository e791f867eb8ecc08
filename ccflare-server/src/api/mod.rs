//! The operator's JSON API: the original's routes, names and camelCase fields, and ours beside them.
//!
//! Every handler calls [`Control`] and shapes what comes back; there is no other logic here.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri, State},
    middleware,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use ccflare_core::control::Control;
use http::{Method, StatusCode};

use crate::{
    doors::{self, Doors},
    idempotency::{self, Answers},
    readers::Readers,
};

mod accounts;
mod agents;
mod analytics;
mod audit;
mod body;
mod config;
pub(crate) mod document;
mod error;
mod export;
mod keys;
mod links;
mod live;
mod logs;
mod maintenance;
mod oauth;
mod placement;
mod query;
mod requests;
mod socket;

pub(crate) use error::ApiError;

/// Nothing an operator sends is longer.
const BODY_LIMIT: usize = 64 * 1024;

type Shared = Arc<dyn Control>;

/// The table of routes below `/api`.
pub(crate) fn router(control: Arc<dyn Control>, doors: Doors, readers: Readers) -> Router {
    let live = live::Live { control: Arc::clone(&control), readers };
    Router::new()
        .route("/status", get(status))
        // Placement
        .route("/strategies", get(placement::list))
        .route("/config/strategy", get(placement::show).post(placement::choose))
        .route("/explain", post(placement::explain).layer(DefaultBodyLimit::max(placement::LONGEST_EXPLAINED)))
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
        .route("/requests/detail", get(requests::details))
        .route("/requests/export", get(export::export))
        .route("/requests/{request}", get(requests::one))
        .route("/requests/{request}/payload", get(requests::payload))
        .route("/requests/payload/{request}", get(requests::payload))
        // Live
        .route("/events", get(live::events).with_state(live.clone()))
        .route("/requests/stream", get(live::requests).with_state(live.clone()))
        .route("/logs/stream", get(live::logs).with_state(live.clone()))
        .route("/ws", get(socket::open).with_state(live))
        .route("/logs/history", get(logs::history))
        .route("/logs/level", get(logs::level).post(logs::set_level))
        // Sums
        .route("/analytics", get(analytics::analytics))
        .route("/stats", get(analytics::stats))
        .route("/stats/reset", post(analytics::reset))
        .route("/sessions", get(analytics::sessions))
        .route("/sessions/{session}", get(analytics::session))
        // The store
        .route("/storage", get(maintenance::sizes))
        .route("/maintenance", get(maintenance::state))
        .route("/maintenance/{task}", post(maintenance::begin))
        // Settings
        .route("/config", get(config::show).patch(config::change))
        .route("/config/reload", post(config::reload))
        .route("/config/retention", get(config::retention).post(config::keep_for))
        .route("/config/{key}", get(config::one).post(config::change_one))
        // Agents
        .route("/agents", get(agents::list))
        .route("/agents/bulk-preference", post(agents::prefer_for_all))
        .route("/agents/{agent}", get(agents::one).patch(agents::edit))
        .route("/agents/{agent}/preference", get(agents::preference).post(agents::prefer).delete(agents::clear))
        .route("/config/model", get(agents::default_model).post(agents::set_default_model))
        .route("/workspaces", get(agents::workspaces).post(agents::add_workspace).delete(agents::remove_workspace))
        // Doors
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{key}/revoke", post(keys::revoke))
        .route("/keys/{key}/rotate", post(keys::rotate))
        .route("/audit", get(audit::list))
        .route("/login-links", post(links::create).with_state(doors.clone()))
        // Never forwarded: in the original a path that nobody knew went upstream with an account's credentials.
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(Answers::default(), idempotency::once))
        .layer(middleware::from_fn_with_state(doors, doors::guard))
        .with_state(control)
}

async fn status(State(control): State<Shared>) -> Result<Response, ApiError> {
    Ok(axum::Json(control.status().await?).into_response())
}

pub(crate) async fn not_found(OriginalUri(uri): OriginalUri, method: Method) -> Response {
    let message = format!("there is no {method} {}", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message).into_response()
}

async fn not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Response {
    let message = format!("{method} can't be done to {}", uri.path());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).into_response()
}
