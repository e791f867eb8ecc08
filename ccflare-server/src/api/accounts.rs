//! `/api/accounts`. An account is named by its id or, where no id matches, by its name.

use axum::{
    Json,
    extract::{Path, State},
};
use ccflare_core::{
    control::views::{AccountEdit, AccountView, NewAccount},
    domain::Tier,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Shared, body::Body};

pub(super) async fn list(State(control): State<Shared>) -> Result<Json<Vec<AccountView>>, ApiError> {
    Ok(Json(control.accounts().await?))
}

pub(super) async fn add(State(control): State<Shared>, Body(new): Body<NewAccount>) -> Result<Json<Value>, ApiError> {
    let account = control.add_account(new).await?;
    let message = format!("Account '{}' added", account.name);
    Ok(Json(
        json!({ "success": true, "message": message, "tier": account.tier, "accountId": account.id, "account": account }),
    ))
}

/// `confirm` is the account's name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    #[serde(default)]
    confirm: String,
}

pub(super) async fn remove(
    State(control): State<Shared>,
    Path(account): Path<String>,
    Body(removal): Body<Removal>,
) -> Result<Json<Value>, ApiError> {
    control.remove_account(&account, &removal.confirm).await?;
    Ok(Json(json!({ "success": true, "message": format!("Account '{}' removed", removal.confirm) })))
}

pub(super) async fn pause(State(control): State<Shared>, Path(account): Path<String>) -> Result<Json<Value>, ApiError> {
    let account = control.edit_account(&account, AccountEdit::Pause).await?;
    Ok(done(format!("Account '{}' paused", account.name), &account))
}

pub(super) async fn resume(
    State(control): State<Shared>,
    Path(account): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let account = control.edit_account(&account, AccountEdit::Resume).await?;
    Ok(done(format!("Account '{}' resumed", account.name), &account))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Name {
    name: String,
}

pub(super) async fn rename(
    State(control): State<Shared>,
    Path(account): Path<String>,
    Body(Name { name }): Body<Name>,
) -> Result<Json<Value>, ApiError> {
    let renamed = control.edit_account(&account, AccountEdit::Rename(name)).await?;
    let mut answer = done(format!("Account renamed to '{}'", renamed.name), &renamed);
    answer.0["newName"] = json!(renamed.name);
    Ok(answer)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Priority {
    priority: u32,
}

pub(super) async fn priority(
    State(control): State<Shared>,
    Path(account): Path<String>,
    Body(Priority { priority }): Body<Priority>,
) -> Result<Json<Value>, ApiError> {
    let account = control.edit_account(&account, AccountEdit::Priority(priority)).await?;
    let mut answer = done(format!("Account '{}' has priority {priority}", account.name), &account);
    answer.0["priority"] = json!(priority);
    Ok(answer)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    tier: Tier,
}

pub(super) async fn tier(
    State(control): State<Shared>,
    Path(account): Path<String>,
    Body(Size { tier }): Body<Size>,
) -> Result<Json<Value>, ApiError> {
    let account = control.edit_account(&account, AccountEdit::Tier(tier)).await?;
    let mut answer = done(format!("Account '{}' has tier {}", account.name, u8::from(tier)), &account);
    answer.0["tier"] = json!(tier);
    Ok(answer)
}

fn done(message: String, account: &AccountView) -> Json<Value> {
    Json(json!({ "success": true, "message": message, "account": account }))
}
