//! How long what is kept, and how much of it.

use std::time::Duration;

use ccflare_core::retention::RetentionPolicy;

use super::{ConfigError, Given, get};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets what there is to say about it.
pub(super) fn set(given: &Given, policy: &mut RetentionPolicy) -> Result<(), ConfigError> {
    days(given, "payload_days", &mut policy.payload_age)?;
    days(given, "request_days", &mut policy.exchange_age)?;
    bytes(given, "payload_max_bytes", &mut policy.payload_bytes)?;
    bytes(given, "request_max_bytes", &mut policy.exchange_bytes)
}

fn days(given: &Given, key: &'static str, age: &mut Duration) -> Result<(), ConfigError> {
    if let Some(days) = get::<u16>(given, key)? {
        *age = DAY * u32::from(days);
    }
    Ok(())
}

fn bytes(given: &Given, key: &'static str, most: &mut u64) -> Result<(), ConfigError> {
    if let Some(bytes) = get::<usize>(given, key)? {
        *most = bytes as u64;
    }
    Ok(())
}
