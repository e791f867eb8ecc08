//! `/api/maintenance`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::control::{
    ControlError, MaintenanceControl,
    views::{MaintenanceTask, MaintenanceView, SizesView},
};

#[async_trait]
impl MaintenanceControl for Remote {
    async fn sizes(&self) -> Result<SizesView, ControlError> {
        self.read(self.to(Method::GET, &["storage"])).await
    }

    async fn begin_maintenance(&self, task: MaintenanceTask) -> Result<MaintenanceView, ControlError> {
        let body = match &task {
            MaintenanceTask::Backup { name } => json!({ "wait": false, "name": name }),
            _ => json!({ "wait": false }),
        };
        self.read(self.to(Method::POST, &["maintenance", task.as_str()]).json(&body)).await
    }

    async fn maintenance(&self) -> Result<Option<MaintenanceView>, ControlError> {
        self.read(self.to(Method::GET, &["maintenance"])).await
    }
}
