//! Log lines: to standard error for people or machines, to files that can be searched, and to whoever listens.
//!
//! A line is put together once, as a [`LogLine`], and goes three ways. None of them makes the one who logs wait.

use std::{
    io::{self, IsTerminal},
    path::Path,
    sync::{Arc, OnceLock},
};

use ccflare_core::{
    control::Logs,
    logs::{LogBounds, LogFolder, LogLine, LogSwitch},
    record::Events,
};
use tracing_subscriber::{
    EnvFilter, Registry, filter::LevelFilter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::config::LogFormat;

mod files;
mod layer;
mod look;

use files::Files;
use layer::{Lines, Outlets};

/// The log of this process. One for all, as the subscriber is.
static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Debug)]
struct Log {
    level: reload::Handle<EnvFilter, Registry>,
    outlets: Arc<Outlets>,
}

/// Sends log lines to standard error from now on. `level` is a level or a filter: `info`, `ccflare_core=debug,info`.
///
/// # Errors
/// If `level` is neither.
pub fn init(level: &str, format: LogFormat) -> Result<(), String> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    let look = match format {
        LogFormat::Pretty => look::pretty(colours),
        LogFormat::Json => look::json,
    };
    begin(level, look)
}

/// The same for a process whose terminal shows something else: lines go to files and listeners alone.
///
/// # Errors
/// As [`init`].
pub fn init_unseen(level: &str) -> Result<(), String> {
    begin(level, |_| String::new())
}

fn begin(level: &str, look: Look) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|error| format!("log_level {level:?}: {error}"))?;
    let (filter, level) = reload::Layer::new(filter);
    let outlets = Arc::new(Outlets::new(look));
    // A second subscriber (an embedder's own) stays.
    if tracing_subscriber::registry().with(filter).with(Lines::new(Arc::clone(&outlets))).try_init().is_ok() {
        let _ = LOG.set(Log { level, outlets });
    }
    Ok(())
}

/// Keeps the lines of this process in files in `folder`, too, from now on. Without a subscriber of ours nothing is kept,
/// but what is there can be read.
///
/// # Errors
/// If the folder can't be used.
pub fn keep(folder: &Path, bounds: LogBounds) -> io::Result<Logs> {
    let mut logs = Logs { folder: Some(LogFolder::new(folder.to_owned())), switch: None };
    if let Some(log) = LOG.get() {
        log.outlets.keep(Files::start(folder, bounds)?);
        logs.switch = Some(Arc::new(Switch));
    }
    Ok(logs)
}

/// Tells the lines of this process to whoever listens to these events, too.
pub fn tell(events: Events) {
    if let Some(log) = LOG.get() {
        log.outlets.tell(events);
    }
}

/// Waits until every line so far is in its file. Blocks.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.outlets.flush();
    }
}

const EXAMPLE: &str = "ccflare_core=debug,info";

/// Whether this is a level or a filter.
pub(crate) fn check_level(level: &str) -> Result<(), String> {
    // With a space before it a level would be a name, too. A word alone would be the name of a module, of which everything is written and of all others nothing.
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let is_word = |part: &&str| !part.contains(['=', '[']) && !is_level(part);
    if let Some(word) = level.split(',').find(is_word) {
        return Err(format!("{word:?} is not error, warn, info, debug or trace, nor a filter such as {EXAMPLE}"));
    }
    match EnvFilter::try_new(level) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{level:?} is no level and no filter such as {EXAMPLE}: {error}")),
    }
}

/// Writes other lines from now on; nothing changes where somebody else's subscriber is at work.
pub(crate) fn set_level(level: &str) {
    let (Some(log), Ok(filter)) = (LOG.get(), EnvFilter::try_new(level)) else { return };
    if let Err(error) = log.level.reload(filter) {
        tracing::warn!(%error, "the log level stays");
    }
}

#[derive(Debug)]
struct Switch;

impl LogSwitch for Switch {
    fn filter(&self) -> String {
        LOG.get().and_then(|log| log.level.with_current(ToString::to_string).ok()).unwrap_or_default()
    }

    fn set(&self, filter: &str) -> Result<(), String> {
        check_level(filter)?;
        set_level(filter);
        tracing::info!(filter, "the log level was changed");
        Ok(())
    }
}

/// How a line looks on standard error.
type Look = fn(&LogLine) -> String;
