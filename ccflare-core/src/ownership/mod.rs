//! Which account made what.
//!
//! A file, a batch, a container or a thread exists on the account that made it and nowhere else. [`Ownership`] learns the
//! ids of such things from answers, while these pass ([`Learner`]), and tells the balancer where a request that names one
//! has to go. It knows no wire format: which ids a request or an answer names is the
//! [`Provider`](crate::provider::Provider)'s to say.
//!
//! What is known is bounded, the oldest is forgotten first, and it survives a restart: a task of its own writes it down
//! behind the requests' backs. An id that could not be written down in time is still known until the process ends.
//!
//! ```
//! use std::sync::Arc;
//! use ccflare_core::domain::{AccountId, OwnedId, Timestamp};
//! use ccflare_core::ownership::Ownership;
//!
//! let now = Timestamp::from_seconds(1_800_000_000);
//! let (ownership, account) = (Ownership::default(), AccountId::new(now));
//! ownership.learn(OwnedId { id: "file_1".into(), account, seen: now, until: None });
//! assert_eq!(ownership.owner("file_1", now), Some(account));
//! assert_eq!(ownership.owner("file_2", now), None);
//! ```

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    domain::{AccountId, OwnedId, Timestamp},
    store::{OwnershipStore, StoreError},
};
use known::{Known, Learned};
use writer::{Note, Notes};

mod known;
mod learner;
mod writer;

pub use learner::Learner;
pub use writer::OwnershipWriter;

/// The ids known, shared by who learns and who asks.
#[derive(Debug, Default)]
pub struct Ownership {
    known: Mutex<Known>,
    notes: Option<Notes>,
}

impl Ownership {
    /// Loads what `store` has, and starts the task that writes down what comes.
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(store: Arc<dyn OwnershipStore>) -> Result<(Self, OwnershipWriter), StoreError> {
        let mut known = Known::default();
        let mut too_many = Vec::new();
        for owned in store.owned_ids().await? {
            if let Learned::New { forgotten } = known.learn(owned) {
                too_many.extend(forgotten);
            }
        }
        let (notes, writer) = writer::start(store);
        too_many.into_iter().for_each(|id| notes.push(Note::Gone(id)));
        Ok((Self { known: Mutex::new(known), notes: Some(notes) }, writer))
    }

    /// Whose `id` is, as far as anybody knows.
    #[must_use]
    pub fn owner(&self, id: &str, now: Timestamp) -> Option<AccountId> {
        self.known.lock().owner(id, now)
    }

    /// An answer has named an id.
    pub fn learn(&self, owned: OwnedId) {
        // Noted under the lock, so that the store sees one id's changes in the order in which they happened.
        let mut known = self.known.lock();
        if let Learned::New { forgotten } = known.learn(owned.clone()) {
            self.note(Note::Seen(owned));
            forgotten.into_iter().for_each(|id| self.note(Note::Gone(id)));
        }
    }

    /// What has this id is gone.
    pub fn forget(&self, id: &str) {
        let mut known = self.known.lock();
        if let Some(id) = known.forget(id) {
            self.note(Note::Gone(id));
        }
    }

    fn note(&self, note: Note) {
        if let Some(notes) = &self.notes {
            notes.push(note);
        }
    }
}
