//! What a verdict means for the account: which mark it gets, if any.

use std::time::Duration;

use crate::{
    domain::{ClosureReason, Mark, Scope, Timestamp},
    provider::Verdict,
};

/// Payment and holds end outside our sight: after this time real traffic asks again.
const UNSTATED: Duration = Duration::from_secs(10 * 60);

/// So long a refusal of a model is remembered.
const ENTITLEMENT: Duration = Duration::from_secs(60 * 60);

/// The mark that `verdict` puts on the account that was asked for `model`.
pub(super) fn mark(verdict: &Verdict, model: Option<&str>, now: Timestamp) -> Option<Mark> {
    let mark = |reason, scope, until, evidence: &str| {
        Some(Mark { reason, scope, since: now, until, evidence: evidence.into() })
    };
    match verdict {
        Verdict::Success | Verdict::Request | Verdict::UnexplainedLimit | Verdict::Overload { .. } => None,
        Verdict::Throttle { retry_after } => {
            let evidence = format!("asked to wait {} s", retry_after.as_secs_f32().ceil());
            mark(ClosureReason::Throttled, Scope::Account, Some(now + *retry_after), &evidence)
        }
        Verdict::Quota { scope, until, evidence } => mark(ClosureReason::Quota, scope.clone(), Some(*until), evidence),
        Verdict::Credential { evidence } => mark(ClosureReason::NeedsLogin, Scope::Account, None, evidence),
        Verdict::Billing { until, evidence } => {
            let until = until.unwrap_or(now + UNSTATED);
            mark(ClosureReason::Billing, Scope::Account, Some(until), evidence)
        }
        Verdict::Hold { evidence } => mark(ClosureReason::OnHold, Scope::Account, Some(now + UNSTATED), evidence),
        Verdict::Entitlement { evidence } => {
            let scope = model.map_or(Scope::Account, |model| Scope::Model(model.into()));
            mark(ClosureReason::NotEntitled, scope, Some(now + ENTITLEMENT), evidence)
        }
    }
}
