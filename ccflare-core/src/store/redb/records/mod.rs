//! The rows as they are stored, and the domain values they stand for. Rows borrow their text both ways.
//!
//! Moments are `i64` and durations `u64` microseconds; what is unknown is `None`. Closed sets of words are stored as
//! numbers of their own, so that reordering a domain enum changes nothing on disk.

use super::codec::CodecError;
use crate::domain::{Choice, ClosureReason, ModelFamily, Outcome, Tier, VerdictKind};

mod account;
mod agents;
mod audit;
mod binding;
mod client_key;
mod decision;
mod exchange;
mod intent;
mod login;
mod payload;
mod said;
mod sums;

pub(super) use account::{PlacedAccount, decode_account, decode_credential, encode_account, encode_credential};
pub(super) use agents::{decode_preference, decode_workspace, encode_preference, encode_workspace};
pub(super) use audit::{decode_audit, encode_audit};
pub(super) use binding::{decode_binding, encode_binding};
pub(super) use client_key::{decode_client_key, encode_client_key};
pub(super) use exchange::{decode_exchange, encode_exchange};
pub(super) use intent::{decode_intent, encode_intent};
pub(super) use login::{decode_login, encode_login};
pub(super) use payload::{decode_payload, encode_payload};
pub(super) use sums::{
    SessionRow, decode_cell, decode_dimensions, decode_session, encode_cell, encode_dimensions, encode_session,
    level_code, no_sketch, read_cell,
};

/// Why bytes stand for no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// They are no row.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// They are a row, but a field has no meaning.
    #[error("{field} can't be {value:?}")]
    Field { field: &'static str, value: String },
}

fn senseless(field: &'static str, value: impl ToString) -> RecordError {
    RecordError::Field { field, value: value.to_string() }
}

/// A closed set of words and the numbers they are stored as.
trait Code: Copy {
    fn code(self) -> u8;
    fn of_code(code: u8) -> Result<Self, RecordError>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),+ $(,)? })+) => {$(
        impl Code for $name {
            fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            fn of_code(code: u8) -> Result<Self, RecordError> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    other => Err(senseless(stringify!($name), other)),
                }
            }
        }
    )+};
}

// Numbers are never given a second meaning.
codes! {
    Outcome { Answered = 0, Failed = 1, Cut = 2, Cancelled = 3, Interrupted = 4 }
    Choice {
        ActiveSession = 0, NewSession = 1, FailOver = 2, Retry = 3, ClientCredentials = 4, Strategy = 5,
        Conversation = 6, Fork = 7, Headroom = 8, Session = 9, Owner = 20,
    }
    VerdictKind {
        Success = 0, Request = 1, UnexplainedLimit = 2, Throttle = 3, Quota = 4, Credential = 5, Billing = 6, Hold = 7,
        Entitlement = 8, Overload = 9, Network = 10, Abandoned = 11,
    }
    ClosureReason {
        Paused = 0, NeedsLogin = 1, Billing = 2, OnHold = 3, Quota = 4, Throttled = 5, NotEntitled = 6, NoTokens = 7,
    }
    ModelFamily { Opus = 0, Sonnet = 1, Haiku = 2, Fable = 3, Other = 4 }
    Tier { One = 1, Five = 5, Twenty = 20 }
}

#[cfg(test)]
mod tests;
