//! What supervisors and clients ask before they ask for anything else. None of it needs a token.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use ccflare_core::control::Control;
use http::StatusCode;
use serde_json::json;

/// Whether new requests should come here. Shared between the server, which says so, and `/readyz`, which is asked.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on (not).
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[derive(Clone)]
struct Probed {
    control: Arc<dyn Control>,
    readiness: Readiness,
}

/// What answers at every listener.
pub(crate) const PATHS: [&str; 4] = ["/health", "/livez", "/readyz", "/api/hello"];

pub(crate) fn router(control: Arc<dyn Control>, readiness: Readiness) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        // Claude Code may knock here first; it wants a quick answer, not a particular one.
        .route("/api/hello", get(async || StatusCode::NO_CONTENT))
        .with_state(Probed { control, readiness })
}

/// The original's shape.
async fn health(State(probed): State<Probed>) -> Response {
    match probed.control.status().await {
        Ok(status) => Json(json!({
            "status": status.status,
            "accounts": status.accounts,
            "timestamp": status.timestamp,
            "strategy": status.strategy,
        }))
        .into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "error", "error": error.to_string() })))
            .into_response(),
    }
}

/// 503 while starting and draining. Used-up accounts do not count: that is what a 429 is for.
async fn ready(State(probed): State<Probed>) -> (StatusCode, &'static str) {
    if probed.readiness.get() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "draining\n") }
}
