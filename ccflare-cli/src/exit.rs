//! What the process ends with, so that scripts can tell.

use std::{
    io,
    process::{ExitCode, Termination},
};

use ccflare_core::{control::ControlError, store::StoreError};
use ccflare_server::config::ConfigError;

/// The table that `--help` shows.
pub(crate) const HELP: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or \
                               configuration, 3 not found, 4 refused as it is (taken, \
                               unconfirmed, invalid), 69 server or store not available, 77 not allowed";

/// Something is wrong with the machine, and it has been told already.
#[derive(Debug, thiserror::Error)]
#[error("something needs mending")]
pub(crate) struct Unwell;

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    Misconfigured,
    NotFound,
    Refused,
    Unavailable,
    Denied,
}

impl Exit {
    /// What an error ends with.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<ConfigError>() {
            return Self::Misconfigured;
        }
        // As it is told where a `Control` stands between.
        if error.is::<StoreError>() {
            return Self::Unavailable;
        }
        match error.downcast_ref::<ControlError>() {
            Some(ControlError::NotFound(_)) => Self::NotFound,
            Some(
                ControlError::Conflict(_)
                | ControlError::Stale(_)
                | ControlError::Invalid(_)
                | ControlError::ConfirmationRequired(_),
            ) => Self::Refused,
            Some(ControlError::Unauthorized(_)) => Self::Denied,
            Some(_) => Self::Unavailable,
            None => Self::Failed,
        }
    }
}

/// Whether nobody reads any more what is said.
pub(crate) fn is_hang_up(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Misconfigured => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::Unavailable => 69,
            Self::Denied => 77,
        })
    }
}
