//! Reads along in an answer for ids.

use std::sync::Arc;

use super::Ownership;
use crate::{
    clock::Clock,
    domain::{AccountId, OwnedId},
    provider::{Provider, Tells},
    record::Listener,
};

/// In an answer's extensions: what it tells of things that live on the account which gave it. It reads along as a
/// [`Listener`].
#[derive(Clone, Debug)]
pub struct Learner {
    pub(crate) ownership: Arc<Ownership>,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) account: AccountId,
    pub(crate) tells: Tells,
}

impl Learner {
    /// The data of a stream's event that may tell something, or a whole body that is no stream.
    fn hear(&self, data: &[u8]) {
        let now = self.clock.now();
        self.provider.told(self.tells, data, &mut |told| {
            if self.tells == Tells::Removal {
                self.ownership.forget(told.id);
            } else {
                let until = told.kept_for.map(|kept| now + kept);
                self.ownership.learn(OwnedId { id: told.id.into(), account: self.account, seen: now, until });
            }
        });
    }
}

impl Listener for Learner {
    fn wants(&mut self, event: &[u8]) -> bool {
        self.provider.may_tell(self.tells, event)
    }

    fn event(&mut self, event: &[u8], data: &[u8]) {
        if self.wants(event) {
            self.hear(data);
        }
    }

    fn body(&mut self, body: &[u8]) {
        self.hear(body);
    }
}
