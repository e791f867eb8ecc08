//! Which account holds what.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::OwnedId;

/// Ids that live on one account. Whoever writes bounds them; a store keeps what it is given until it is told to forget.
#[async_trait]
pub trait OwnershipStore: std::fmt::Debug + Send + Sync + 'static {
    /// All of them, the one that was seen longest ago first.
    ///
    /// # Errors
    /// If the backend fails.
    async fn owned_ids(&self) -> Result<Vec<OwnedId>, StoreError>;

    /// Forgets the `gone` and writes down the `seen`, each in the place of what was known of the same id. All or
    /// nothing; durable when it returns.
    ///
    /// # Errors
    /// If the backend fails; then nothing was written and the same may be given again.
    async fn note_owned_ids(&self, seen: &[OwnedId], gone: &[std::sync::Arc<str>]) -> Result<(), StoreError>;
}
