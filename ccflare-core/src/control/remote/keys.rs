//! `/api/keys`.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::json;

use super::Remote;
use crate::control::{
    ControlError, KeyControl,
    views::{ClientKeyView, NewClientKey, NewKeyView},
};

#[async_trait]
impl KeyControl for Remote {
    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.read(self.to(Method::GET, &["keys"])).await
    }

    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys"]).json(&key)).await
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys", key, "revoke"]).json(&json!({}))).await
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys", key, "rotate"]).json(&json!({}))).await
    }
}
