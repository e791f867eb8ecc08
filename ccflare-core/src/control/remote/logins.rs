//! `/api/oauth`.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::{Changed, Remote};
use crate::control::{
    ControlError, LoginControl,
    views::{AccountView, LoginView, NewLogin},
};

#[async_trait]
impl LoginControl for Remote {
    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        self.read(self.to(Method::POST, &["oauth", "init"]).json(&login)).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        let body = json!({ "sessionId": session, "code": pasted });
        let request = self.to(Method::POST, &["oauth", "callback"]).json(&body);
        // The server waits for the authorization server.
        Ok(self.read::<Changed>(request.timeout(Duration::from_secs(90))).await?.account)
    }
}
