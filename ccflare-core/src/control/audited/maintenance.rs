//! Work on the store is written down when it begins.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, MaintenanceControl,
    views::{MaintenanceTask, MaintenanceView, SizesView},
};

#[async_trait]
impl MaintenanceControl for Audited {
    async fn sizes(&self) -> Result<SizesView, ControlError> {
        self.inner.sizes().await
    }

    async fn begin_maintenance(&self, task: MaintenanceTask) -> Result<MaintenanceView, ControlError> {
        let action = match &task {
            MaintenanceTask::Cleanup => "maintenance.cleanup",
            MaintenanceTask::Compact => "maintenance.compact",
            MaintenanceTask::Check => "maintenance.check",
            MaintenanceTask::Backup { .. } => "maintenance.backup",
        };
        self.note(action, "", self.inner.begin_maintenance(task).await).await
    }

    async fn maintenance(&self) -> Result<Option<MaintenanceView>, ControlError> {
        self.inner.maintenance().await
    }
}
