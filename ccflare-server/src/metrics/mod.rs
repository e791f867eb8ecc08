//! `/metrics`: what has happened since the start, and how things stand, for Prometheus.
//!
//! What happens is counted when it happens (`Tally`); how things stand is looked at when somebody asks. Labels are
//! names of accounts and words of ours: never a session, a path, or anything else that a client may choose.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use ccflare_core::{control::Control, record::Observer, vitals::Vitals};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prometheus_client::{encoding::text::encode, metrics::info::Info, registry::Registry};
use tokio::runtime::Handle;

use crate::{
    AdminToken,
    api::ApiError,
    doors::{Doors, bearer},
};

mod process;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
mod text;

use standing::Standing;
pub(crate) use tally::Tally;

/// Names and values of a sample's labels.
type Labels<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Everything that is counted, and what shows it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    tally: Arc<Tally>,
    shown: Arc<Mutex<Shown>>,
    vitals: Arc<OnceLock<Vitals>>,
    runtimes: Arc<OnceLock<Vec<Handle>>>,
}

#[derive(Debug)]
struct Shown {
    registry: Registry,
    standing: Standing,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ccflare");
        let tally = Arc::new(Tally::new(&mut registry));
        let standing = Standing::new(&mut registry);
        registry.register("build", "What runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let runtimes = Arc::default();
        process::register(&mut registry, Arc::clone(&runtimes));
        let shown = Arc::new(Mutex::new(Shown { registry, standing }));
        Self { tally, shown, vitals: Arc::default(), runtimes }
    }

    /// Shows how much room this gateway has, too. The first one stays.
    pub fn watch(&self, vitals: Vitals) {
        let _ = self.vitals.set(vitals);
    }

    /// Shows how many tasks these have, too. The first ones stay.
    pub(crate) fn watch_runtimes(&self, runtimes: impl IntoIterator<Item = Handle>) {
        let _ = self.runtimes.set(runtimes.into_iter().collect());
    }

    /// What counts; for [`GatewayBuilder::observer`](ccflare_core::gateway::GatewayBuilder::observer).
    #[must_use]
    pub fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.tally) as _
    }

    /// Everything as OpenMetrics text.
    async fn render(&self, control: &dyn Control) -> Result<String, ApiError> {
        let (accounts, status) = (control.accounts().await?, control.status().await?);
        // One at a time: what stands is put down and read in one step.
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.standing.set(&accounts, &status);
        if let Some(vitals) = self.vitals.get() {
            shown.standing.room(vitals);
        }
        let mut text = String::new();
        let failed = |_| ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", "can't be written".to_owned());
        encode(&mut text, &shown.registry).map_err(failed)?;
        Ok(text)
    }
}

/// What `/metrics` works with.
#[derive(Clone)]
pub(crate) struct Scraped {
    pub(crate) metrics: Metrics,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) doors: Doors,
    /// Opens this route alone.
    pub(crate) token: Option<AdminToken>,
}

pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
pub(crate) const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// For whoever has the metrics token or the admin token.
pub(crate) async fn show(
    State(scraped): State<Scraped>,
    request: axum::extract::Request,
) -> Result<Response, ApiError> {
    let source = crate::doors::source(&request);
    let headers = request.headers();
    let token = bearer(headers).ok_or_else(ApiError::unauthorized)?;
    if !scraped.token.as_ref().is_some_and(|own| own.matches(token)) {
        scraped.doors.check_token(token, source)?;
    }
    let wants_open = wants_open_metrics(headers);
    let text = scraped.metrics.render(&*scraped.control).await?;
    let (kind, text) = if wants_open { (OPEN_METRICS, text) } else { (PROMETHEUS, text::as_prometheus(&text)) };
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.into_iter().any(|accept| accept.contains("application/openmetrics-text"))
}
