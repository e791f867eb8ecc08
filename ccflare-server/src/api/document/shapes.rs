//! Answers that handlers put together themselves, in the original's shapes. Described here, never made.

#![allow(dead_code, reason = "shapes, not values")]

use std::collections::BTreeMap;

use ccflare_core::{
    control::views::{
        AccountView, AgentView, AgentsView, BulkPreferenceView, ClientKeyView, LoginView, MaintenanceResult,
        MaintenanceView, PreferenceView, StrategyView, WorkspaceView,
    },
    domain::Tier,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An account was changed.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountChanged {
    success: bool,
    message: String,
    /// The account as it is now.
    account: AccountView,
    /// Of an account that was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    /// Of an account that was added, logged in or resized.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<Tier>,
    /// Of an account that was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u32>,
    /// Of an account that was renamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_name: Option<String>,
}

/// It was done.
#[derive(Serialize, JsonSchema)]
pub(super) struct Done {
    success: bool,
    message: String,
}

/// A login has begun: somebody has to open `authUrl`.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginBegun {
    success: bool,
    step: String,
    #[serde(flatten)]
    login: LoginView,
}

/// The one time that a key is shown.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKey {
    client_key: ClientKeyView,
    key: String,
}

/// Where a browser goes to be logged in; good once.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginLink {
    path: String,
    expires_in_seconds: u64,
}

/// All finished requests are forgotten.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatsReset {
    success: bool,
    message: String,
    removed_requests: u64,
}

/// A task that has ended, with its results beside it, too.
#[derive(Serialize, JsonSchema)]
pub(super) struct MaintenanceDone {
    ok: bool,
    #[serde(flatten)]
    task: MaintenanceView,
    #[serde(flatten)]
    results: MaintenanceResult,
}

/// A setting's value as it may be given.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Setting {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<String>),
    /// Takes the setting out of the file.
    Nothing(()),
}

/// Settings by name.
pub(super) type Settings = BTreeMap<String, Setting>;

/// The original's summary.
#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    status: String,
    accounts: usize,
    timestamp: String,
    strategy: String,
}

/// All agents; the original lists them twice.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agents {
    #[serde(flatten)]
    all: AgentsView,
    global_agents: Vec<AgentView>,
    workspace_agents: Vec<AgentView>,
}

/// An agent was changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct AgentChanged {
    success: bool,
    agent: AgentView,
}

/// A model is preferred for an agent.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentPreferred {
    success: bool,
    agent_id: String,
    model: Option<String>,
    preference: PreferenceView,
}

/// No model is preferred for an agent.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreferenceCleared {
    success: bool,
    agent_id: String,
    /// Whether one was.
    deleted: bool,
}

/// A model is preferred for all agents.
#[derive(Serialize, JsonSchema)]
pub(super) struct PreferredForAll {
    success: bool,
    #[serde(flatten)]
    done: BulkPreferenceView,
    /// If there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The model of agents that nothing else is preferred for; none: they have the one that they ask for.
#[derive(Serialize, JsonSchema)]
pub(super) struct DefaultModel {
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
}

/// The folders in which agents are looked for.
#[derive(Serialize, JsonSchema)]
pub(super) struct Workspaces {
    workspaces: Vec<WorkspaceView>,
}

/// A folder was added or forgotten.
#[derive(Serialize, JsonSchema)]
pub(super) struct WorkspaceChanged {
    success: bool,
    workspace: WorkspaceView,
}

/// Another strategy chooses.
#[derive(Serialize, JsonSchema)]
pub(super) struct StrategyChosen {
    success: bool,
    #[serde(flatten)]
    chosen: StrategyView,
}
