//! Writes down who changed what: a [`Control`] around another one.
//!
//! Whoever carries out a wish for somebody says so with [`on_behalf_of`]; what is done outside of it is this process's
//! own doing. A task's own variable, not an argument: no route can forget to pass it on.

use std::{future::Future, sync::Arc};

use super::{Control, ControlError};
use crate::{
    clock::Clock,
    domain::{Actor, AuditEntry, AuditId},
    store::Store,
};

mod accounts;
mod agents;
mod analytics;
mod audit;
mod gateway;
mod keys;
mod live;
mod logins;
mod maintenance;
mod placement;
mod requests;
mod settings;

tokio::task_local! {
    static ACTOR: Actor;
}

/// Does `work`, and has every change made in it written down as `actor`'s.
pub async fn on_behalf_of<T>(actor: Actor, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor, work).await
}

/// Carries out wishes as `inner` does, and writes every change, done or refused, to the audit log.
#[derive(Debug)]
pub struct Audited {
    inner: Arc<dyn Control>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Audited {
    /// What is done through it is written down in `store`.
    #[must_use]
    pub fn new(inner: Arc<dyn Control>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, store, clock }
    }

    /// Writes one change down, and passes its result on. The change has happened by then: a log that can't be written
    /// is an error in the server's own log, and does not pretend that nothing was done.
    async fn note<T>(&self, action: &str, subject: &str, done: Result<T, ControlError>) -> Result<T, ControlError> {
        let at = self.clock.now();
        let entry = AuditEntry {
            id: AuditId::new(at),
            at,
            actor: ACTOR.try_with(Actor::clone).unwrap_or(Actor::Local),
            action: action.to_owned(),
            subject: subject.chars().take(LONGEST).collect(),
            refused: done.as_ref().err().map(|error| error.to_string().chars().take(LONGEST).collect()),
        };
        if let Err(error) = self.store.write_audit(&entry).await {
            tracing::error!(%error, action, subject, "the audit log can't be written");
        }
        done
    }
}

/// Names are short; what is longer was meant to fill the log.
const LONGEST: usize = 200;
