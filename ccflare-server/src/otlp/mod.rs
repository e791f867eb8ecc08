//! Sends traces and metrics to an OpenTelemetry collector, over OTLP/HTTP with protobuf, where the feature `otlp` is built
//! in.
//!
//! A request becomes one span when it is settled, made of its record: nothing is kept while it is under way. What is
//! waiting to be sent is bounded; a collector that is slow or gone costs requests nothing.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use ccflare_core::{domain::Secret, record::Observer};
use url::Url;

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "otlp")]
mod gen_ai;
#[cfg(feature = "otlp")]
mod meters;
#[cfg(feature = "otlp")]
mod spans;

#[cfg(feature = "otlp")]
use export::Export;

/// Where to send, and with what.
#[derive(Clone, Debug)]
pub struct OtlpOptions {
    /// The collector; `v1/traces` and `v1/metrics` are below it.
    pub endpoint: Url,
    /// Headers for the collector: `name=value`, with commas or line ends between them.
    pub headers: Option<Secret>,
    /// A file with such headers instead.
    pub headers_file: Option<PathBuf>,
    /// Whether it was asked for by name, and not by a variable that many programs read.
    pub by_name: bool,
}

impl OtlpOptions {
    /// The headers, read from their file if that is where they are.
    fn headers(&self) -> Result<Vec<(String, String)>> {
        let read = self.headers_file.as_ref().map(|file| {
            let text = std::fs::read_to_string(file);
            text.with_context(|| format!("can't read the headers for the collector in {}", file.display()))
        });
        let text = match (read.transpose()?, &self.headers) {
            (Some(text), _) => text,
            (None, Some(headers)) => headers.expose().to_owned(),
            (None, None) => return Ok(Vec::new()),
        };
        let pairs = text.split([',', '\n']).map(str::trim).filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').context("a header for the collector is written name=value")?;
            Ok((name.trim().to_lowercase(), value.trim().to_owned()))
        };
        pairs.map(pair).collect()
    }
}

/// Begins to send, if somebody wants it. On a tokio runtime.
///
/// # Errors
/// If it can't be done as it is wanted.
pub(crate) fn start(options: Option<&OtlpOptions>) -> Result<Option<Otlp>> {
    let Some(options) = options else { return Ok(None) };
    let headers = options.headers()?;
    #[cfg(feature = "otlp")]
    {
        let endpoint = options.endpoint.as_str();
        tracing::info!(endpoint, "traces and metrics go to a collector");
        Ok(Some(Otlp(Export::start(&options.endpoint, headers)?)))
    }
    #[cfg(not(feature = "otlp"))]
    {
        drop(headers);
        anyhow::ensure!(
            !options.by_name,
            "otlp_endpoint is set, but this ccflare can't send to a collector; build it with `--features otlp`"
        );
        tracing::info!("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this ccflare was built without the feature otlp");
        Ok(None)
    }
}

/// What sends. Without the feature there is none.
#[derive(Debug)]
pub(crate) struct Otlp(Export);

#[cfg(not(feature = "otlp"))]
#[derive(Debug)]
enum Export {}

#[cfg(not(feature = "otlp"))]
impl Export {
    fn observer(&self) -> Arc<dyn Observer> {
        match *self {}
    }

    async fn stop(self) {
        match self {}
    }
}

impl Otlp {
    /// Who has to be told what happens.
    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        self.0.observer()
    }

    /// Sends what is left, for some seconds at most.
    pub(crate) async fn stop(self) {
        self.0.stop().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(headers: &str) -> OtlpOptions {
        let endpoint = "http://127.0.0.1:4318".parse().expect("a URL");
        OtlpOptions { endpoint, headers: Some(Secret::new(headers)), headers_file: None, by_name: true }
    }

    #[test]
    fn headers_are_read_from_text_or_file_and_never_shown() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let written = options("Authorization=Bearer a=b, x-team=us");
        let expected = [pair("authorization", "Bearer a=b"), pair("x-team", "us")];
        assert_eq!(written.headers().expect("headers"), expected);
        assert!(!format!("{written:?}").contains("Bearer"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "authorization=Bearer a=b\nx-team=us\n").expect("written");
        let kept = OtlpOptions { headers: None, headers_file: Some(file.path().to_owned()), ..options("") };
        assert_eq!(kept.headers().expect("headers"), expected);
        let error = options("only-a-secret").headers().expect_err("no name").to_string();
        assert!(error.contains("name=value") && !error.contains("only-a-secret"), "{error}");
    }

    #[cfg(not(feature = "otlp"))]
    #[test]
    fn without_the_feature_it_is_an_error_only_where_it_was_asked_for_by_name() {
        let error = start(Some(&options("a=b"))).expect_err("it can't be done").to_string();
        assert!(error.contains("--features otlp"), "{error}");
        let everywhere = OtlpOptions { by_name: false, ..options("a=b") };
        assert!(start(Some(&everywhere)).expect("it is left alone").is_none());
    }
}
