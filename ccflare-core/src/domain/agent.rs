//! What operators want of agents, and the directories that agents work in.

use std::sync::Arc;

use super::Timestamp;

/// In the place of an agent's name: every agent that has no preference of its own.
pub const ANY_AGENT: &str = "*";

/// A model that says: the one that the agent asks for.
pub const INHERIT: &str = "inherit";

/// The model that an operator prefers for an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPreference {
    /// The agent's id; of an agent without a definition that is known, its name; or [`ANY_AGENT`].
    pub agent: Arc<str>,
    /// A model's name, an alias such as `opus`, or [`INHERIT`].
    pub model: Arc<str>,
    /// When it was set.
    pub since: Timestamp,
}

/// A directory that agents work in, and may be defined in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its canonical path.
    pub path: Arc<str>,
    /// What it is called: the directory's name, made unique when it was registered. Ids of its agents begin with it, so
    /// it never changes.
    pub label: Arc<str>,
    /// When it was registered.
    pub first_seen: Timestamp,
    /// When it was last asked from, give or take an hour.
    pub last_seen: Timestamp,
    /// Whether an operator registered it; then it stays until an operator removes it.
    pub manual: bool,
}
