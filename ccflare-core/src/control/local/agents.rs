//! Agents, seen to in this process.

use std::sync::Arc;

use async_trait::async_trait;

use super::Local;
use crate::{
    agents::{
        AgentError, AgentReport, DefinitionEdit, OtherAgent, Overview, Reach, Registry, Removed, Use, Warning,
        catalogue,
    },
    control::{
        AgentControl, ControlError,
        views::{
            AgentEdit, AgentProblemView, AgentView, AgentsView, BulkPreferenceView, OtherAgentView, PreferenceView,
            RefusedPreferenceView, RemovedAgentView, ToolMode, WorkspaceView,
        },
    },
    domain::{ANY_AGENT, Workspace},
};

impl From<AgentError> for ControlError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::NoSuchAgent(_) | AgentError::NoSuchWorkspace(_) => Self::NotFound(error.to_string()),
            AgentError::Invalid(why) => Self::Invalid(why),
            AgentError::Conflict(why) => Self::Conflict(why),
            AgentError::File { .. } => Self::Unavailable(error.to_string()),
            AgentError::Store(error) => error.into(),
        }
    }
}

#[async_trait]
impl AgentControl for Local {
    async fn agents(&self) -> Result<AgentsView, ControlError> {
        Ok(everything(&self.registry()?.overview().await))
    }

    async fn agent(&self, agent: &str) -> Result<AgentView, ControlError> {
        let all = self.registry()?.overview().await.agents;
        let by_id = all.iter().find(|it| *it.definition.id == *agent);
        let found = by_id.or_else(|| all.iter().find(|it| *it.definition.written.name == *agent));
        found.map(view).ok_or_else(|| AgentError::NoSuchAgent(agent.to_owned()).into())
    }

    async fn agent_preference(&self, agent: &str) -> Result<PreferenceView, ControlError> {
        preference(self.registry()?, agent)
    }

    async fn prefer_model(&self, agent: &str, model: &str) -> Result<PreferenceView, ControlError> {
        let registry = self.registry()?;
        let set = registry.prefer(agent, model).await?;
        preference(registry, &set.agent)
    }

    async fn clear_preference(&self, agent: &str) -> Result<bool, ControlError> {
        Ok(self.registry()?.clear(agent).await?)
    }

    async fn prefer_model_for_all(&self, model: &str) -> Result<BulkPreferenceView, ControlError> {
        let (updated_count, refused) = self.registry()?.prefer_for_all(model).await?;
        let refusal = |(agent, reason): (Arc<str>, _)| RefusedPreferenceView { agent_id: agent.to_string(), reason };
        let refused = refused.into_iter().map(refusal).collect();
        Ok(BulkPreferenceView { updated_count, model: model.trim().to_owned(), refused })
    }

    async fn default_agent_model(&self) -> Result<Option<String>, ControlError> {
        Ok(self.registry()?.preference(ANY_AGENT)?.1.map(|(model, _)| model.to_string()))
    }

    async fn set_default_agent_model(&self, model: Option<&str>) -> Result<Option<String>, ControlError> {
        let registry = self.registry()?;
        match model {
            Some(model) => drop(registry.prefer(ANY_AGENT, model).await?),
            None => drop(registry.clear(ANY_AGENT).await?),
        }
        self.default_agent_model().await
    }

    async fn edit_agent(&self, agent: &str, edit: AgentEdit) -> Result<AgentView, ControlError> {
        let registry = self.registry()?;
        let edited = registry.edit(agent, wished(edit)?).await?;
        self.agent(&edited.id).await
    }

    async fn workspaces(&self) -> Result<Vec<WorkspaceView>, ControlError> {
        Ok(self.registry()?.overview().await.workspaces.iter().map(workspace).collect())
    }

    async fn add_workspace(&self, path: &str) -> Result<WorkspaceView, ControlError> {
        let added = self.registry()?.add_workspace(path).await?;
        let all = self.workspaces().await?;
        let found = all.into_iter().find(|it| *it.path == *added.path);
        found.ok_or_else(|| ControlError::NotFound(format!("workspace {path:?} was removed meanwhile")))
    }

    async fn remove_workspace(&self, named: &str) -> Result<WorkspaceView, ControlError> {
        let before = self.workspaces().await?;
        let removed = self.registry()?.remove_workspace(named).await?;
        let found = before.into_iter().find(|it| *it.path == *removed.path);
        Ok(found.unwrap_or_else(|| workspace(&(removed, 0))))
    }
}

impl Local {
    fn registry(&self) -> Result<&Registry, ControlError> {
        let none = || ControlError::Unavailable("agents are not looked after here".to_owned());
        self.agents.as_deref().ok_or_else(none)
    }
}

fn everything(overview: &Overview) -> AgentsView {
    AgentsView {
        agents: overview.agents.iter().map(view).collect(),
        other_agents: overview.others.iter().map(other).collect(),
        problems: overview.warnings.iter().map(problem).collect(),
        removed: overview.removed.iter().map(removed).collect(),
        workspaces: overview.workspaces.iter().map(workspace).collect(),
        default_model: overview.default_model.as_deref().map(str::to_owned),
    }
}

fn view(agent: &AgentReport) -> AgentView {
    let (definition, written) = (&agent.definition, &agent.definition.written);
    let preferred = agent.preference.as_ref().and_then(|(model, _)| catalogue::resolve(model));
    let model = preferred.or_else(|| catalogue::resolve(written.model.as_deref()?));
    let (preference, preference_from) = told(agent.preference.as_ref());
    let (last_used, conversations) = usage(agent.used);
    AgentView {
        id: definition.id.to_string(),
        name: written.name.to_string(),
        description: written.description.to_string(),
        color: written.color.to_string(),
        model: model.map(|model| model.to_string()),
        defined_model: written.model.as_deref().map(str::to_owned),
        preference,
        preference_from,
        system_prompt: written.prompt.to_string(),
        source: if definition.workspace.is_some() { "workspace" } else { "global" }.to_owned(),
        workspace: definition.workspace.as_deref().map(str::to_owned),
        workspace_name: agent.workspace.as_deref().map(str::to_owned),
        tools: written.tools.as_ref().map(|tools| tools.iter().map(|tool| tool.to_string()).collect()),
        file_path: definition.file.display().to_string(),
        modified: definition.modified.map(|at| at.to_string()),
        state: agent.state.as_str().to_owned(),
        last_used,
        conversations,
    }
}

fn other(agent: &OtherAgent) -> OtherAgentView {
    let (preference, preference_from) = told(agent.preference.as_ref());
    let (last_used, conversations) = usage(agent.used);
    OtherAgentView { name: agent.name.to_string(), preference, preference_from, last_used, conversations }
}

fn told(preference: Option<&(Arc<str>, Reach)>) -> (Option<String>, Option<String>) {
    preference.map(|(model, reach)| (model.to_string(), reach.as_str().to_owned())).unzip()
}

fn usage(used: Option<Use>) -> (Option<String>, u64) {
    (used.map(|used| used.last.to_string()), used.map_or(0, |used| used.conversations))
}

fn problem(warning: &Warning) -> AgentProblemView {
    let state = if warning.is_invalid { "invalid" } else { "read" };
    AgentProblemView { file_path: warning.file.clone(), reason: warning.why.clone(), state: state.to_owned() }
}

fn removed(removed: &Removed) -> RemovedAgentView {
    RemovedAgentView {
        id: removed.definition.id.to_string(),
        name: removed.definition.written.name.to_string(),
        file_path: removed.definition.file.display().to_string(),
        removed: removed.at.to_string(),
        state: "removed".to_owned(),
    }
}

fn workspace((workspace, agent_count): &(Workspace, usize)) -> WorkspaceView {
    WorkspaceView {
        path: workspace.path.to_string(),
        name: workspace.label.to_string(),
        first_seen: workspace.first_seen.to_string(),
        last_seen: workspace.last_seen.to_string(),
        agent_count: *agent_count,
        manual: workspace.manual,
    }
}

fn preference(registry: &Registry, agent: &str) -> Result<PreferenceView, ControlError> {
    let (agent, preference) = registry.preference(agent)?;
    let resolved = preference.as_ref().and_then(|(model, _)| catalogue::resolve(model));
    let (model, from) = told(preference.as_ref());
    let resolved_model = resolved.map(|model| model.to_string());
    Ok(PreferenceView { agent_id: agent.to_string(), model, resolved_model, from })
}

/// The original's sets of tools, by what an agent may do.
fn wished(edit: AgentEdit) -> Result<DefinitionEdit, ControlError> {
    let AgentEdit { description, model, tools, color, system_prompt: prompt, mode } = edit;
    let set: &[&str] = match mode {
        None | Some(ToolMode::Custom) => {
            if mode.is_some() && tools.is_none() {
                return Err(ControlError::Invalid("mode custom needs tools".to_owned()));
            }
            return Ok(DefinitionEdit { description, model, color, tools, prompt });
        }
        Some(ToolMode::All) => &[],
        Some(ToolMode::Edit) => &["Edit", "MultiEdit", "Write", "NotebookEdit"],
        Some(ToolMode::ReadOnly) => {
            &["Glob", "Grep", "LS", "Read", "NotebookRead", "WebFetch", "TodoWrite", "WebSearch"]
        }
        Some(ToolMode::Execution) => &["Bash"],
    };
    if tools.is_some() {
        return Err(ControlError::Invalid("give a mode or tools, not both; mode custom takes tools".to_owned()));
    }
    let tools = Some(set.iter().map(|&tool| tool.to_owned()).collect());
    Ok(DefinitionEdit { description, model, color, tools, prompt })
}
