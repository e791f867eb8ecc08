//! The nouns: plain values, no I/O, no clocks, no locks.
//!
//! Everything else in the crate speaks in these words, and none of them knows who uses it.

pub mod account;
pub mod agent;
pub mod audit;
pub mod binding;
pub mod client_key;
pub mod conversation;
pub mod credential;
pub mod decision;
pub mod exchange;
pub mod facts;
pub mod id;
pub mod login;
pub mod owned_id;
pub mod payload;
pub mod secret;
pub mod time;
pub mod units;
pub mod usage;

pub use account::{
    Account, AccountChange, AccountState, Closure, ClosureReason, Limits, Mark, Scope, Session, Tier, Window,
};
pub use agent::{ANY_AGENT, AgentPreference, INHERIT, Workspace};
pub use audit::{Actor, AuditEntry};
pub use binding::{Binding, Lane};
pub use client_key::{ClientKey, KeyDigest, KeyState};
pub use conversation::{Asker, Fingerprint, Preference, SessionKey};
pub use credential::{Credential, TokenSet};
pub use decision::{Decision, Excluded, Headroom, Leaving, Move, Named, Ranked};
pub use exchange::{AttemptRecord, Choice, Exchange, Intent, Outcome, Timing, VerdictKind};
pub use facts::{Facts, RequestFacts};
pub use id::{AccountId, AuditId, ClientKeyId, ExchangeId, LoginId};
pub use login::{LoginPurpose, PendingLogin};
pub use owned_id::OwnedId;
pub use payload::{Payload, PayloadSide};
pub use secret::Secret;
pub use time::Timestamp;
pub use units::NanoUsd;
pub(crate) use usage::is_model_name;
pub use usage::{ModelFamily, ModelUsage, Tokens, Usage};
