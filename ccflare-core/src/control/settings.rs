//! The settings: what they are, where each came from, and how they are changed while the gateway runs.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{ReloadView, SettingsEdit, SettingsView},
};

/// The settings of whoever runs the gateway: the library itself reads no file and no environment.
#[async_trait]
pub trait SettingsControl: std::fmt::Debug + Send + Sync + 'static {
    /// All settings, in the order in which they are documented.
    async fn settings(&self) -> Result<SettingsView, ControlError>;

    /// Writes settings down, all of them or none, puts into effect what can change now, and returns all settings.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a value that makes no sense; [`ControlError::NotFound`] for a setting that does not
    /// exist; [`ControlError::Conflict`] if a flag or a variable goes before what would be written;
    /// [`ControlError::Stale`] if the settings are no longer those that the edit is meant for.
    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError>;

    /// Reads the settings anew and puts into effect what can change now. What is broken changes nothing.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] with the place and the reason, if they make no sense.
    async fn reload_settings(&self) -> Result<ReloadView, ControlError>;
}
