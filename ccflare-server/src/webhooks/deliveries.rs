//! What has become of the events that a receiver was to be told.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use ccflare_core::{control::views::DeliveryView, domain::Timestamp};
use http::StatusCode;

/// Whether an event is done with after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    Retrying,
    GivenUp,
}

/// Counted since the server was started. Clones count together: the settings show what the sender notes.
#[derive(Clone, Debug, Default)]
pub(super) struct Deliveries {
    counted: Arc<Mutex<Counted>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    pub(super) delivered: u64,
    pub(super) given_up: u64,
    pub(super) last: Option<DeliveryView>,
}

impl Deliveries {
    /// What the `tries`th try of an event has come to.
    pub(super) fn note(&self, event: &str, tries: u32, outcome: Outcome, answer: &Result<StatusCode, String>) {
        let mut counted = self.lock();
        let word = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Retrying => "retrying",
            Outcome::GivenUp => "given_up",
        };
        counted.delivered += u64::from(outcome == Outcome::Delivered);
        counted.given_up += u64::from(outcome == Outcome::GivenUp);
        counted.last = Some(DeliveryView {
            at: Timestamp::from(SystemTime::now()).to_string(),
            event: event.to_owned(),
            outcome: word.to_owned(),
            tries,
            status: answer.as_ref().ok().map(StatusCode::as_u16),
            error: answer.as_ref().err().cloned(),
        });
    }

    pub(super) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Whatever is in it can be shown.
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
