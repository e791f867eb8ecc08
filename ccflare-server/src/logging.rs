//! Log lines on standard error, for people or for machines.

use std::{io::IsTerminal, sync::OnceLock};

use tracing_subscriber::{EnvFilter, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

use crate::config::LogFormat;

/// Which lines this process writes. One for all, as the subscriber is.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Sends log lines to standard error from now on. `level` is a level or a filter: `info`, `ccflare_core=debug,info`.
///
/// # Errors
/// If `level` is neither.
pub fn init(level: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|error| format!("log_level {level:?}: {error}"))?;
    let (filter, handle) = reload::Layer::new(filter);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match format {
        LogFormat::Pretty => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
    // A second subscriber (an embedder's own) stays.
    if begun.is_ok() {
        let _ = LEVEL.set(handle);
    }
    Ok(())
}

/// Whether this is a level or a filter.
pub(crate) fn check_level(level: &str) -> Result<(), String> {
    match EnvFilter::try_new(level) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{level:?} is no level and no filter such as ccflare_core=debug,info: {error}")),
    }
}

/// Writes other lines from now on; nothing changes where somebody else's subscriber is at work.
pub(crate) fn set_level(level: &str) {
    let (Some(handle), Ok(filter)) = (LEVEL.get(), EnvFilter::try_new(level)) else { return };
    if let Err(error) = handle.reload(filter) {
        tracing::warn!(%error, "the log level stays");
    }
}
