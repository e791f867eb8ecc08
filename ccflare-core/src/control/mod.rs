//! What an operator can do: one trait, spoken by the JSON API, the pages, the CLI and the TUI alike.
//!
//! [`Local`] works in this process, [`Remote`] speaks to a running server; both answer with the same [`views`].

use async_trait::async_trait;

use crate::store::StoreError;

pub mod audited;
#[cfg(all(feature = "remote", feature = "redb"))]
mod connect;
pub mod local;
mod logins;
mod payloads;
mod present;
#[cfg(feature = "remote")]
pub mod remote;
pub mod views;

pub use audited::Audited;
#[cfg(all(feature = "remote", feature = "redb"))]
pub use connect::{Place, connect};
pub use local::Local;
pub use logins::Logins;
#[cfg(feature = "remote")]
pub use remote::Remote;
use views::{
    AccountEdit, AccountView, AuditQuery, AuditView, BrowserLinkView, ClientKeyView, LoginView, NewAccount,
    NewClientKey, NewKeyView, NewLogin, PayloadView, RequestPage, RequestPageQuery, RequestView, StatusView,
};

/// The list of what an operator can do. Accounts are named by id or by name, ids first.
#[async_trait]
pub trait Control: std::fmt::Debug + Send + Sync + 'static {
    /// How the gateway stands.
    async fn status(&self) -> Result<StatusView, ControlError>;

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

    /// A page of finished requests, newest first.
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError>;

    /// One finished request.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn request(&self, id: &str) -> Result<RequestView, ControlError>;

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

    // Doors: client keys, and the log of what operators changed. Keys are named by id or by name, ids first.

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

    /// A link that logs one browser in, once, within a minute.
    ///
    /// # Errors
    /// [`ControlError::Unavailable`] if no server is running.
    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError>;

    /// What operators changed, newest first.
    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError>;

    // What exchanges carried.

    /// What one request and its answer carried, if that was kept.
    ///
    /// # Errors
    /// [`ControlError::NotFound`].
    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError>;
}

/// Why an operator's wish was not fulfilled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It is so already, or something else is in the way.
    #[error("{0}")]
    Conflict(String),
    /// The wish makes no sense; says what would.
    #[error("{0}")]
    Invalid(String),
    /// The removal was not confirmed with the account's name.
    #[error("to remove account {0:?}, confirm with exactly this name")]
    ConfirmationRequired(String),
    /// The server did not accept the admin token.
    #[error("{0}")]
    Unauthorized(String),
    /// The server can't be reached, or can't do it now.
    #[error("{0}")]
    Unavailable(String),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken(_) | StoreError::KeyNameTaken(_) => Self::Conflict(error.to_string()),
            StoreError::NoSuchAccount => Self::NotFound(error.to_string()),
            other => Self::Store(other),
        }
    }
}
