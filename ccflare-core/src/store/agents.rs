//! Preferences for agents, and workspaces.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{AgentPreference, Timestamp, Workspace};

/// What operators want of agents, and where agents work. Every write is durable when it returns.
#[async_trait]
pub trait AgentStore: std::fmt::Debug + Send + Sync + 'static {
    /// All preferences, by the agents' names.
    ///
    /// # Errors
    /// If the backend fails.
    async fn agent_preferences(&self) -> Result<Vec<AgentPreference>, StoreError>;

    /// Sets preferences, all or none; each takes the place of the one for its agent.
    ///
    /// # Errors
    /// If the backend fails.
    async fn put_agent_preferences(&self, preferences: &[AgentPreference]) -> Result<(), StoreError>;

    /// Forgets what is preferred for an agent, and says whether anything was.
    ///
    /// # Errors
    /// If the backend fails.
    async fn remove_agent_preference(&self, agent: &str) -> Result<bool, StoreError>;

    /// All workspaces, by their paths.
    ///
    /// # Errors
    /// If the backend fails.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;

    /// Registers a workspace, or puts it in the place of the one with its path.
    ///
    /// # Errors
    /// If the backend fails.
    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError>;

    /// Forgets the workspace with this path, and says whether there was one.
    ///
    /// # Errors
    /// If the backend fails.
    async fn remove_workspace(&self, path: &str) -> Result<bool, StoreError>;

    /// Forgets the workspaces last seen before `moment`, except for those that an operator registered, and says how
    /// many there were.
    ///
    /// # Errors
    /// If the backend fails.
    async fn sweep_workspaces(&self, moment: Timestamp) -> Result<u64, StoreError>;
}
