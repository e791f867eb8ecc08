//! Agents, what is preferred for them, and workspaces.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{AgentEdit, AgentView, AgentsView, BulkPreferenceView, PreferenceView, WorkspaceView},
};

/// Agents, named by id or by name, ids first; those that no file defines by their names.
#[async_trait]
pub trait AgentControl: std::fmt::Debug + Send + Sync + 'static {
    /// Everything that is known of agents.
    async fn agents(&self) -> Result<AgentsView, ControlError>;

    /// One agent that a file defines.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn agent(&self, agent: &str) -> Result<AgentView, ControlError>;

    /// What is preferred for an agent.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for what can't be a name.
    async fn agent_preference(&self, agent: &str) -> Result<PreferenceView, ControlError>;

    /// Prefers a model for an agent: a name, an alias such as `opus` (the newest one), or `inherit` (the one that the
    /// agent asks for, whatever is preferred for others).
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if requests of the agent can't be sent with that model.
    async fn prefer_model(&self, agent: &str, model: &str) -> Result<PreferenceView, ControlError>;

    /// Forgets what is preferred for an agent, and says whether anything was.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for what can't be a name.
    async fn clear_preference(&self, agent: &str) -> Result<bool, ControlError>;

    /// Prefers a model for every agent that a file defines.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if that makes no sense for any.
    async fn prefer_model_for_all(&self, model: &str) -> Result<BulkPreferenceView, ControlError>;

    /// The model of agents that nothing else is preferred for.
    async fn default_agent_model(&self) -> Result<Option<String>, ControlError>;

    /// Sets it, or, with none, leaves those agents the model that they ask for. Returns what it is now.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if there is no such model.
    async fn set_default_agent_model(&self, model: Option<&str>) -> Result<Option<String>, ControlError>;

    /// Changes what an agent's file says.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]; [`ControlError::Invalid`] for values that make no sense;
    /// [`ControlError::Unavailable`] if the file can't be changed.
    async fn edit_agent(&self, agent: &str, edit: AgentEdit) -> Result<AgentView, ControlError>;

    /// All workspaces, by their paths.
    async fn workspaces(&self) -> Result<Vec<WorkspaceView>, ControlError>;

    /// Registers a directory as a workspace, until it is removed.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if it is no directory; [`ControlError::Conflict`] if there are too many.
    async fn add_workspace(&self, path: &str) -> Result<WorkspaceView, ControlError>;

    /// Forgets a workspace, named by path or by name, with its agents.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn remove_workspace(&self, workspace: &str) -> Result<WorkspaceView, ControlError>;
}
