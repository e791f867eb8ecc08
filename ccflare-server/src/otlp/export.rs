//! The exporters, and the observer that feeds them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::Result;
use ccflare_core::record::{Observer, Settled};
use opentelemetry::{InstrumentationScope, KeyValue, metrics::MeterProvider};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor},
};
use url::Url;

use super::{client::Client, meters::Meters, spans};

/// Spans that wait; more are left out.
const WAITING: usize = 8192;

/// So long the last ones may take to be sent.
const DRAIN: Duration = Duration::from_secs(5);

/// What sends.
#[derive(Debug)]
pub(super) struct Export {
    reporter: Arc<Reporter>,
}

#[derive(Debug)]
struct Reporter {
    spans: BatchSpanProcessor,
    scope: InstrumentationScope,
    meters: Meters,
    provider: SdkMeterProvider,
}

impl Export {
    /// Starts the exporters' threads.
    pub(super) fn start(endpoint: &Url, headers: Vec<(String, String)>) -> Result<Self> {
        let at = |signal: &str| format!("{}/v1/{signal}", endpoint.as_str().trim_end_matches('/'));
        let headers: HashMap<_, _> = headers.into_iter().collect();
        let client = Client::new();
        let spans = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_headers(headers.clone())
            .with_endpoint(at("traces"))
            .build()?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_headers(headers)
            .with_endpoint(at("metrics"))
            .build()?;
        let resource = Resource::builder()
            .with_service_name("ccflare")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let config = BatchConfigBuilder::default().with_max_queue_size(WAITING).build();
        let mut spans = BatchSpanProcessor::builder(spans).with_batch_config(config).build();
        spans.set_resource(&resource);
        let provider = SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(metrics).build();
        let meters = Meters::new(&provider.meter("ccflare"));
        let scope = InstrumentationScope::builder("ccflare").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Self { reporter: Arc::new(Reporter { spans, scope, meters, provider }) })
    }

    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.reporter) as _
    }

    /// Sends what waits. The exporters block until that is done.
    pub(super) async fn stop(self) {
        let stopping = tokio::task::spawn_blocking(move || {
            let Reporter { spans, provider, .. } = &*self.reporter;
            let (spans, metrics) = (spans.shutdown_with_timeout(DRAIN), provider.shutdown_with_timeout(DRAIN));
            for error in [spans.err(), metrics.err()].into_iter().flatten() {
                tracing::warn!(%error, "not everything went to the collector");
            }
        });
        let _ = stopping.await;
    }
}

impl Observer for Reporter {
    fn settled(&self, settled: &Settled<'_>) {
        self.meters.record(settled.exchange);
        if let Some(span) = spans::span(settled, &self.scope) {
            self.spans.on_end(span);
        }
    }

    fn has_spans(&self) -> bool {
        true
    }
}
