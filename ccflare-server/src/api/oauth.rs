//! `/api/oauth`: logging accounts in, in the original's two steps.

use axum::{Json, extract::State};
use ccflare_core::control::views::NewLogin;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Shared, body::Body};

/// Begins a login, of a new account or (`account`) of one that is there.
pub(super) async fn init(State(control): State<Shared>, Body(login): Body<NewLogin>) -> Result<Json<Value>, ApiError> {
    let login = control.begin_login(login).await?;
    Ok(Json(json!({
        "success": true, "step": "authorize", "authUrl": login.auth_url, "sessionId": login.session_id,
        "redirectUri": login.redirect_uri, "server": login.server, "expires": login.expires,
    })))
}

/// `code` is whatever the browser showed (`CODE#STATE`) or the address it ended at.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Callback {
    session_id: String,
    code: String,
}

/// Ends it.
pub(super) async fn callback(
    State(control): State<Shared>,
    Body(Callback { session_id, code }): Body<Callback>,
) -> Result<Json<Value>, ApiError> {
    let account = control.complete_login(&session_id, &code).await?;
    let message = format!("Account '{}' is logged in", account.name);
    Ok(Json(json!({ "success": true, "message": message, "tier": account.tier, "account": account })))
}
