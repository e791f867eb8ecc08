//! Changes of settings, written down. Their values are not: the file has them.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, SettingsControl,
    views::{ReloadView, SettingsEdit, SettingsView},
};

#[async_trait]
impl SettingsControl for Audited {
    async fn settings(&self) -> Result<SettingsView, ControlError> {
        self.inner.settings().await
    }

    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError> {
        let keys = edit.set.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.note("settings.change", &keys, self.inner.change_settings(edit).await).await
    }

    async fn reload_settings(&self) -> Result<ReloadView, ControlError> {
        self.note("settings.reload", "", self.inner.reload_settings().await).await
    }
}
