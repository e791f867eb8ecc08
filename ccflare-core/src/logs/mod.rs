//! Log lines, as they are kept in files and read back.
//!
//! A line is one JSON object. [`LogWriter`] appends to files that are bounded in size, number and age; [`LogFolder`]
//! reads them from their end, so that the newest lines cost the same however many there are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod backwards;
mod folder;
mod writer;

pub use folder::{Found, LogFolder, LogPlace, Sought};
pub use writer::{LogBounds, LogWriter};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What may need attention.
    Warn,
    /// What needs attention.
    Error,
}

impl LogLevel {
    /// As lines state it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error];
        let found = all.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("there is no level {text:?}; there are error, warn, info, debug, trace"))
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// When, in milliseconds since the epoch.
    pub ts: i64,
    /// How grave.
    pub level: LogLevel,
    /// Who says it: a module's path.
    #[serde(default)]
    pub target: String,
    /// What.
    pub msg: String,
    /// The request it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What else is known, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

/// Which lines are logged; changed while the program runs.
pub trait LogSwitch: std::fmt::Debug + Send + Sync + 'static {
    /// A level, or a filter such as `ccflare_core=debug,info`.
    fn filter(&self) -> String;

    /// Logs what `filter` lets through from now on.
    ///
    /// # Errors
    /// If it is neither; says what is wrong.
    fn set(&self, filter: &str) -> Result<(), String>;
}
