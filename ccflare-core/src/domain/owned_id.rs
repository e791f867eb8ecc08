//! Who holds what lives on one account.

use std::sync::Arc;

use super::{AccountId, Timestamp};

/// The id of something that one account made and no other one knows: a file, a batch, a container, a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedId {
    /// Its name upstream.
    pub id: Arc<str>,
    /// Who made it.
    pub account: AccountId,
    /// When it was last seen.
    pub seen: Timestamp,
    /// When the upstream will have forgotten it, if it forgets such things by itself.
    pub until: Option<Timestamp>,
}
