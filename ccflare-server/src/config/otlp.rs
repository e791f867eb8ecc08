//! Where traces and metrics go.

use ccflare_core::oauth::may_carry_secrets;
use url::Url;

use super::{ConfigError, Given, Origin, get, wrong};
use crate::otlp::OtlpOptions;

/// The variable that every program with OpenTelemetry reads.
pub(super) const EVERYBODYS: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

pub(super) fn read(given: &Given) -> Result<Option<OtlpOptions>, ConfigError> {
    let headers = get(given, "otlp_headers")?;
    let headers_file = get(given, "otlp_headers_file")?;
    let Some(endpoint) = get::<Url>(given, "otlp_endpoint")? else { return Ok(None) };
    if headers.is_some() && headers_file.is_some() {
        return Err(wrong(given, "otlp_headers_file", "there are otlp_headers as well; take one of them away"));
    }
    if (headers.is_some() || headers_file.is_some()) && !may_carry_secrets(&endpoint) {
        let why = "it must begin with https:// (http:// only for this machine): the headers are sent there";
        return Err(wrong(given, "otlp_endpoint", why));
    }
    let by_name = !matches!(given.get("otlp_endpoint"), Some((_, Origin::Environment(EVERYBODYS))));
    Ok(Some(OtlpOptions { endpoint, headers, headers_file, by_name }))
}
