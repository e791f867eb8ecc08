//! The values that somebody has given, each with where it came from.

use std::{collections::BTreeMap, fmt};

use super::Setting;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag on the command line.
    Flag,
    /// This environment variable.
    Environment(&'static str),
    /// This line of the file.
    File(usize),
    /// This line of the file, by way of what it names.
    Filled {
        /// The line.
        line: usize,
        /// Variables and files.
        from: String,
        /// Its value is not to be shown: it was kept in a file of its own.
        is_secret: bool,
    },
}

impl Origin {
    /// Its kind, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment(_) => "environment",
            Self::File(_) | Self::Filled { .. } => "file",
        }
    }

    /// The variable or the line.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Flag => None,
            Self::Environment(name) => Some((*name).to_owned()),
            Self::File(line) => Some(format!("line {line}")),
            Self::Filled { line, from, .. } => Some(format!("line {line}, from {from}")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(line) => write!(f, "line {line} of the configuration file"),
            Self::Filled { line, from, .. } => write!(f, "line {line} of the configuration file, made from {from}"),
        }
    }
}

/// The values given, by key. `Debug` shows where they came from and hides what they are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<&'static str, (String, Origin)>);

impl Given {
    /// The text of a setting and where it came from.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&(String, Origin)> {
        self.0.get(key)
    }

    /// What is in effect for a setting: what was given, or its default.
    #[must_use]
    pub fn text(&self, setting: &Setting) -> Option<&str> {
        self.get(setting.key).map(|(text, _)| text.as_str()).or(setting.default())
    }

    /// Whether a setting's value is not to be shown.
    pub(super) fn is_secret(&self, setting: &Setting) -> bool {
        setting.is_secret() || matches!(self.get(setting.key), Some((_, Origin::Filled { is_secret: true, .. })))
    }

    /// A later one goes before an earlier one.
    pub(super) fn insert(&mut self, key: &'static str, text: String, origin: Origin) {
        self.0.insert(key, (text, origin));
    }

    /// Which of two settings about the same thing counts: the one that comes from further ahead.
    pub(super) fn rank(&self, key: &str) -> u8 {
        match self.get(key) {
            None => 0,
            Some((_, Origin::File(_) | Origin::Filled { .. })) => 1,
            Some((_, Origin::Environment(_))) => 2,
            Some((_, Origin::Flag)) => 3,
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, (_, origin))| (key, origin))).finish()
    }
}
