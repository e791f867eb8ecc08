//! Links for browsers, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, GatewayControl,
    views::{BrowserLinkView, StatusView},
};

#[async_trait]
impl GatewayControl for Audited {
    async fn status(&self) -> Result<StatusView, ControlError> {
        self.inner.status().await
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        self.note("browser.link", "", self.inner.browser_link().await).await
    }
}
