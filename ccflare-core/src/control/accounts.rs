//! The accounts: who they are, and what an operator does to them.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{AccountEdit, AccountView, NewAccount},
};

/// Accounts, named by id or by name, ids first.
#[async_trait]
pub trait AccountControl: std::fmt::Debug + Send + Sync + 'static {
    /// All accounts, in the order in which they are tried when no session runs.
    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError>;

    /// Adds an account and returns it.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for a name, key, URL or provider that won't do; [`ControlError::Conflict`] for a name
    /// that is taken.
    async fn add_account(&self, account: NewAccount) -> Result<AccountView, ControlError>;

    /// Pauses, resumes, renames, reorders or resizes an account, and returns it.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]; [`ControlError::Conflict`] if it is so already, or the name is taken.
    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError>;

    /// Removes an account; its records stay. `confirm` must be its name.
    ///
    /// # Errors
    /// [`ControlError::NotFound`], [`ControlError::ConfirmationRequired`].
    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError>;
}
