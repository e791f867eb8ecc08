//! Client keys: who may come in.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{ClientKeyView, NewClientKey, NewKeyView},
};

/// Client keys, named by id or by name, ids first.
#[async_trait]
pub trait KeyControl: std::fmt::Debug + Send + Sync + 'static {
    /// All client keys, in the order in which they were made.
    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError>;

    /// Makes a client key and returns it, the only time that it is shown.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a name or model that won't do, [`ControlError::NotFound`] for an account that is
    /// not there, [`ControlError::Conflict`] for a name that is taken.
    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError>;

    /// Takes a client key back: it opens nothing from the next request on. Its records stay.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]; [`ControlError::Conflict`] if it is revoked already.
    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError>;

    /// Exchanges a client key for a new one with the same name and rights; the old one opens nothing any more.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]; [`ControlError::Conflict`] if it does not work any more.
    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError>;
}
