//! What happens, while it happens, and what was logged.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::{
    ControlError,
    views::{EventQuery, EventView, LogLevelView, LogPage, LogQuery},
};

/// Events as they come, oldest first. It ends when the gateway does; whoever wants to hear on subscribes again, behind
/// the last event it has heard.
pub type EventStream = BoxStream<'static, Arc<EventView>>;

/// Live events and logs.
#[async_trait]
pub trait LiveControl: std::fmt::Debug + Send + Sync + 'static {
    /// Subscribes to events. A subscriber that falls behind what is kept is told so with a
    /// [`missed`](super::views::EventDetail::Missed) event and goes on with what there is.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a topic that does not exist, [`ControlError::Unavailable`] if no server is running.
    async fn events(&self, query: EventQuery) -> Result<EventStream, ControlError>;

    /// Lines that were logged, oldest first: the newest that match.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a query that makes no sense, [`ControlError::Unavailable`] if no log is kept.
    async fn logs(&self, query: LogQuery) -> Result<LogPage, ControlError>;

    /// What is logged now.
    ///
    /// # Errors
    /// [`ControlError::Unavailable`] if no server is running.
    async fn log_level(&self) -> Result<LogLevelView, ControlError>;

    /// Logs what `filter` lets through, until the next start: a level, or a filter such as `ccflare_core=debug,info`.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if it is neither.
    async fn set_log_level(&self, filter: &str) -> Result<LogLevelView, ControlError>;
}
