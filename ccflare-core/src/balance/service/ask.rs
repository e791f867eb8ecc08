//! One account is asked, until it is clear whether it answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, header};
use http_body::Body;
use tower::{Service, ServiceExt};

use super::{Walk, deliver, refusal::refusal};
use crate::{
    balance::{
        Attempt, Candidate, SentWith, ServedBody, Target, Turn,
        course::{Course, Step},
        mark::mark,
    },
    domain::{Account, Choice, ClosureReason, Timestamp, exchange::VerdictKind},
    error::{AttemptError, Refusal},
    pool::{AccountPool, InFlight},
    provider::{Answer, Provider, Served, Verdict},
    record::decode,
};

/// Waits are prolonged by up to so much of themselves.
const SPREAD: f64 = 0.05;

/// So much of an error's body is read to judge it.
const ERROR_BODY: usize = 64 * 1024;

/// So long the rest of it is waited for; another account may answer meanwhile. Its status says the most.
const ERROR_PATIENCE: Duration = Duration::from_secs(5);

/// One attempt's end.
pub(super) enum End<B: Body> {
    /// With the generation of the tokens that were sent, if any were.
    Answer(Response<ServedBody<B>>, Verdict, Option<u64>),
    Failure(AttemptError),
}

/// What asking one account has come to.
pub(super) enum Asked<B: Body> {
    /// This goes to the client.
    Deliver(Response<ServedBody<B>>),
    /// This goes to the client if nobody answers better.
    Spare(Response<ServedBody<B>>),
    /// It can't serve, and is marked.
    Closed,
    /// It gave no answer.
    Failed(AttemptError),
    /// Asking on would do harm.
    Refuse(Refusal),
}

impl<S, B> Walk<S>
where
    S: Service<Attempt, Response = Response<B>, Error = AttemptError> + Clone,
    B: Body<Data = Bytes, Error: Unpin> + Unpin,
{
    /// Asks one account until it is clear whether it answers.
    pub(super) async fn ask(
        &mut self,
        candidate: &Candidate,
        provider: &Arc<dyn Provider>,
        course: &mut Course,
    ) -> Asked<B> {
        let (mut choice, mut refused) = (candidate.choice, None);
        let mut account = Arc::clone(&candidate.account);
        if !self.named.is_aside {
            self.shared.strategy.notice(Turn::Begins, candidate.account.id, &self.facts, self.now());
        }
        loop {
            let target = Target::Account(Arc::clone(&account));
            let end = self.attempt(target, provider, choice, refused).await;
            let step = match &end {
                End::Answer(_, verdict, sent) => course.after_answer(verdict, sent.is_some(), rand::random()),
                End::Failure(error) => course.after_failure(error),
            };
            match (step, end) {
                (Step::Again(wait), end) => {
                    if let End::Answer(_, verdict, sent) = &end
                        && wait > self.shared.longest_wait()
                    {
                        // Others need not find out for themselves.
                        self.remember(&account, verdict, *sent);
                    }
                    drop(end);
                    pause(&self.shared.pool, candidate, wait).await;
                    match self.after_a_pause(candidate) {
                        Some(current) => account = current,
                        None => return Asked::Closed,
                    }
                }
                (Step::Renew, End::Answer(.., sent)) => refused = sent,
                (Step::Deliver, End::Answer(response, ..)) => {
                    return Asked::Deliver(deliver(response));
                }
                (Step::MoveOrDeliver, End::Answer(response, verdict, sent)) => {
                    self.remember(&account, &verdict, sent);
                    return Asked::Spare(deliver(response));
                }
                (_, End::Answer(_, verdict, sent)) => {
                    self.remember(&account, &verdict, sent);
                    return Asked::Closed;
                }
                (Step::Refuse, End::Failure(error)) => return Asked::Refuse(refusal(&error)),
                (_, End::Failure(error)) => return Asked::Failed(error),
            }
            choice = Choice::Retry;
        }
    }

    /// An account as it is once it was waited for, unless it is gone, or closed for something that a pause does not mend.
    fn after_a_pause(&self, candidate: &Candidate) -> Option<Arc<Account>> {
        let current = self.shared.pool.get(candidate.account.id)?;
        let closure = current.closed_for(|| self.facts.model.as_deref(), self.now());
        let may_be_asked = closure.is_none_or(|closure| {
            // Somebody else was asked to wait, too; a candidate of last resort was closed before.
            matches!(closure.reason, ClosureReason::Throttled | ClosureReason::NotEntitled)
        });
        may_be_asked.then_some(current)
    }

    pub(super) async fn attempt(
        &mut self,
        target: Target,
        provider: &Arc<dyn Provider>,
        choice: Choice,
        refused: Option<u64>,
    ) -> End<B> {
        self.attempts += 1;
        if let Some(trail) = &self.trail {
            trail.begin(target.account().map(|account| &**account), choice);
        }
        let in_flight = target.account().map_or_else(InFlight::default, |account| self.shared.pool.enter(account.id));
        let attempt = Attempt {
            target: target.clone(),
            number: self.attempts,
            refused,
            provider: Arc::clone(provider),
            request: Arc::clone(&self.request),
        };
        let answered = match self.inner.ready().await {
            Ok(ready) => ready.call(attempt).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(response) => {
                let served = Served {
                    // As it is now: its tokens may have been renewed on the way, and those were sent.
                    account: target
                        .account()
                        .map(|account| self.shared.pool.get(account.id).unwrap_or_else(|| account.clone())),
                    attempt: self.attempts,
                    provider: Arc::clone(provider),
                };
                let mut response = response.map(|body| ServedBody::new(body, in_flight));
                let (verdict, sent) = self.judge(&mut response, served).await;
                End::Answer(response, verdict, sent)
            }
            Err(error) => {
                tracing::warn!(attempt = self.attempts, %error, "attempt failed");
                self.note(None, VerdictKind::Network, Some(error.to_string().into()));
                End::Failure(error)
            }
        }
    }

    /// What an answer means, and the generation of the tokens that were sent, if any were.
    async fn judge(&mut self, response: &mut Response<ServedBody<B>>, served: Served) -> (Verdict, Option<u64>) {
        let now = self.now();
        let observation = served.provider.observe(response.headers(), self.facts.model.as_deref(), now);
        let mut verdict = verdict(response, &*served.provider, self.facts.model.as_deref(), now).await;
        if let Some(account) = &served.account {
            verdict = verdict.hiding(&account.credential);
            self.learn(account, observation, &verdict, now);
        }
        let detail = mark(&verdict, self.facts.model.as_deref(), now).map(|mark| Box::from(&*mark.evidence));
        self.note(Some(response.status().as_u16()), verdict.kind(), detail);
        let sent = response.extensions_mut().remove::<SentWith>().map(|sent| sent.generation);
        self.tell_of_things(response, &served);
        response.extensions_mut().insert(served);
        (verdict, sent)
    }

    fn note(&mut self, status: Option<u16>, verdict: VerdictKind, detail: Option<Box<str>>) {
        self.last = verdict;
        if let Some(trail) = &self.trail {
            trail.end(status, verdict, detail);
        }
    }
}

/// Waits for an account, counted as one of its requests. Those who wait for the same moment are spread a little.
pub(super) async fn pause(pool: &AccountPool, candidate: &Candidate, wait: Duration) {
    let _in_flight = pool.enter(candidate.account.id);
    tokio::time::sleep(wait + wait.mul_f64(SPREAD * rand::random::<f64>())).await;
}

/// Good answers are judged by their head alone. Of an error the body is read too, and of a stream the first frame: an
/// overload may be reported by a stream that never begins.
async fn verdict<B: Body<Data = Bytes> + Unpin>(
    response: &mut Response<ServedBody<B>>,
    provider: &dyn Provider,
    model: Option<&str>,
    now: Timestamp,
) -> Verdict {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let body = response.body_mut().peek(ERROR_BODY, ERROR_PATIENCE).await;
        let body = decode::whole(response.headers(), body, ERROR_BODY);
        return provider.classify(Answer { status, headers: response.headers(), body: &body, model }, now);
    }
    if is_event_stream(response) {
        let first = response.body_mut().peek_first().await;
        let first = decode::whole(response.headers(), first, ERROR_BODY);
        if let Some((status, body)) = provider.failed_start(&first) {
            return provider.classify(Answer { status, headers: response.headers(), body, model }, now);
        }
    }
    Verdict::Success
}

fn is_event_stream<B>(response: &Response<B>) -> bool {
    let starts = |name, prefix: &str| {
        response.headers().get(name).is_some_and(|value| value.as_bytes().starts_with(prefix.as_bytes()))
    };
    starts(header::CONTENT_TYPE, "text/event-stream")
}
