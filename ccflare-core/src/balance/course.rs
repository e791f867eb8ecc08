//! What the end of one attempt means for the next step. Pure: it sees judgements and decides, the service acts.

use std::time::Duration;

use crate::{error::AttemptError, provider::Verdict};

/// The next step of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// This answer goes to the client.
    Deliver,
    /// The same account once more, after this long.
    Again(Duration),
    /// The same account once more, with tokens of another generation.
    Renew,
    /// The next candidate; without one, the answer at hand goes to the client.
    MoveOrDeliver,
    /// The next candidate; without one, the client is told that all are closed or failed.
    MoveOrRefuse,
    /// The client is told what failed.
    Refuse,
}

/// How far a request has come. Bounded: every account is asked at most twice, and an ailing provider costs at most one
/// other account.
#[derive(Clone, Debug)]
pub(super) struct Course {
    longest_wait: Duration,
    /// How long a throttle of the account at hand is waited for.
    patience: Duration,
    repeatable: bool,
    retried: bool,
    renewed: bool,
    detoured: bool,
}

impl Course {
    /// A request that may wait in place for up to `longest_wait`, and be sent again after it may have arrived only if
    /// it is `repeatable`.
    pub(super) const fn new(longest_wait: Duration, repeatable: bool) -> Self {
        Self { longest_wait, patience: longest_wait, repeatable, retried: false, renewed: false, detoured: false }
    }

    /// The account at hand is worth waiting for `patience` while it is throttled.
    pub(super) fn worth(&mut self, patience: Duration) {
        self.patience = self.longest_wait.max(patience);
    }

    /// The request has moved on to another account.
    pub(super) const fn moved(&mut self) {
        self.patience = self.longest_wait;
        self.retried = false;
        self.renewed = false;
    }

    /// An answer came. `renewable`: it was asked for with tokens that can be renewed. `jitter` (0 to 1) spreads the
    /// retries of many clients.
    pub(super) fn after_answer(&mut self, verdict: &Verdict, renewable: bool, jitter: f64) -> Step {
        match verdict {
            // Once: if the API refuses fresh tokens too, it is the account that is refused.
            Verdict::Credential { .. } if renewable && !self.renewed => {
                self.renewed = true;
                Step::Renew
            }
            Verdict::Success | Verdict::Request => Step::Deliver,
            Verdict::UnexplainedLimit => self.detour(),
            Verdict::Throttle { retry_after } => self.again(*retry_after, self.patience).unwrap_or(Step::MoveOrRefuse),
            Verdict::Quota { .. } | Verdict::Credential { .. } | Verdict::Billing { .. } | Verdict::Hold { .. } => {
                Step::MoveOrRefuse
            }
            Verdict::Entitlement { .. } => Step::MoveOrDeliver,
            // It may have been done all the same.
            Verdict::Overload { .. } if self.detoured || !self.repeatable => Step::Deliver,
            Verdict::Overload { retry_after } => {
                let wait = retry_after.unwrap_or_else(|| self.longest_wait.mul_f64(0.2 + 0.4 * jitter));
                self.again(wait, self.longest_wait).unwrap_or_else(|| self.detour())
            }
        }
    }

    /// No answer came.
    pub(super) fn after_failure(&mut self, error: &AttemptError) -> Step {
        if matches!(error, AttemptError::Timeout(_)) || (error.may_have_arrived() && !self.repeatable) {
            return Step::Refuse;
        }
        if matches!(error, AttemptError::Prepare(_) | AttemptError::Credential(_)) {
            return Step::MoveOrRefuse;
        }
        self.again(Duration::ZERO, self.longest_wait).unwrap_or(Step::MoveOrRefuse)
    }

    /// Once for each account, and only for a wait that is short.
    fn again(&mut self, wait: Duration, longest: Duration) -> Option<Step> {
        let may = !self.retried && wait <= longest;
        self.retried |= may;
        may.then_some(Step::Again(wait))
    }

    /// Once for each request: another account may be luckier, a third one hardly.
    const fn detour(&mut self) -> Step {
        if self.detoured {
            return Step::Deliver;
        }
        self.detoured = true;
        Step::MoveOrDeliver
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Scope, Timestamp};

    const SECOND: Duration = Duration::from_secs(1);

    fn course() -> Course {
        Course::new(SECOND, true)
    }

    fn throttle(millis: u64) -> Verdict {
        Verdict::Throttle { retry_after: Duration::from_millis(millis) }
    }

    #[test]
    fn what_leaves_a_trace_is_sent_once_whatever_ails_the_provider() {
        let overload = Verdict::Overload { retry_after: None };
        assert_eq!(Course::new(SECOND, false).after_answer(&overload, false, 0.0), Step::Deliver);
        assert!(matches!(course().after_answer(&overload, false, 0.0), Step::Again(_)));
    }

    #[test]
    fn a_short_throttle_waits_once_in_place_and_then_moves() {
        let mut course = course();
        assert_eq!(course.after_answer(&throttle(800), false, 0.0), Step::Again(Duration::from_millis(800)));
        assert_eq!(course.after_answer(&throttle(800), false, 0.0), Step::MoveOrRefuse);
        course.moved();
        assert_eq!(course.after_answer(&throttle(800), false, 0.0), Step::Again(Duration::from_millis(800)));
    }

    #[test]
    fn a_longer_throttle_is_waited_for_where_that_is_worth_it_and_only_there() {
        let mut course = course();
        course.worth(5 * SECOND);
        assert_eq!(course.after_answer(&throttle(4000), false, 0.0), Step::Again(4 * SECOND));
        course.moved();
        assert_eq!(course.after_answer(&throttle(4000), false, 0.0), Step::MoveOrRefuse);
    }

    #[test]
    fn a_long_throttle_moves_at_once() {
        assert_eq!(course().after_answer(&throttle(1001), false, 0.0), Step::MoveOrRefuse);
    }

    #[test]
    fn overload_costs_one_retry_and_one_other_account() {
        let overload = Verdict::Overload { retry_after: None };
        let mut course = course();
        assert!(
            matches!(course.after_answer(&overload, false, 0.5), Step::Again(wait) if wait < SECOND && !wait.is_zero())
        );
        assert_eq!(course.after_answer(&overload, false, 0.5), Step::MoveOrDeliver);
        course.moved();
        assert_eq!(course.after_answer(&overload, false, 0.5), Step::Deliver);
    }

    #[test]
    fn overload_that_asks_for_a_long_wait_is_not_retried_in_place() {
        let overload = Verdict::Overload { retry_after: Some(Duration::from_secs(30)) };
        assert_eq!(course().after_answer(&overload, false, 0.0), Step::MoveOrDeliver);
    }

    #[test]
    fn an_unexplained_limit_tries_one_other_account() {
        let mut course = course();
        assert_eq!(course.after_answer(&Verdict::UnexplainedLimit, false, 0.0), Step::MoveOrDeliver);
        course.moved();
        assert_eq!(course.after_answer(&Verdict::UnexplainedLimit, false, 0.0), Step::Deliver);
    }

    #[test]
    fn each_used_up_window_moves_on() {
        let quota =
            Verdict::Quota { scope: Scope::Account, until: Timestamp::from_seconds(1), evidence: String::new() };
        let mut course = course();
        for _ in 0..10 {
            assert_eq!(course.after_answer(&quota, false, 0.0), Step::MoveOrRefuse);
            course.moved();
        }
    }

    #[test]
    fn refused_tokens_are_renewed_once_and_refused_keys_never() {
        let refused = Verdict::Credential { evidence: String::new() };
        assert_eq!(course().after_answer(&refused, false, 0.0), Step::MoveOrRefuse);
        let mut course = course();
        assert_eq!(course.after_answer(&refused, true, 0.0), Step::Renew);
        assert_eq!(course.after_answer(&refused, true, 0.0), Step::MoveOrRefuse);
        course.moved();
        assert_eq!(course.after_answer(&refused, true, 0.0), Step::Renew);
    }

    #[test]
    fn a_request_that_may_have_arrived_is_sent_again_only_if_that_is_harmless() {
        let reset = AttemptError::Reset("reset".into());
        assert_eq!(Course::new(SECOND, false).after_failure(&reset), Step::Refuse);
        let mut course = course();
        assert_eq!(course.after_failure(&reset), Step::Again(Duration::ZERO));
        assert_eq!(course.after_failure(&reset), Step::MoveOrRefuse);
        let unsent = AttemptError::Connect("refused".into());
        assert_eq!(Course::new(SECOND, false).after_failure(&unsent), Step::Again(Duration::ZERO));
    }

    #[test]
    fn a_timeout_is_not_repeated() {
        assert_eq!(course().after_failure(&AttemptError::Timeout(SECOND)), Step::Refuse);
    }
}
