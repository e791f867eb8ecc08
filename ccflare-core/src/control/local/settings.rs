//! The settings, as whoever runs the gateway keeps them.

use std::sync::Arc;

use async_trait::async_trait;

use super::Local;
use crate::control::{
    ControlError, SettingsControl,
    views::{ReloadView, SettingsEdit, SettingsView},
};

impl Local {
    /// The same, with settings kept there.
    #[must_use]
    pub fn with_settings(self, settings: Option<Arc<dyn SettingsControl>>) -> Self {
        Self { settings, ..self }
    }

    fn kept(&self) -> Result<&dyn SettingsControl, ControlError> {
        self.settings.as_deref().ok_or_else(|| {
            let message = "the settings here are those of the program that the gateway is built into";
            ControlError::Unavailable(message.to_owned())
        })
    }
}

#[async_trait]
impl SettingsControl for Local {
    async fn settings(&self) -> Result<SettingsView, ControlError> {
        self.kept()?.settings().await
    }

    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError> {
        self.kept()?.change_settings(edit).await
    }

    async fn reload_settings(&self) -> Result<ReloadView, ControlError> {
        self.kept()?.reload_settings().await
    }
}
