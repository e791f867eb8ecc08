//! One client request as it is written down: what was asked, who answered, what it used and cost.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{AccountId, Asker, ClientKeyId, Decision, ExchangeId, NanoUsd, Preference, Timestamp, Usage};

/// What is known of a request; queued as it goes out, so that nothing can vanish. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The id of the exchange.
    pub id: ExchangeId,
    /// When the request arrived.
    pub at: Timestamp,
    /// Its method.
    pub method: http::Method,
    /// Its path, without the query: queries may carry anything.
    pub path: Arc<str>,
    /// The model it asks for.
    pub model: Option<Arc<str>>,
    /// Bytes of its body.
    pub request_bytes: u64,
    /// The client key it came with.
    pub client_key: Option<(ClientKeyId, Arc<str>)>,
    /// Who asks, as far as it tells.
    pub asker: Option<Arc<Asker>>,
    /// The model that the operator prefers for the agent that asks.
    pub preference: Option<Preference>,
}

impl Intent {
    /// The model that it is sent with.
    #[must_use]
    pub fn model_sent(&self) -> Option<&Arc<str>> {
        let applied = self.preference.as_ref().filter(|preference| preference.refused.is_none());
        applied.map(|preference| &preference.model).or(self.model.as_ref())
    }
}

/// One finished exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// What was asked. Shared: the ledger is told of it first, and so is whoever listens.
    pub intent: Arc<Intent>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status the client saw; `None` if it left before one, or the process died.
    pub status: Option<u16>,
    /// What went wrong, for people; at most a line.
    pub error: Option<Box<str>>,
    /// Every try, in order.
    pub attempts: Vec<AttemptRecord>,
    /// How long it took.
    pub timing: Timing,
    /// The model that answered, by its own word.
    pub model: Option<Arc<str>>,
    /// What it used; unknown counts are `None`.
    pub usage: Usage,
    /// What that cost, as far as it was told; `None` if the model or a count is unknown.
    pub cost: Option<NanoUsd>,
    /// The date of the price table that computed `cost`.
    pub priced: Option<Arc<str>>,
    /// Bytes of the answer's body that the client was given.
    pub response_bytes: u64,
    /// Why it went where it went; `None` if it never came so far.
    pub decision: Option<Box<Decision>>,
}

impl Exchange {
    /// An exchange of which only the intent is known, as recovery finds them.
    #[must_use]
    pub fn unfinished(intent: impl Into<Arc<Intent>>, outcome: Outcome) -> Self {
        Self {
            intent: intent.into(),
            outcome,
            status: None,
            error: None,
            attempts: Vec::new(),
            timing: Timing::default(),
            model: None,
            usage: Usage::default(),
            cost: None,
            priced: None,
            response_bytes: 0,
            decision: None,
        }
    }

    /// Whether the client got a whole answer that is not an error.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.outcome == Outcome::Answered && self.status.is_some_and(|status| status < 400)
    }

    /// Whether it may have cost something that nobody can tell: tokens without a price, an end before all of its usage was told
    /// (a stream begins with its input and says last what its output came to), or a batch, which is told of elsewhere. An answer
    /// without usage (an error, counted tokens, a list) costs nothing.
    #[must_use]
    pub fn is_cost_unknown(&self) -> bool {
        let open = matches!(self.outcome, Outcome::Cut | Outcome::Cancelled | Outcome::Interrupted);
        open || self.is_batch() || (self.cost.is_none() && self.usage.tokens.total().is_some())
    }

    /// Whether it has begun requests that are worked off later.
    fn is_batch(&self) -> bool {
        self.is_success() && self.intent.method == http::Method::POST && &*self.intent.path == "/v1/messages/batches"
    }

    /// How often it moved to another account.
    #[must_use]
    pub fn failovers(&self) -> u32 {
        let moves = self.attempts.iter().skip(1).filter(|attempt| attempt.choice != Choice::Retry).count();
        u32::try_from(moves).unwrap_or(u32::MAX)
    }

    /// The attempt that answered, or the last one made. An answer may have been kept while others were tried in vain.
    #[must_use]
    pub fn final_attempt(&self) -> Option<&AttemptRecord> {
        let answered = |attempt: &&AttemptRecord| attempt.status.is_some() && attempt.status == self.status;
        self.attempts.iter().rev().find(answered).or(self.attempts.last())
    }
}

/// How an exchange ended. Each ends in exactly one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The upstream's answer went through whole, whatever its status.
    Answered,
    /// No upstream answer could be had; the client got our own error.
    Failed,
    /// The upstream broke off, or reported an error, in the middle of its answer.
    Cut,
    /// The client left first.
    Cancelled,
    /// The process ended first; found open at the next start.
    Interrupted,
}

impl Outcome {
    /// The outcome as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cut => "cut",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Durations since the request arrived; `None` is a point never reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Until the answer's headers.
    pub headers: Option<Duration>,
    /// Until the first content of a stream.
    pub first_token: Option<Duration>,
    /// Until the end.
    pub end: Option<Duration>,
}

/// One try of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The account, or `None` for the client's own credentials.
    pub account: Option<(AccountId, Arc<str>)>,
    /// Why this account was tried.
    pub choice: Choice,
    /// When, since the request arrived.
    pub started: Duration,
    /// How long until its headers, its failure, or the moment the client left.
    pub took: Duration,
    /// The status it answered, if it did.
    pub status: Option<u16>,
    /// How the answer was judged.
    pub verdict: VerdictKind,
    /// What it said, where that is worth keeping; at most a line.
    pub detail: Option<Box<str>>,
}

/// Why an account was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// It holds the running session.
    ActiveSession,
    /// No session was running; it is first by priority and order.
    NewSession,
    /// Those before it could not serve.
    FailOver,
    /// The same account once more, after a short wait.
    Retry,
    /// No account is configured: the client's own credentials go on.
    ClientCredentials,
    /// A strategy of the embedder's own chose it.
    Strategy,
    /// What the request names lives there.
    Owner,
    /// The conversation lives there: so does its cache.
    Conversation,
    /// Its session lives there; of what it asks nothing is in the cache.
    Session,
    /// The conversation that this one was forked from lives there.
    Fork,
    /// It has the most room for one more conversation.
    Headroom,
}

impl Choice {
    /// The choice as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActiveSession => "active_session",
            Self::NewSession => "new_session",
            Self::FailOver => "fail_over",
            Self::Retry => "retry",
            Self::ClientCredentials => "client_credentials",
            Self::Strategy => "strategy",
            Self::Owner => "owner",
            Self::Conversation => "conversation",
            Self::Session => "session",
            Self::Fork => "fork",
            Self::Headroom => "headroom",
        }
    }
}

/// The class an attempt's end belongs to (the table of DESIGN "how an answer is judged").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A good answer.
    Success,
    /// The request itself is at fault.
    Request,
    /// A 429 that explains nothing.
    UnexplainedLimit,
    /// Asked to slow down.
    Throttle,
    /// A limit window is used up.
    Quota,
    /// The credential was refused.
    Credential,
    /// Payment, spend limit.
    Billing,
    /// The organisation is on hold.
    Hold,
    /// The account may not use the model.
    Entitlement,
    /// The provider is overloaded or broken.
    Overload,
    /// The network failed before the first byte.
    Network,
    /// Nobody waited for the end.
    Abandoned,
}

impl VerdictKind {
    /// The class as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Request => "request",
            Self::UnexplainedLimit => "unexplained_limit",
            Self::Throttle => "throttle",
            Self::Quota => "quota",
            Self::Credential => "credential",
            Self::Billing => "billing",
            Self::Hold => "hold",
            Self::Entitlement => "entitlement",
            Self::Overload => "overload",
            Self::Network => "network",
            Self::Abandoned => "abandoned",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{ExchangeId, Tokens};

    fn intent(path: &str) -> Intent {
        let at = Timestamp::from_micros(0) + Duration::from_secs(1);
        Intent {
            id: ExchangeId::new(at),
            at,
            method: http::Method::POST,
            path: path.into(),
            model: None,
            request_bytes: 0,
            client_key: None,
            asker: None,
            preference: None,
        }
    }

    #[test]
    fn a_cost_is_unknown_only_where_there_may_be_one() {
        let tokens = Tokens { input: Some(3), ..Tokens::default() };
        for (outcome, tokens, cost, unknown) in [
            (Outcome::Answered, tokens, Some(NanoUsd(9)), false),
            (Outcome::Answered, tokens, None, true),
            (Outcome::Answered, Tokens::default(), None, false),
            (Outcome::Failed, Tokens::default(), None, false),
            (Outcome::Cut, Tokens::default(), None, true),
            (Outcome::Cut, tokens, Some(NanoUsd(9)), true),
            (Outcome::Interrupted, Tokens::default(), None, true),
        ] {
            let usage = Usage { tokens, ..Usage::default() };
            let exchange = Exchange { usage, cost, ..Exchange::unfinished(intent("/v1/messages"), outcome) };
            assert_eq!(exchange.is_cost_unknown(), unknown, "{outcome:?} {tokens:?} {cost:?}");
        }
        for (status, unknown) in [(200, true), (400, false)] {
            let batch = Exchange::unfinished(intent("/v1/messages/batches"), Outcome::Answered);
            assert_eq!(Exchange { status: Some(status), ..batch }.is_cost_unknown(), unknown);
        }
    }

    #[test]
    fn an_answer_belongs_to_the_account_that_gave_it_though_others_were_asked_later() {
        let attempt = |name: &str, status: Option<u16>| AttemptRecord {
            account: Some((AccountId::from_bytes([1; 16]), name.into())),
            choice: Choice::FailOver,
            started: Duration::ZERO,
            took: Duration::ZERO,
            status,
            verdict: VerdictKind::Overload,
            detail: None,
        };
        for (status, expected) in [(Some(529), "a"), (Some(429), "b"), (Some(503), "c"), (None, "c")] {
            let attempts = vec![attempt("a", Some(529)), attempt("b", Some(429)), attempt("c", None)];
            let exchange =
                Exchange { attempts, status, ..Exchange::unfinished(intent("/v1/messages"), Outcome::Answered) };
            let (_, name) = exchange.final_attempt().and_then(|last| last.account.as_ref()).expect("an account");
            assert_eq!(&**name, expected, "{status:?}");
        }
    }
}
