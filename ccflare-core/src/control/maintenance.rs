//! Care of the store.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{MaintenanceTask, MaintenanceView, SizesView},
};

/// What an operator does to the store itself. Long work runs by itself, one task at a time; whoever began it looks in on it.
#[async_trait]
pub trait MaintenanceControl: std::fmt::Debug + Send + Sync + 'static {
    /// How large everything is.
    async fn sizes(&self) -> Result<SizesView, ControlError>;

    /// Begins a task and returns at once.
    ///
    /// # Errors
    /// [`ControlError::Conflict`] while another one is running, or for a backup's name that is taken;
    /// [`ControlError::Invalid`] for one that no backup can have.
    async fn begin_maintenance(&self, task: MaintenanceTask) -> Result<MaintenanceView, ControlError>;

    /// The task that is running, or ran last; `None` if there was none since the start.
    async fn maintenance(&self) -> Result<Option<MaintenanceView>, ControlError>;
}
