//! Why nobody answered, in words for the client.

use std::sync::Arc;

use super::Walk;
use crate::{
    balance::Plan,
    domain::{Account, Closure, Timestamp},
    error::{AttemptError, Refusal},
};

impl<S> Walk<S> {
    /// The candidates are used up: says why, and when it makes sense to ask again.
    pub(super) fn nobody(&self, last_failure: Option<&AttemptError>) -> Refusal {
        let now = self.now();
        let accounts = self.standings().into_iter().map(|standing| standing.account);
        let plan = Plan::of(accounts, &self.facts, now);
        if plan.candidates.is_empty() {
            return all_closed(&plan, self.home.because().as_deref(), now);
        }
        let message = match last_failure {
            Some(error) => format!("no account came to an answer; the last one: {error}"),
            None => "no account can take this request".to_owned(),
        };
        Refusal::AllFailed { message }
    }
}

pub(super) fn refusal(error: &AttemptError) -> Refusal {
    let message = format!("the upstream gave no answer: {error}");
    match error {
        AttemptError::Timeout(_) => Refusal::UpstreamTimeout { message },
        _ => Refusal::AllFailed { message },
    }
}

fn all_closed(plan: &Plan, because: Option<&str>, now: Timestamp) -> Refusal {
    let because = because.unwrap_or("no account can serve now");
    let line = |(account, closure): &(Arc<Account>, Closure)| {
        let reason = closure.reason.as_str();
        match closure.until {
            Some(until) => format!("{}: {reason} until {until}", account.name),
            None => format!("{}: {reason}", account.name),
        }
    };
    let reasons: Vec<_> = plan.closed.iter().map(line).collect();
    let opens = plan.closed.iter().filter_map(|(_, closure)| closure.until).min();
    Refusal::AllClosed {
        retry_after: opens.map(|until| until.since(now)),
        message: format!("{because} ({})", reasons.join("; ")),
    }
}
