//! What supervisors and clients ask before they ask for anything else. None of it needs a token.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU8, Ordering},
};

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use ccflare_core::{
    control::Control,
    vitals::{Check, Vitals},
};
use http::StatusCode;
use schemars::JsonSchema;
use serde_json::json;

/// Whether new requests should come here. Shared between the server, which says so, and `/readyz`, which is asked.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Ready>);

#[derive(Debug, Default)]
struct Ready {
    stage: AtomicU8,
    vitals: OnceLock<Vitals>,
}

/// Stages of a server's life, as they are kept.
const STARTING: u8 = 0;
const ACCEPTING: u8 = 1;
const DRAINING: u8 = 2;

impl Readiness {
    /// From now on (not).
    pub fn set(&self, ready: bool) {
        self.0.stage.store(if ready { ACCEPTING } else { DRAINING }, Ordering::Release);
    }

    /// Looks at this gateway, too. The first one stays.
    pub fn watch(&self, vitals: Vitals) {
        let _ = self.0.vitals.set(vitals);
    }

    /// Everything that has to be well; whether the server takes requests comes first.
    async fn checks(&self) -> Vec<Check> {
        let error = match self.0.stage.load(Ordering::Acquire) {
            STARTING => Some("starting".to_owned()),
            ACCEPTING => None,
            _ => Some("draining".to_owned()),
        };
        let mut checks = vec![Check { name: "accepting", error }];
        if let Some(vitals) = self.0.vitals.get() {
            checks.extend(vitals.checks().await);
        }
        checks
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

/// What `/readyz` can be asked.
#[derive(JsonSchema)]
pub(crate) struct Verbose {
    /// With or without a value: every check by its name.
    #[allow(dead_code, reason = "described here, and read from the query as it is")]
    verbose: Option<String>,
}

/// 503 while starting and draining, and without a store. Used-up accounts do not count: that is what a 429 is for.
async fn ready(State(probed): State<Probed>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let checks = probed.readiness.checks().await;
    let verbose = query.is_some_and(|query| query.split('&').any(|it| it.split('=').next() == Some("verbose")));
    told(&checks, verbose)
}

fn told(checks: &[Check], verbose: bool) -> (StatusCode, String) {
    let failed = checks.iter().find_map(|check| Some((check.name, check.error.as_deref()?)));
    let status = if failed.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let summary = match failed {
        None => "ready".to_owned(),
        Some(("accepting", stage)) => stage.to_owned(),
        Some((name, why)) => {
            tracing::debug!(check = name, why, "not ready");
            format!("{name} failed")
        }
    };
    // Anybody may ask, so why something failed is told in the log alone.
    let line = |check: &Check| match &check.error {
        None => format!("[+] {} ok\n", check.name),
        Some(_) => format!("[-] {} failed\n", check.name),
    };
    let lines = if verbose { checks.iter().map(line).collect() } else { String::new() };
    (status, format!("{lines}{summary}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_told_by_name_and_no_reason_with_it() {
        let check = |name, error: Option<&str>| Check { name, error: error.map(str::to_owned) };
        let well = [check("accepting", None), check("store", None)];
        assert_eq!(told(&well, false), (StatusCode::OK, "ready\n".to_owned()));
        assert_eq!(told(&well, true).1, "[+] accepting ok\n[+] store ok\nready\n");
        let ill = [check("accepting", None), check("store", Some("no /secret/path"))];
        let (status, text) = told(&ill, true);
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "[+] accepting ok\n[-] store failed\nstore failed\n");
        assert_eq!(told(&[check("accepting", Some("draining"))], false).1, "draining\n");
    }
}
