//! `/api/keys`: the keys that clients of the proxy carry. A key is named by its id or, where no id matches, by its name.

use axum::{
    Json,
    extract::{Path, State},
};
use ccflare_core::control::views::{ClientKeyView, NewClientKey, NewKeyView};
use serde_json::{Value, json};

use super::{ApiError, Shared, body::Body};

pub(super) async fn list(State(control): State<Shared>) -> Result<Json<Vec<ClientKeyView>>, ApiError> {
    Ok(Json(control.client_keys().await?))
}

pub(super) async fn create(
    State(control): State<Shared>,
    Body(new): Body<NewClientKey>,
) -> Result<Json<Value>, ApiError> {
    Ok(shown_once(&control.create_client_key(new).await?))
}

pub(super) async fn revoke(
    State(control): State<Shared>,
    Path(key): Path<String>,
) -> Result<Json<ClientKeyView>, ApiError> {
    Ok(Json(control.revoke_client_key(&key).await?))
}

pub(super) async fn rotate(State(control): State<Shared>, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(shown_once(&control.rotate_client_key(&key).await?))
}

/// The one answer with a key in it: its owner has to get it somehow.
fn shown_once(new: &NewKeyView) -> Json<Value> {
    Json(json!({ "clientKey": new.client_key, "key": new.key.expose() }))
}
