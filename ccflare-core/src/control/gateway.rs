//! How the gateway stands, and the way into it for a browser.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{BrowserLinkView, StatusView},
};

/// The gateway as a whole.
#[async_trait]
pub trait GatewayControl: std::fmt::Debug + Send + Sync + 'static {
    /// How the gateway stands.
    async fn status(&self) -> Result<StatusView, ControlError>;

    /// A link that logs one browser in, once, within a minute.
    ///
    /// # Errors
    /// [`ControlError::Unavailable`] if no server is running.
    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError>;
}
