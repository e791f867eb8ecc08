//! `/api/agents`, `/api/workspaces` and `/api/config/model`.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Remote;
use crate::control::{
    AgentControl, ControlError,
    views::{AgentEdit, AgentView, AgentsView, BulkPreferenceView, PreferenceView, WorkspaceView},
};

/// Answers with something in them.
#[derive(Deserialize)]
struct Agent {
    agent: AgentView,
}

#[derive(Deserialize)]
struct Preference {
    preference: PreferenceView,
}

#[derive(Deserialize)]
struct Deleted {
    deleted: bool,
}

#[derive(Deserialize)]
struct Model {
    model: Option<String>,
}

#[derive(Deserialize)]
struct Workspaces {
    workspaces: Vec<WorkspaceView>,
}

#[derive(Deserialize)]
struct Workspace {
    workspace: WorkspaceView,
}

#[async_trait]
impl AgentControl for Remote {
    async fn agents(&self) -> Result<AgentsView, ControlError> {
        self.read(self.to(Method::GET, &["agents"])).await
    }

    async fn agent(&self, agent: &str) -> Result<AgentView, ControlError> {
        self.read(self.to(Method::GET, &["agents", agent])).await
    }

    async fn agent_preference(&self, agent: &str) -> Result<PreferenceView, ControlError> {
        self.read(self.to(Method::GET, &["agents", agent, "preference"])).await
    }

    async fn prefer_model(&self, agent: &str, model: &str) -> Result<PreferenceView, ControlError> {
        let request = self.to(Method::POST, &["agents", agent, "preference"]).json(&json!({ "model": model }));
        Ok(self.read::<Preference>(request).await?.preference)
    }

    async fn clear_preference(&self, agent: &str) -> Result<bool, ControlError> {
        let request = self.to(Method::DELETE, &["agents", agent, "preference"]).json(&json!({}));
        Ok(self.read::<Deleted>(request).await?.deleted)
    }

    async fn prefer_model_for_all(&self, model: &str) -> Result<BulkPreferenceView, ControlError> {
        self.read(self.to(Method::POST, &["agents", "bulk-preference"]).json(&json!({ "model": model }))).await
    }

    async fn default_agent_model(&self) -> Result<Option<String>, ControlError> {
        Ok(self.read::<Model>(self.to(Method::GET, &["config", "model"])).await?.model)
    }

    async fn set_default_agent_model(&self, model: Option<&str>) -> Result<Option<String>, ControlError> {
        let request = self.to(Method::POST, &["config", "model"]).json(&json!({ "model": model }));
        Ok(self.read::<Model>(request).await?.model)
    }

    async fn edit_agent(&self, agent: &str, edit: AgentEdit) -> Result<AgentView, ControlError> {
        let request = self.to(Method::PATCH, &["agents", agent]).json(&edit);
        Ok(self.read::<Agent>(request).await?.agent)
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceView>, ControlError> {
        Ok(self.read::<Workspaces>(self.to(Method::GET, &["workspaces"])).await?.workspaces)
    }

    async fn add_workspace(&self, path: &str) -> Result<WorkspaceView, ControlError> {
        let request = self.to(Method::POST, &["workspaces"]).json(&json!({ "path": path }));
        Ok(self.read::<Workspace>(request).await?.workspace)
    }

    async fn remove_workspace(&self, workspace: &str) -> Result<WorkspaceView, ControlError> {
        let request = self.to(Method::DELETE, &["workspaces"]).json(&json!({ "workspace": workspace }));
        Ok(self.read::<Workspace>(request).await?.workspace)
    }
}
