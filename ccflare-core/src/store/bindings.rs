//! Where conversations live.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{Binding, SessionKey};

/// Where conversations live: nothing that could not be lost, but caches are worth money.
#[async_trait]
pub trait BindingStore: std::fmt::Debug + Send + Sync + 'static {
    /// All bindings, in any order.
    ///
    /// # Errors
    /// If the backend fails.
    async fn bindings(&self) -> Result<Vec<Binding>, StoreError>;

    /// Puts `kept` in the place of what was known of those sessions, and forgets `gone`; all or nothing, durable when
    /// it returns.
    ///
    /// # Errors
    /// If the backend fails.
    async fn keep_bindings(&self, kept: &[Binding], gone: &[SessionKey]) -> Result<(), StoreError>;
}
