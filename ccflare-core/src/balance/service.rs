//! Walks a request along its candidates until an answer is fit for the client.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use tower::{Service, ServiceExt};

use super::{
    Attempt, Candidate, Plan, SentWith, ServedBody, Stake, Target, Turn, allowance,
    course::{Course, Step},
    decision,
    layer::Shared,
    mark::mark,
    ownership::{ACCOUNT, Home},
    place::{plan, standings},
};
use crate::{
    domain::{
        Account, AccountChange, AccountId, Choice, ClientKey, Closure, Leaving, Move, RequestFacts, Timestamp,
        exchange::VerdictKind,
    },
    error::{AttemptError, ProxyError, Refusal},
    ownership::Learner,
    pool::{AccountPool, InFlight, Standing},
    provider::{Answer, Named, Observation, Provider, Served, Tells, Verdict},
    record::{EventKind, Trail, decode},
};

/// Waits are prolonged by up to so much of themselves.
const SPREAD: f64 = 0.05;

/// So much of an error's body is read to judge it.
const ERROR_BODY: usize = 64 * 1024;

/// See [the module](super).
#[derive(Clone, Debug)]
pub struct Balance<S> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
}

impl<S, B> Service<Request<Bytes>> for Balance<S>
where
    S: Service<Attempt, Response = Response<B>, Error = AttemptError> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Send + Unpin> + Send + Unpin + 'static,
{
    type Response = Response<ServedBody<B>>;
    type Error = ProxyError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ProxyError>> + Send>>;

    /// Always ready: readiness is asked of the inner service for each attempt.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ProxyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let walk = Walk::new(self.inner.clone(), Arc::clone(&self.shared), request);
        Box::pin(async move { walk.run().await.map_err(ProxyError::from) })
    }
}

/// One request on its way.
struct Walk<S> {
    inner: S,
    shared: Arc<Shared>,
    request: Arc<Request<Bytes>>,
    facts: RequestFacts,
    trail: Option<Trail>,
    key: Option<Arc<ClientKey>>,
    named: Named,
    home: Home,
    alone: Option<AccountId>,
    attempts: u32,
    /// How the latest of them was judged.
    last: VerdictKind,
}

/// One attempt's end.
enum End<B: Body> {
    /// With the generation of the tokens that were sent, if any were.
    Answer(Response<ServedBody<B>>, Verdict, Option<u64>),
    Failure(AttemptError),
}

/// What asking one account has come to.
enum Asked<B: Body> {
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
    fn new(inner: S, shared: Arc<Shared>, mut request: Request<Bytes>) -> Self {
        let facts = request.extensions_mut().remove().unwrap_or_default();
        let trail = request.extensions_mut().remove();
        let key = request.extensions_mut().remove();
        let named = shared.providers.first().named(&request);
        let home = Home::of(&named, &shared.ownership, shared.clock.now());
        let request = Arc::new(request);
        let last = VerdictKind::Abandoned;
        Self { inner, shared, request, facts, trail, key, named, home, alone: None, attempts: 0, last }
    }

    async fn run(mut self) -> Result<Response<ServedBody<B>>, Refusal> {
        if let Some(key) = &self.key {
            allowance::model(key, self.facts.model.as_deref(), self.request.body().is_empty())?;
        }
        let standings = self.standings();
        self.home.check(!standings.is_empty(), |id| self.shared.pool.get(id).is_some())?;
        if standings.is_empty() {
            if let Some(key) = &self.key {
                allowance::some_account(key)?;
            }
            return self.go_on_without_account().await;
        }
        let now = self.now();
        let plan = plan(&*self.shared.strategy, &self.home, &standings, &self.facts, now);
        if let Some(trail) = &self.trail {
            trail.decided(decision(&plan, &self.facts, now));
        }
        self.asked_alone(&plan);
        self.walk(plan).await
    }

    /// Of something unknown one account's word stands: it is the only one from here on.
    fn asked_alone(&mut self, plan: &Plan) {
        if let (Home::Unknown { .. }, [only]) = (&self.home, &*plan.candidates) {
            self.alone = Some(only.account.id);
        }
    }

    /// The accounts that may serve whoever asks, and have what is asked for.
    fn standings(&self) -> Vec<Standing> {
        let mut standings = standings(&self.shared.pool, &self.home, self.key.as_deref());
        standings.retain(|standing| self.alone.is_none_or(|alone| standing.account.id == alone));
        standings
    }

    /// Asks one candidate after the other. If none is left, an answer that was kept for that case goes out, else a
    /// refusal that says why.
    async fn walk(&mut self, plan: Plan) -> Result<Response<ServedBody<B>>, Refusal> {
        let mut course = None;
        let mut spare = None;
        let mut failure = None;
        let mut stake = plan.stake;
        for candidate in plan.candidates {
            let at_home = stake.as_mut().filter(|stake| stake.account == candidate.account.id);
            let Some(provider) = self.provider(&candidate).await else {
                if let Some(stake) = at_home {
                    stake.leaving = Some(self.closure(&candidate));
                }
                continue;
            };
            let course = course.get_or_insert_with(|| self.course(&*provider));
            course.worth(at_home.as_ref().map_or_else(Default::default, |stake| stake.patience));
            match self.ask(&candidate, &provider, course).await {
                Asked::Deliver(response) => {
                    self.note_move(stake.as_ref(), &candidate, &response);
                    return Ok(response);
                }
                Asked::Refuse(refusal) => return Err(refusal),
                Asked::Spare(response) => spare = Some(response),
                Asked::Closed => {}
                Asked::Failed(error) => failure = Some(error),
            }
            if let Some(stake) = at_home {
                stake.leaving = Some(Leaving::Refused(self.last));
            }
            course.moved();
        }
        spare.ok_or_else(|| self.nobody(failure.as_ref()))
    }

    /// Notes and tells what it costs that somebody else serves a conversation than the account where its cache is.
    fn note_move(&self, stake: Option<&Stake>, candidate: &Candidate, response: &Response<ServedBody<B>>) {
        let left = stake.filter(|stake| stake.account != candidate.account.id && response.status().is_success());
        let Some(stake) = left else { return };
        let moved = Move {
            from: stake.account,
            from_name: stake.name.clone(),
            // The plan says why it leaves, and so does what came of asking.
            reason: stake.leaving.unwrap_or(Leaving::Gone),
            cached_tokens: stake.cached_tokens,
            price: stake.price,
        };
        self.shared.pool.events().emit(EventKind::Moved {
            conversation: self.conversation(),
            from: moved.from_name.clone(),
            to: Arc::clone(&candidate.account.name),
            reason: moved.reason,
            cache_lost: moved.cached_tokens,
            price: moved.price,
        });
        if let Some(trail) = &self.trail {
            trail.moved(moved);
        }
    }

    /// What the client calls the session, or the name that it was given here.
    fn conversation(&self) -> Arc<str> {
        let RequestFacts { asker, session, .. } = &self.facts;
        let named = asker.as_ref().map(|asker| Arc::clone(&asker.session));
        named.unwrap_or_else(|| session.map(|session| session.to_string()).unwrap_or_default().into())
    }

    /// Asks one account until it is clear whether it answers.
    async fn ask(&mut self, candidate: &Candidate, provider: &Arc<dyn Provider>, course: &mut Course) -> Asked<B> {
        let (mut choice, mut refused) = (candidate.choice, None);
        self.shared.strategy.notice(Turn::Begins, candidate.account.id, &self.facts, self.now());
        loop {
            let target = Target::Account(Arc::clone(&candidate.account));
            let end = self.attempt(target, provider, choice, refused).await;
            let step = match &end {
                End::Answer(_, verdict, sent) => course.after_answer(verdict, sent.is_some(), rand::random()),
                End::Failure(error) => course.after_failure(error),
            };
            match (step, end) {
                (Step::Again(wait), end) => {
                    if let End::Answer(_, verdict, _) = &end
                        && wait > self.shared.longest_wait()
                    {
                        // Others need not find out for themselves.
                        self.remember(candidate, verdict);
                    }
                    drop(end);
                    pause(&self.shared.pool, candidate, wait).await;
                }
                (Step::Renew, End::Answer(.., sent)) => refused = sent,
                (Step::Deliver, End::Answer(response, ..)) => {
                    return Asked::Deliver(deliver(response));
                }
                (Step::MoveOrDeliver, End::Answer(response, verdict, _)) => {
                    self.remember(candidate, &verdict);
                    return Asked::Spare(deliver(response));
                }
                (_, End::Answer(_, verdict, _)) => {
                    self.remember(candidate, &verdict);
                    return Asked::Closed;
                }
                (Step::Refuse, End::Failure(error)) => return Asked::Refuse(refusal(&error)),
                (_, End::Failure(error)) => return Asked::Failed(error),
            }
            choice = Choice::Retry;
        }
    }

    /// Who speaks for a candidate; nobody, if it has closed since the plan was made. One that is worth waiting for is
    /// waited for.
    async fn provider(&mut self, candidate: &Candidate) -> Option<Arc<dyn Provider>> {
        if !candidate.wait.is_zero() {
            pause(&self.shared.pool, candidate, candidate.wait).await;
        }
        if self.has_closed(candidate) {
            return None;
        }
        self.shared.providers.get(&candidate.account.provider).cloned()
    }

    /// Why a candidate can't be asked after all.
    fn closure(&self, candidate: &Candidate) -> Leaving {
        let current = self.shared.pool.get(candidate.account.id);
        let closure = current.map(|account| account.closed_for(self.facts.model.as_deref(), self.now()));
        match closure {
            Some(Some(closure)) => Leaving::Closed(closure.reason),
            _ => Leaving::Gone,
        }
    }

    fn course(&self, provider: &dyn Provider) -> Course {
        let repeatable = provider.repeatable(self.request.method(), self.request.uri().path());
        Course::new(self.shared.longest_wait(), repeatable)
    }

    /// The pool may know better than the plan by now. A candidate of last resort is closed and asked all the same.
    fn has_closed(&self, candidate: &Candidate) -> bool {
        let model = self.facts.model.as_deref();
        let now = self.now();
        let was_open = candidate.account.closed_for(model, now).is_none() || !candidate.wait.is_zero();
        let current = self.shared.pool.get(candidate.account.id);
        was_open && current.is_none_or(|account| account.closed_for(model, now).is_some())
    }

    /// With no account configured the client's own credentials go on, once, and any answer is its own.
    async fn go_on_without_account(&mut self) -> Result<Response<ServedBody<B>>, Refusal> {
        let provider = Arc::clone(self.shared.providers.first());
        match self.attempt(Target::Anonymous, &provider, Choice::ClientCredentials, None).await {
            End::Answer(response, ..) => Ok(deliver(response)),
            End::Failure(error) => Err(refusal(&error)),
        }
    }

    async fn attempt(
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
                self.judge(response.map(|body| ServedBody::new(body, in_flight)), served).await
            }
            Err(error) => {
                tracing::warn!(attempt = self.attempts, %error, "attempt failed");
                self.note(None, VerdictKind::Network, Some(error.to_string().into()));
                End::Failure(error)
            }
        }
    }

    async fn judge(&mut self, mut response: Response<ServedBody<B>>, served: Served) -> End<B> {
        let now = self.now();
        let observation = served.provider.observe(response.headers(), self.facts.model.as_deref(), now);
        let mut verdict = verdict(&mut response, &*served.provider, self.facts.model.as_deref(), now).await;
        if let Some(account) = &served.account {
            verdict = verdict.hiding(&account.credential);
            self.learn(account, observation, &verdict, now);
        }
        let detail = mark(&verdict, self.facts.model.as_deref(), now).map(|mark| Box::from(&*mark.evidence));
        self.note(Some(response.status().as_u16()), verdict.kind(), detail);
        let sent = response.extensions_mut().remove::<SentWith>().map(|sent| sent.generation);
        self.tell_of_things(&mut response, &served);
        response.extensions_mut().insert(served);
        End::Answer(response, verdict, sent)
    }

    /// Lets whoever reads a good answer along the way learn what it tells of things that live on its account. A list is
    /// marked as the list of that account.
    fn tell_of_things(&self, response: &mut Response<ServedBody<B>>, served: &Served) {
        let Some(account) = &served.account else { return };
        if self.named.tells == Tells::Nothing || !response.status().is_success() {
            return;
        }
        if let (true, Ok(name)) = (self.named.lists, HeaderValue::from_str(&account.name)) {
            response.headers_mut().insert(ACCOUNT, name);
        }
        response.extensions_mut().insert(Learner {
            ownership: Arc::clone(&self.shared.ownership),
            provider: Arc::clone(&served.provider),
            clock: Arc::clone(&self.shared.clock),
            account: account.id,
            tells: self.named.tells,
        });
    }

    /// What an answer tells of its account, and that it served if it did.
    fn learn(&self, account: &Account, observation: Observation, verdict: &Verdict, now: Timestamp) {
        let Shared { pool, strategy, .. } = &*self.shared;
        let Observation { limits, organization } = observation;
        let organization = organization.filter(|seen| account.organization.as_ref() != Some(seen));
        let served = matches!(verdict, Verdict::Success | Verdict::Request);
        // Where a request had to go says nothing about where others should.
        let chosen = served && self.home == Home::Anywhere;
        let session = chosen.then(|| strategy.served(&pool.standings(), account.id, &self.facts, now)).flatten();
        let changes = [
            organization.map(AccountChange::OrganizationSeen),
            limits.map(|limits| AccountChange::Observed(Arc::new(limits))),
            session,
            served.then_some(AccountChange::Served),
        ];
        pool.apply(account.id, changes.into_iter().flatten(), now);
        if *verdict == Verdict::Success {
            self.follow(account.id, now);
        }
    }

    /// Tells the strategy that the conversation goes on here, and in the end what it used.
    fn follow(&self, account: AccountId, now: Timestamp) {
        let strategy = &self.shared.strategy;
        strategy.notice(Turn::Answered, account, &self.facts, now);
        if let Some(trail) = self.trail.as_ref().filter(|_| self.facts.session.is_some()) {
            let (strategy, facts) = (Arc::clone(strategy), self.facts.clone());
            trail.when_used(move |usage| strategy.notice(Turn::Ended(usage), account, &facts, now));
        }
    }

    /// Marks the account, if the verdict asks for it.
    fn remember(&self, candidate: &Candidate, verdict: &Verdict) {
        let now = self.now();
        if let Some(mark) = mark(verdict, self.facts.model.as_deref(), now) {
            let account = &candidate.account;
            tracing::warn!(account = %account.name, reason = mark.reason.as_str(), evidence = %mark.evidence, "account closed");
            self.shared.pool.close(account.id, &mark, now);
        }
    }

    /// The candidates are used up: says why, and when it makes sense to ask again.
    fn nobody(&self, last_failure: Option<&AttemptError>) -> Refusal {
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

    fn note(&mut self, status: Option<u16>, verdict: VerdictKind, detail: Option<Box<str>>) {
        self.last = verdict;
        if let Some(trail) = &self.trail {
            trail.end(status, verdict, detail);
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

/// Waits for an account, counted as one of its requests. Those who wait for the same moment are spread a little.
async fn pause(pool: &AccountPool, candidate: &Candidate, wait: Duration) {
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
        let body = response.body_mut().peek(ERROR_BODY).await;
        let body = decode::whole(response.headers(), body, ERROR_BODY);
        return provider.classify(Answer { status, headers: response.headers(), body: &body, model }, now);
    }
    if is_event_stream(response) {
        let first = response.body_mut().peek_first().await;
        if let Some((status, body)) = provider.failed_start(&first) {
            return provider.classify(Answer { status, headers: response.headers(), body, model }, now);
        }
    }
    Verdict::Success
}

/// Takes out what must not reach the client.
fn deliver<B: Body>(mut response: Response<ServedBody<B>>) -> Response<ServedBody<B>> {
    let provider = response.extensions().get::<Served>().map(|served| Arc::clone(&served.provider));
    if let Some(provider) = provider {
        provider.release(response.headers_mut());
    }
    response
}

fn refusal(error: &AttemptError) -> Refusal {
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

fn is_event_stream<B>(response: &Response<B>) -> bool {
    let starts = |name, prefix: &str| {
        response.headers().get(name).is_some_and(|value| value.as_bytes().starts_with(prefix.as_bytes()))
    };
    starts(header::CONTENT_TYPE, "text/event-stream") && !response.headers().contains_key(header::CONTENT_ENCODING)
}
