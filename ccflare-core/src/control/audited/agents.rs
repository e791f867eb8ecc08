//! Changes of agents and workspaces, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    AgentControl, ControlError,
    views::{AgentEdit, AgentView, AgentsView, BulkPreferenceView, PreferenceView, WorkspaceView},
};

#[async_trait]
impl AgentControl for Audited {
    async fn agents(&self) -> Result<AgentsView, ControlError> {
        self.inner.agents().await
    }

    async fn agent(&self, agent: &str) -> Result<AgentView, ControlError> {
        self.inner.agent(agent).await
    }

    async fn agent_preference(&self, agent: &str) -> Result<PreferenceView, ControlError> {
        self.inner.agent_preference(agent).await
    }

    async fn prefer_model(&self, agent: &str, model: &str) -> Result<PreferenceView, ControlError> {
        self.note("agent.prefer", agent, self.inner.prefer_model(agent, model).await).await
    }

    async fn clear_preference(&self, agent: &str) -> Result<bool, ControlError> {
        self.note("agent.clear", agent, self.inner.clear_preference(agent).await).await
    }

    async fn prefer_model_for_all(&self, model: &str) -> Result<BulkPreferenceView, ControlError> {
        self.note("agent.prefer_all", model, self.inner.prefer_model_for_all(model).await).await
    }

    async fn default_agent_model(&self) -> Result<Option<String>, ControlError> {
        self.inner.default_agent_model().await
    }

    async fn set_default_agent_model(&self, model: Option<&str>) -> Result<Option<String>, ControlError> {
        let done = self.inner.set_default_agent_model(model).await;
        self.note("agent.default", model.unwrap_or_default(), done).await
    }

    async fn edit_agent(&self, agent: &str, edit: AgentEdit) -> Result<AgentView, ControlError> {
        self.note("agent.edit", agent, self.inner.edit_agent(agent, edit).await).await
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceView>, ControlError> {
        self.inner.workspaces().await
    }

    async fn add_workspace(&self, path: &str) -> Result<WorkspaceView, ControlError> {
        self.note("workspace.add", path, self.inner.add_workspace(path).await).await
    }

    async fn remove_workspace(&self, workspace: &str) -> Result<WorkspaceView, ControlError> {
        self.note("workspace.remove", workspace, self.inner.remove_workspace(workspace).await).await
    }
}
