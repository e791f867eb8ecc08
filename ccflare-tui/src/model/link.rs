//! Whether what the face works on answers.

use ccflare_core::domain::Timestamp;

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It was not heard of yet.
    Connecting,
    /// It answers.
    Up,
    /// It does not; what is shown is as old as this.
    Lost { since: Timestamp, why: String },
}

impl Link {
    /// After it did not answer at `now`.
    pub(crate) fn lost(&self, now: Timestamp, why: String) -> Self {
        let since = if let Self::Lost { since, .. } = self { *since } else { now };
        Self::Lost { since, why }
    }

    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}
