//! How an answer is judged. Each class has one reaction and marks at most one scope.

use std::time::Duration;

use crate::domain::{Credential, Scope, Timestamp, exchange::VerdictKind};

/// A judged answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Good: pass on.
    Success,
    /// The request is at fault: pass on verbatim, no account could do better.
    Request,
    /// A 429 with neither windows nor `retry-after`: one other account, then pass on. Benches nobody.
    UnexplainedLimit,
    /// Slow down: wait in place if it is short, else move; closed until then.
    Throttle {
        /// How long, as the upstream asks.
        retry_after: Duration,
    },
    /// Limit windows are used up: move; closed until the latest reset of those rejected, without a cap.
    Quota {
        /// Which requests the windows are for.
        scope: Scope,
        /// The latest stated reset.
        until: Timestamp,
        /// The windows, for people: `5h rejected`.
        evidence: String,
    },
    /// The credential was refused: move; needs a login.
    Credential {
        /// The upstream's words.
        evidence: String,
    },
    /// Payment or a spend limit: move; visible.
    Billing {
        /// When it ends, if the upstream says.
        until: Option<Timestamp>,
        /// The upstream's words.
        evidence: String,
    },
    /// The organisation is on hold: move; visible.
    Hold {
        /// The upstream's words.
        evidence: String,
    },
    /// This account may not use the model: move; remembered for account and model.
    Entitlement {
        /// The upstream's words.
        evidence: String,
    },
    /// The provider is overloaded or broken: short jittered retry, at most one other account, then pass on.
    /// Never benches an account.
    Overload {
        /// How long the upstream asks to wait.
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// The same without `credential` in the upstream's words.
    #[must_use]
    pub fn hiding(mut self, credential: &Credential) -> Self {
        match &mut self {
            Self::Quota { evidence, .. }
            | Self::Credential { evidence }
            | Self::Billing { evidence, .. }
            | Self::Hold { evidence }
            | Self::Entitlement { evidence } => *evidence = credential.hide_in(evidence),
            Self::Success | Self::Request | Self::UnexplainedLimit | Self::Throttle { .. } | Self::Overload { .. } => {}
        }
        self
    }

    /// Its class, for the record.
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Success => VerdictKind::Success,
            Self::Request => VerdictKind::Request,
            Self::UnexplainedLimit => VerdictKind::UnexplainedLimit,
            Self::Throttle { .. } => VerdictKind::Throttle,
            Self::Quota { .. } => VerdictKind::Quota,
            Self::Credential { .. } => VerdictKind::Credential,
            Self::Billing { .. } => VerdictKind::Billing,
            Self::Hold { .. } => VerdictKind::Hold,
            Self::Entitlement { .. } => VerdictKind::Entitlement,
            Self::Overload { .. } => VerdictKind::Overload,
        }
    }
}
