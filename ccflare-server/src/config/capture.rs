//! Whether what exchanges carry is kept, and what of it.

use ccflare_core::{
    gateway::GatewayOptions,
    record::{CaptureOptions, Redaction},
};

use super::{ConfigError, Given, get, set as replace, wrong};

/// Sets what there is to say about captures. What makes no sense is told even while they are off.
pub(super) fn set(given: &Given, gateway: &mut GatewayOptions) -> Result<(), ConfigError> {
    let mut capture = CaptureOptions::default();
    replace(given, "stream_body_max_bytes", &mut capture.body_max)?;
    if capture.body_max > CaptureOptions::BODY_LIMIT {
        let why = format!("at most {}KiB of a body can be kept", CaptureOptions::BODY_LIMIT / 1024);
        return Err(wrong(given, "stream_body_max_bytes", &why));
    }
    let paths: Vec<String> = get(given, "capture_redact")?.unwrap_or_default();
    capture.redaction = Redaction::parse(paths.iter().map(String::as_str))
        .map_err(|error| wrong(given, "capture_redact", &error.to_string()))?;
    gateway.capture = get(given, "capture_payloads")?.unwrap_or(false).then_some(capture);
    Ok(())
}
