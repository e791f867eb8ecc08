//! `/api/status` and `/api/login-links`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::control::{
    ControlError, GatewayControl,
    views::{BrowserLinkView, StatusView},
};

#[async_trait]
impl GatewayControl for Remote {
    async fn status(&self) -> Result<StatusView, ControlError> {
        self.read(self.to(Method::GET, &["status"])).await
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        let mut link: BrowserLinkView = self.read(self.to(Method::POST, &["login-links"]).json(&json!({}))).await?;
        let url = self.base.join(&link.url).map_err(|error| ControlError::Unavailable(error.to_string()))?;
        link.url = url.to_string();
        Ok(link)
    }
}
