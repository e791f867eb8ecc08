//! Changes of client keys, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, KeyControl,
    views::{ClientKeyView, NewClientKey, NewKeyView},
};

#[async_trait]
impl KeyControl for Audited {
    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.inner.client_keys().await
    }

    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError> {
        let name = key.name.clone();
        self.note("key.create", &name, self.inner.create_client_key(key).await).await
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        self.note("key.revoke", key, self.inner.revoke_client_key(key).await).await
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        self.note("key.rotate", key, self.inner.rotate_client_key(key).await).await
    }
}
