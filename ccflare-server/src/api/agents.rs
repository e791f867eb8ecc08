//! `/api/agents`, `/api/workspaces`, and the model of agents that nothing else is preferred for. An agent is named by its
//! id or, where no id matches, by its name.

use axum::{
    Json,
    extract::{Path, State},
};
use ccflare_core::control::views::{AgentEdit, AgentView, AgentsView, PreferenceView};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Shared, body::Body};

pub(super) async fn list(State(control): State<Shared>) -> Result<Json<Value>, ApiError> {
    Ok(Json(as_in_the_original(&control.agents().await?)))
}

/// The original lists the agents twice: all of them, and by where they come from.
fn as_in_the_original(view: &AgentsView) -> Value {
    let (global, workspace): (Vec<_>, Vec<_>) = view.agents.iter().partition(|agent| agent.workspace.is_none());
    let mut shape = json!(view);
    shape["globalAgents"] = json!(global);
    shape["workspaceAgents"] = json!(workspace);
    shape
}

pub(super) async fn one(State(control): State<Shared>, Path(agent): Path<String>) -> Result<Json<AgentView>, ApiError> {
    Ok(Json(control.agent(&agent).await?))
}

pub(super) async fn edit(
    State(control): State<Shared>,
    Path(agent): Path<String>,
    Body(edit): Body<AgentEdit>,
) -> Result<Json<Value>, ApiError> {
    let agent = control.edit_agent(&agent, edit).await?;
    Ok(Json(json!({ "success": true, "agent": agent })))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    model: String,
}

pub(super) async fn preference(
    State(control): State<Shared>,
    Path(agent): Path<String>,
) -> Result<Json<PreferenceView>, ApiError> {
    Ok(Json(control.agent_preference(&agent).await?))
}

pub(super) async fn prefer(
    State(control): State<Shared>,
    Path(agent): Path<String>,
    Body(Model { model }): Body<Model>,
) -> Result<Json<Value>, ApiError> {
    let set = control.prefer_model(&agent, &model).await?;
    Ok(Json(json!({ "success": true, "agentId": set.agent_id, "model": set.model, "preference": set })))
}

pub(super) async fn clear(State(control): State<Shared>, Path(agent): Path<String>) -> Result<Json<Value>, ApiError> {
    let deleted = control.clear_preference(&agent).await?;
    Ok(Json(json!({ "success": true, "agentId": agent, "deleted": deleted })))
}

pub(super) async fn prefer_for_all(
    State(control): State<Shared>,
    Body(Model { model }): Body<Model>,
) -> Result<Json<Value>, ApiError> {
    let done = control.prefer_model_for_all(&model).await?;
    let mut shape = json!(done);
    shape["success"] = json!(true);
    if done.updated_count == 0 {
        shape["message"] = json!("No agents found to update");
    }
    Ok(Json(shape))
}

pub(super) async fn default_model(State(control): State<Shared>) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "model": control.default_agent_model().await? })))
}

/// No model: agents have the one that they ask for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultModel {
    model: Option<String>,
}

pub(super) async fn set_default_model(
    State(control): State<Shared>,
    Body(DefaultModel { model }): Body<DefaultModel>,
) -> Result<Json<Value>, ApiError> {
    let model = control.set_default_agent_model(model.as_deref()).await?;
    Ok(Json(json!({ "success": true, "model": model })))
}

pub(super) async fn workspaces(State(control): State<Shared>) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "workspaces": control.workspaces().await? })))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Directory {
    path: String,
}

pub(super) async fn add_workspace(
    State(control): State<Shared>,
    Body(Directory { path }): Body<Directory>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "success": true, "workspace": control.add_workspace(&path).await? })))
}

/// By path or name: a path in a path would need escapes that proxies like to undo.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    workspace: String,
}

pub(super) async fn remove_workspace(
    State(control): State<Shared>,
    Body(Named { workspace }): Body<Named>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "success": true, "workspace": control.remove_workspace(&workspace).await? })))
}
