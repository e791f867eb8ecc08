//! `/api/maintenance` and `/api/storage`: care of the store.
//!
//! The original answers when everything is done. So does this, as long as that takes seconds; what takes longer is answered
//! with 202, and `GET /api/maintenance` tells how far it has come.

use std::time::Duration;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use ccflare_core::control::views::{MaintenanceTask, MaintenanceView, SizesView};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{ApiError, Shared};

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between two looks at whether it is done.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Wish {
    /// Whether to wait for the end.
    wait: bool,
    /// Of a backup.
    name: Option<String>,
}

impl Default for Wish {
    fn default() -> Self {
        Self { wait: true, name: None }
    }
}

pub(super) async fn sizes(State(control): State<Shared>) -> Result<Json<SizesView>, ApiError> {
    Ok(Json(control.sizes().await?))
}

pub(super) async fn state(State(control): State<Shared>) -> Result<Json<Option<MaintenanceView>>, ApiError> {
    Ok(Json(control.maintenance().await?))
}

pub(super) async fn begin(
    State(control): State<Shared>,
    Path(task): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let wish = if body.is_empty() {
        Wish::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid", format!("the body: {error}")))?
    };
    let task = match task.as_str() {
        "cleanup" => MaintenanceTask::Cleanup,
        "compact" => MaintenanceTask::Compact,
        "check" => MaintenanceTask::Check,
        "backup" => MaintenanceTask::Backup { name: wish.name },
        other => {
            let message = format!("there is no task {other:?}; there are cleanup, compact, check and backup");
            return Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", message));
        }
    };
    let begun = control.begin_maintenance(task).await?;
    let ended = if wish.wait { end(&control).await? } else { None };
    Ok(match ended {
        None => (StatusCode::ACCEPTED, Json(begun)).into_response(),
        Some(MaintenanceView { error: Some(error), .. }) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "store", error).into_response()
        }
        Some(done) => Json(shape(&done)).into_response(),
    })
}

/// The task once it has ended; `None` if that takes too long.
async fn end(control: &Shared) -> Result<Option<MaintenanceView>, ApiError> {
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        match control.maintenance().await? {
            Some(task) if task.state == "running" => tokio::time::sleep(LOOK).await,
            ended => return Ok(ended),
        }
    }
    Ok(None)
}

/// The original's fields beside ours.
fn shape(done: &MaintenanceView) -> serde_json::Value {
    let mut shape = json!(done);
    shape["ok"] = json!(true);
    let result = json!(done.result);
    for (name, value) in result.as_object().into_iter().flatten() {
        shape[name] = value.clone();
    }
    shape
}
