//! What an operator can do: one trait, spoken by the JSON API, the pages, the CLI and the TUI alike.
//!
//! [`Local`] works in this process, [`Remote`] speaks to a running server; both answer with the same [`views`].

use crate::store::StoreError;

mod accounts;
mod agents;
mod analytics;
mod audit;
pub mod audited;
#[cfg(all(feature = "remote", feature = "redb"))]
mod connect;
mod export;
mod gateway;
mod keys;
mod live;
pub mod local;
mod logins;
mod maintenance;
mod placement;
#[cfg(feature = "remote")]
pub mod remote;
mod requests;
mod settings;
pub mod views;

pub use accounts::AccountControl;
pub use agents::AgentControl;
pub use analytics::AnalyticsControl;
pub use audit::AuditControl;
pub use audited::Audited;
#[cfg(all(feature = "remote", feature = "redb"))]
pub use connect::{Place, connect};
pub use export::ExportFormat;
pub use gateway::GatewayControl;
pub use keys::KeyControl;
pub use live::{EventStream, LiveControl};
pub use local::{Local, Logins, Logs, valid_base_url};
pub use logins::LoginControl;
pub use maintenance::MaintenanceControl;
pub use placement::PlacementControl;
#[cfg(feature = "remote")]
pub use remote::Remote;
pub use requests::RequestControl;
pub use settings::SettingsControl;

/// The list of what an operator can do, one trait a subject; whoever can do all of it is a `Control`.
///
/// A change that has begun has to be awaited: one whose future is dropped may be in the store and not at work. Who may leave
/// meanwhile, such as a handler whose client hangs up, spawns it.
pub trait Control:
    GatewayControl
    + AccountControl
    + LoginControl
    + RequestControl
    + KeyControl
    + AuditControl
    + AnalyticsControl
    + MaintenanceControl
    + SettingsControl
    + LiveControl
    + PlacementControl
    + AgentControl
{
}

impl<T> Control for T where
    T: GatewayControl
        + AccountControl
        + LoginControl
        + RequestControl
        + KeyControl
        + AuditControl
        + AnalyticsControl
        + MaintenanceControl
        + SettingsControl
        + LiveControl
        + PlacementControl
        + AgentControl
{
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
    /// It was meant for something that has changed meanwhile.
    #[error("{0}")]
    Stale(String),
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
            StoreError::NameTaken(_) | StoreError::KeyNameTaken(_) | StoreError::BackupTaken(_) => {
                Self::Conflict(error.to_string())
            }
            StoreError::BackupName(_) => Self::Invalid(error.to_string()),
            StoreError::NoSuchAccount | StoreError::NoSuchBackup(_) => Self::NotFound(error.to_string()),
            other => Self::Store(other),
        }
    }
}
