//! What a listener wants to hear of.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Topic {
    /// Requests, from their arrival to their end.
    Requests,
    /// What becomes of accounts: changes, limits, logins.
    Accounts,
    /// Conversations that move from one account to another.
    Moves,
    /// Settings.
    Config,
    /// Log lines.
    Logs,
}

impl Topic {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Requests, Self::Accounts, Self::Moves, Self::Config, Self::Logs];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Accounts => "accounts",
            Self::Moves => "moves",
            Self::Config => "config",
            Self::Logs => "logs",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Topic::ALL.into_iter().collect()
    }

    /// Whether `topic` is one of them.
    #[must_use]
    pub const fn contains(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |topic| self.contains(*topic))
    }
}

impl FromIterator<Topic> for Topics {
    fn from_iter<T: IntoIterator<Item = Topic>>(topics: T) -> Self {
        Self(topics.into_iter().fold(0, |bits, topic| bits | topic.bit()))
    }
}

impl From<Topic> for Topics {
    fn from(topic: Topic) -> Self {
        Self(topic.bit())
    }
}

impl std::fmt::Display for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.iter().map(Topic::as_str).collect::<Vec<_>>().join(","))
    }
}

/// Names with commas between them.
impl FromStr for Topics {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let topics = names.map(|name| {
            let known = Topic::ALL.into_iter().find(|topic| topic.as_str() == name);
            known.ok_or_else(|| format!("there is no topic {name:?}; there are {}", Self::all()))
        });
        topics.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_written_as_a_list_and_read_back() {
        let topics: Topics = "logs, requests".parse().expect("valid");
        assert_eq!(topics.to_string(), "requests,logs");
        assert!(topics.contains(Topic::Logs) && !topics.contains(Topic::Moves));
        let told = "log".parse::<Topics>().expect_err("unknown");
        assert_eq!(told, r#"there is no topic "log"; there are requests,accounts,moves,config,logs"#);
    }
}
