//! Listening passes through; what is logged is changed on record.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, EventStream, LiveControl,
    views::{EventQuery, LogLevelView, LogPage, LogQuery},
};

#[async_trait]
impl LiveControl for Audited {
    async fn events(&self, query: EventQuery) -> Result<EventStream, ControlError> {
        self.inner.events(query).await
    }

    async fn logs(&self, query: LogQuery) -> Result<LogPage, ControlError> {
        self.inner.logs(query).await
    }

    async fn log_level(&self) -> Result<LogLevelView, ControlError> {
        self.inner.log_level().await
    }

    async fn set_log_level(&self, filter: &str) -> Result<LogLevelView, ControlError> {
        self.note("log.level", filter, self.inner.set_log_level(filter).await).await
    }
}
