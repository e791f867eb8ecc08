//! `/api/config`.

use async_trait::async_trait;
use reqwest::{Method, header};
use serde_json::json;

use super::Remote;
use crate::control::{
    ControlError, SettingsControl,
    views::{ReloadView, SettingsEdit, SettingsView},
};

#[async_trait]
impl SettingsControl for Remote {
    async fn settings(&self) -> Result<SettingsView, ControlError> {
        self.read(self.to(Method::GET, &["config"])).await
    }

    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError> {
        let mut request = self.to(Method::PATCH, &["config"]);
        if let Some(version) = &edit.version {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        self.read(request.json(&edit.set)).await
    }

    async fn reload_settings(&self) -> Result<ReloadView, ControlError> {
        self.read(self.to(Method::POST, &["config", "reload"]).json(&json!({}))).await
    }
}
