//! `/api/config`: the settings. Reading tells their version in `ETag`; a change may be bound to it with `If-Match`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use ccflare_core::control::views::{ReloadView, SettingView, SettingsEdit, SettingsView};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ApiError, Shared, body::Body};
use crate::config::duration;

/// The original's four fields, and all settings beside them.
#[derive(Serialize, JsonSchema)]
pub(super) struct Configuration {
    lb_strategy: String,
    port: Option<u16>,
    #[serde(rename = "sessionDurationMs")]
    session_duration_ms: Option<u64>,
    default_agent_model: Option<String>,
    #[serde(flatten)]
    settings: SettingsView,
}

impl From<SettingsView> for Configuration {
    fn from(settings: SettingsView) -> Self {
        let value = |key: &str| settings.settings.iter().find(|it| it.key == key).and_then(|it| it.value.clone());
        let port = value("listen").and_then(|listen| listen.rsplit(':').next()?.parse().ok());
        let window = value("session_duration").and_then(|text| duration(&text).ok());
        Self {
            lb_strategy: value("strategy").unwrap_or_default(),
            port,
            session_duration_ms: window.and_then(|window| window.as_millis().try_into().ok()),
            default_agent_model: value("default_agent_model"),
            settings,
        }
    }
}

/// With the version as its tag.
fn tagged(settings: SettingsView) -> Response {
    let tag = HeaderValue::try_from(format!("\"{}\"", settings.version));
    let mut response = Json(Configuration::from(settings)).into_response();
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The version that a change is bound to, if it is bound to one.
fn bound(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(tag) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let tag = tag.to_str().unwrap_or_default().trim();
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    match version.filter(|version| version.len() == 16 && version.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Some(version) => Ok(Some(version.to_owned())),
        None if tag == "*" => Ok(None),
        None => {
            let message = "If-Match takes what ETag told, in its quotes, or *".to_owned();
            Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", message))
        }
    }
}

pub(super) async fn show(State(control): State<Shared>) -> Result<Response, ApiError> {
    Ok(tagged(control.settings().await?))
}

/// Values as JSON has them: text, a number, a flag, a list of texts; `null` takes a setting out of the file.
pub(super) async fn change(
    State(control): State<Shared>,
    headers: HeaderMap,
    Body(set): Body<BTreeMap<String, Value>>,
) -> Result<Response, ApiError> {
    let set = set.into_iter().map(|(key, value)| {
        let text = as_text(&value).ok_or_else(|| {
            let message = format!("{key} takes text, a number, true or false, a list of texts, or null");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid", message)
        })?;
        Ok((key, text))
    });
    let edit = SettingsEdit { set: set.collect::<Result<_, ApiError>>()?, version: bound(&headers)? };
    Ok(tagged(control.change_settings(edit).await?))
}

fn as_text(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::Bool(flag) => Some(Some(flag.to_string())),
        Value::Number(number) => Some(Some(number.to_string())),
        Value::String(text) => Some(Some(text.clone())),
        Value::Array(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(Value::as_str).collect();
            Some(Some(parts?.join(",")))
        }
        Value::Object(_) => None,
    }
}

pub(super) async fn reload(State(control): State<Shared>) -> Result<Json<ReloadView>, ApiError> {
    Ok(Json(control.reload_settings().await?))
}

pub(super) async fn one(State(control): State<Shared>, Path(key): Path<String>) -> Result<Json<SettingView>, ApiError> {
    find(control.settings().await?, &key).map(Json)
}

fn find(settings: SettingsView, key: &str) -> Result<SettingView, ApiError> {
    settings.settings.into_iter().find(|setting| setting.key == key).ok_or_else(|| {
        let message = format!("there is no setting {key}; GET /api/config lists them");
        ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
    })
}

/// A setting's new value.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewValue {
    value: Value,
}

pub(super) async fn change_one(
    State(control): State<Shared>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(NewValue { value }): Body<NewValue>,
) -> Result<Json<SettingView>, ApiError> {
    let text = as_text(&value).ok_or_else(|| {
        let message = "a value is text, a number, true or false, a list of texts, or null".to_owned();
        ApiError::new(StatusCode::BAD_REQUEST, "invalid", message)
    })?;
    let edit = SettingsEdit { set: [(key.clone(), text)].into(), version: bound(&headers)? };
    find(control.change_settings(edit).await?, &key).map(Json)
}

/// For how many days things are kept.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Retention {
    #[serde(default)]
    payload_days: Option<u32>,
    #[serde(default)]
    request_days: Option<u32>,
}

pub(super) async fn retention(State(control): State<Shared>) -> Result<Json<Retention>, ApiError> {
    let settings = control.settings().await?;
    let days = |key: &str| settings.settings.iter().find(|it| it.key == key)?.value.as_ref()?.parse().ok();
    Ok(Json(Retention { payload_days: days("payload_days"), request_days: days("request_days") }))
}

pub(super) async fn keep_for(
    State(control): State<Shared>,
    headers: HeaderMap,
    Body(wanted): Body<Retention>,
) -> Result<StatusCode, ApiError> {
    let days = [("payload_days", wanted.payload_days), ("request_days", wanted.request_days)];
    let set: BTreeMap<_, _> =
        days.into_iter().filter_map(|(key, days)| Some((key.to_owned(), Some(days?.to_string())))).collect();
    if set.is_empty() {
        let message = "give payloadDays, requestDays or both".to_owned();
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", message));
    }
    control.change_settings(SettingsEdit { set, version: bound(&headers)? }).await?;
    Ok(StatusCode::NO_CONTENT)
}
