//! Agents, what is preferred for them, and workspaces.

use serde::{Deserialize, Serialize};

/// Everything that is known of agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentsView {
    /// The agents that files define, global ones first.
    pub agents: Vec<AgentView>,
    /// Agents that no file defines: those that were at work, and those that something is preferred for.
    pub other_agents: Vec<OtherAgentView>,
    /// Files with something wrong about them.
    pub problems: Vec<AgentProblemView>,
    /// Definitions that are gone since the server started.
    pub removed: Vec<RemovedAgentView>,
    /// The workspaces.
    pub workspaces: Vec<WorkspaceView>,
    /// The model of agents that nothing else is preferred for.
    pub default_model: Option<String>,
}

/// An agent that a file defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentView {
    /// Its id.
    pub id: String,
    /// What clients call it by.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// How it is shown: a word such as `gray`.
    pub color: String,
    /// The model that its requests are sent with: the preferred one, else the one in its file; `null`: that of whoever
    /// starts it.
    pub model: Option<String>,
    /// The model in its file, as it is written there.
    pub defined_model: Option<String>,
    /// What is preferred for it, as it was set.
    pub preference: Option<String>,
    /// Why that counts: set for this `agent`, for agents of its `name`, or as the `default`.
    pub preference_from: Option<String>,
    /// Its system prompt.
    pub system_prompt: String,
    /// `global` or `workspace`.
    pub source: String,
    /// The path of its workspace.
    pub workspace: Option<String>,
    /// The name of its workspace.
    pub workspace_name: Option<String>,
    /// The tools it may use; `null`: all.
    pub tools: Option<Vec<String>>,
    /// Its file.
    pub file_path: String,
    /// When the file was last changed.
    pub modified: Option<String>,
    /// `discovered`, `updated`, `inUse`, `overridden`.
    pub state: String,
    /// When its latest conversation since the server started began.
    pub last_used: Option<String>,
    /// Its conversations since the server started.
    pub conversations: u64,
}

/// An agent that no file defines: built into the client, of a plugin, or given on its command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OtherAgentView {
    /// What clients call it by.
    pub name: String,
    /// What is preferred for it, as it was set.
    pub preference: Option<String>,
    /// Why that counts: set for this `agent`, or as the `default`.
    pub preference_from: Option<String>,
    /// When its latest conversation since the server started began.
    pub last_used: Option<String>,
    /// Its conversations since the server started.
    pub conversations: u64,
}

/// A file with something wrong about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentProblemView {
    /// The file, or the directory.
    pub file_path: String,
    /// What is wrong.
    pub reason: String,
    /// `invalid`: it defines no agent; `read`: it does all the same.
    pub state: String,
}

/// A definition that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovedAgentView {
    /// The id it had.
    pub id: String,
    /// The name it had.
    pub name: String,
    /// The file it was in.
    pub file_path: String,
    /// When that was noticed.
    pub removed: String,
    /// `removed`.
    pub state: String,
}

/// What is preferred for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PreferenceView {
    /// The agent's id; of one that no file defines, its name.
    pub agent_id: String,
    /// What is preferred, as it was set: a model, an alias, or `inherit`.
    pub model: Option<String>,
    /// The model that this is now; `null`: the one that the agent asks for.
    pub resolved_model: Option<String>,
    /// Why it counts: set for this `agent`, for agents of its `name`, or as the `default`.
    pub from: Option<String>,
}

/// What became of a wish for all agents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BulkPreferenceView {
    /// So many agents have it now.
    pub updated_count: usize,
    /// The model.
    pub model: String,
    /// Agents that it makes no sense for.
    pub refused: Vec<RefusedPreferenceView>,
}

/// An agent that a model makes no sense for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RefusedPreferenceView {
    /// The agent's id.
    pub agent_id: String,
    /// Why.
    pub reason: String,
}

/// What is to change in an agent's file; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentEdit {
    /// What it is good for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The model it asks for: a name, an alias, or `inherit`. What was preferred for the agent is forgotten then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The tools it may use; an empty list: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// How it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Instead of `tools`: those that belong to what it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ToolMode>,
}

/// What an agent may do, as a set of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ToolMode {
    /// Everything.
    All,
    /// Change files.
    Edit,
    /// Look at things.
    ReadOnly,
    /// Run commands.
    Execution,
    /// What `tools` says.
    Custom,
}

/// A directory that agents work in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceView {
    /// Its path.
    pub path: String,
    /// What it is called; ids of its agents begin with it.
    pub name: String,
    /// When it was registered.
    pub first_seen: String,
    /// When it was last asked from, give or take an hour.
    pub last_seen: String,
    /// The agents that it defines.
    pub agent_count: usize,
    /// Whether an operator registered it; others are forgotten after 30 days without a request.
    pub manual: bool,
}
