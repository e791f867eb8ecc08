//! `/api/login-links`: one-time links that log a browser in.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::doors::Doors;

pub(super) async fn create(State(doors): State<Doors>) -> Json<Value> {
    let code = doors.links.issue();
    Json(json!({ "path": format!("/login/{}", code.expose()), "expiresInSeconds": doors.links.lifetime().as_secs() }))
}
