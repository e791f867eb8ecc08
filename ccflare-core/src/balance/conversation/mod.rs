//! Every conversation stays where its cache is; new ones go where the most room is.
//!
//! A conversation's prompt cache lives on one account and is worth up to forty times what reading it costs, so moving is
//! the exception: because the account can't serve, or because there is nothing to lose. Three parts, one file each:
//!
//! * [`headrooms`]: how much room each account has for one more conversation;
//! * [`decide`]: stay, wait or go, and at what price;
//! * [`Bindings`]: what is remembered of conversations.
//!
//! The first two are pure. [`Conversation`] hands them what the third remembers.

use std::{sync::Arc, time::Duration};

use super::{Plan, Strategy, Turn};
use crate::{
    domain::{AccountId, Facts, NanoUsd, Timestamp},
    live::Live,
    pool::Standing,
};

mod bindings;
mod decide;
mod headroom;
mod journal;
mod price;

pub use bindings::{Bindings, BindingsOptions, Bound};
pub use decide::{Memory, decide, replay};
pub use headroom::headrooms;
pub use journal::BindingWriter;
pub use price::price_of_moving;

/// What can be set about placing conversations.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConversationOptions {
    /// The longest wait for a throttled account where a conversation's cache is worth it. 10 s.
    pub longest_wait: Duration,
    /// A second of waiting is worth that much: so long is waited rather than paying for a move. $0.10.
    pub worth_a_second: NanoUsd,
    /// Where the longest wait is set instead, if it may change.
    pub live: Option<Live>,
}

impl Default for ConversationOptions {
    fn default() -> Self {
        Self { longest_wait: Duration::from_secs(10), worth_a_second: NanoUsd(100_000_000), live: None }
    }
}

impl ConversationOptions {
    /// The same with a longest wait that may change.
    #[must_use]
    pub fn following(self, live: Live) -> Self {
        Self { live: Some(live), ..self }
    }

    fn longest_wait(&self) -> Duration {
        self.live.as_ref().map_or(self.longest_wait, |live| live.read(|options| options.conversation_wait))
    }
}

/// See [the module](self).
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    bindings: Arc<Bindings>,
    options: ConversationOptions,
}

impl Conversation {
    /// A strategy that remembers conversations in `bindings`.
    #[must_use]
    pub const fn new(bindings: Arc<Bindings>, options: ConversationOptions) -> Self {
        Self { bindings, options }
    }
}

impl Strategy for Conversation {
    fn name(&self) -> &'static str {
        "conversation"
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let memory = self.bindings.recall(standings, facts, now);
        decide(standings, facts, &memory, &self.options, now)
    }

    fn notice(&self, turn: Turn<'_>, account: AccountId, facts: &Facts, at: Timestamp) {
        match turn {
            Turn::Begins => self.bindings.begins(account, facts, at),
            Turn::Answered => self.bindings.answered(account, facts, at),
            Turn::Ended(usage) => self.bindings.ended(account, facts, usage, at),
        }
    }
}
