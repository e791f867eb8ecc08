//! Logins: how an account comes by its tokens.

use async_trait::async_trait;

use super::{
    ControlError,
    views::{AccountView, LoginView, NewLogin},
};

/// Logins of accounts at authorization servers.
#[async_trait]
pub trait LoginControl: std::fmt::Debug + Send + Sync + 'static {
    /// Begins the login of a new account, or of one that is there (its history and settings stay). The address it
    /// returns is for a person's browser; the code that comes of it is for [`complete_login`](Self::complete_login).
    ///
    /// # Errors
    /// [`ControlError::Invalid`] for an authorization server or a name that won't do; [`ControlError::Conflict`] for a
    /// name that is taken; [`ControlError::NotFound`] for an account that is not there.
    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError>;

    /// Ends a login with what the browser showed or where it ended: the account has its tokens then.
    ///
    /// # Errors
    /// [`ControlError::NotFound`] if the login is over; [`ControlError::Invalid`] if what was pasted is no code, belongs
    /// to another login, or is refused; [`ControlError::Unavailable`] if the authorization server can't be asked.
    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError>;
}
