//! Walks a request along its candidates until an answer is fit for the client.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

use self::{
    ask::{Asked, End, pause},
    refusal::refusal,
};
use super::{
    Attempt, Candidate, Plan, ServedBody, Stake, Target, allowance,
    course::Course,
    decision,
    layer::Shared,
    ownership::Home,
    place::{plan, standings},
};
use crate::{
    domain::{AccountId, Choice, ClientKey, Facts, Leaving, Timestamp, exchange::VerdictKind},
    error::{AttemptError, ProxyError, Refusal},
    pool::Standing,
    provider::{Named, Provider, Served},
    record::Trail,
};

mod ask;
mod lessons;
mod refusal;

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
        Box::pin(Walk::new(self.inner.clone(), Arc::clone(&self.shared), request).run())
    }
}

/// One request on its way.
struct Walk<S> {
    inner: S,
    shared: Arc<Shared>,
    request: Arc<Request<Bytes>>,
    facts: Facts,
    trail: Option<Trail>,
    key: Option<Arc<ClientKey>>,
    named: Named,
    home: Home,
    alone: Option<AccountId>,
    /// What a move would cost whoever asks, and why it leaves if it does.
    stake: Option<Stake>,
    attempts: u32,
    /// How the latest of them was judged.
    last: VerdictKind,
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
        let home = Home::of(&named, &shared.ownership, || shared.clock.now());
        let request = Arc::new(request);
        let last = VerdictKind::Abandoned;
        Self { inner, shared, request, facts, trail, key, named, home, alone: None, stake: None, attempts: 0, last }
    }

    async fn run(mut self) -> Result<Response<ServedBody<B>>, ProxyError> {
        Ok(match self.plan()? {
            Some(plan) => self.walk(plan).await?,
            None => self.go_on_without_account().await?,
        })
    }

    /// Whom to ask. Nobody, if there is no account: then the client's own credentials go on.
    fn plan(&mut self) -> Result<Option<Plan>, Refusal> {
        if let Some(key) = &self.key {
            allowance::model(key, &self.facts, self.request.body().is_empty())?;
        }
        let standings = self.standings();
        self.home.check(!standings.is_empty(), |id| self.shared.pool.get(id).is_some())?;
        if standings.is_empty() {
            if let Some(key) = &self.key {
                allowance::some_account(key)?;
            }
            return Ok(None);
        }
        let now = self.now();
        let plan = plan(&*self.shared.strategy, &self.home, &standings, &self.facts, now);
        if let Some(trail) = &self.trail {
            trail.decided(decision(&plan, &self.facts, now));
        }
        self.asked_alone(&plan);
        Ok(Some(plan))
    }

    /// Of something unknown one account's word stands: it is the only one from here on.
    fn asked_alone(&mut self, plan: &Plan) {
        if let (Home::Unknown { .. }, [only]) = (&self.home, &*plan.candidates) {
            self.alone = Some(only.account.id);
        }
    }

    /// Asks one candidate after the other. If none is left, an answer that was kept for that case goes out, else a
    /// refusal that says why.
    async fn walk(&mut self, plan: Plan) -> Result<Response<ServedBody<B>>, Refusal> {
        let mut course = None;
        let mut spare = None;
        let mut failure = None;
        // What asks beside a conversation leaves its cache where it is.
        self.stake = plan.stake.filter(|_| !self.named.is_aside);
        let mut seen = Vec::new();
        let mut candidates = VecDeque::from(plan.candidates);
        loop {
            if candidates.is_empty() && spare.is_none() {
                candidates.extend(self.opened_since(&seen));
            }
            let Some(candidate) = candidates.pop_front() else { break };
            seen.push(candidate.account.id);
            let Some(provider) = self.provider(&candidate).await else {
                self.leaves(&candidate, self.closure(&candidate));
                continue;
            };
            let at_home = self.stake.as_ref().filter(|stake| stake.account == candidate.account.id);
            let patience = at_home.map_or_else(Default::default, |stake| stake.patience);
            let course = course.get_or_insert_with(|| self.course(&*provider));
            course.worth(patience);
            match self.ask(&candidate, &provider, course).await {
                Asked::Deliver(response) => {
                    self.note_move(&candidate, &response);
                    return Ok(response);
                }
                Asked::Refuse(refusal) => return Err(refusal),
                Asked::Spare(response) => spare = Some(response),
                Asked::Closed => {}
                Asked::Failed(error) => failure = Some(error),
            }
            self.leaves(&candidate, Leaving::Refused(self.last));
            course.moved();
        }
        spare.ok_or_else(|| self.nobody(failure.as_ref()))
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

    /// Whom to ask of those who have had no turn: one may have opened since the plan was made.
    fn opened_since(&self, seen: &[AccountId]) -> Vec<Candidate> {
        let mut standings = self.standings();
        standings.retain(|standing| !seen.contains(&standing.account.id));
        if standings.is_empty() {
            return Vec::new();
        }
        let (model, now) = (|| self.facts.model.as_deref(), self.now());
        let plan = plan(&*self.shared.strategy, &self.home, &standings, &self.facts, now);
        let is_open = |candidate: &Candidate| candidate.account.closed_for(model, now).is_none();
        plan.candidates.into_iter().filter(is_open).collect()
    }

    /// It is this candidate's cache that is left, if it is the conversation's.
    fn leaves(&mut self, candidate: &Candidate, why: Leaving) {
        if let Some(stake) = self.stake.as_mut().filter(|stake| stake.account == candidate.account.id) {
            stake.leaving = Some(why);
        }
    }

    /// Why a candidate can't be asked after all.
    fn closure(&self, candidate: &Candidate) -> Leaving {
        let current = self.shared.pool.get(candidate.account.id);
        let closure = current.map(|account| account.closed_for(|| self.facts.model.as_deref(), self.now()));
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
        let model = || self.facts.model.as_deref();
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
}

impl<S> Walk<S> {
    /// The accounts that may serve whoever asks, and have what is asked for.
    fn standings(&self) -> Vec<Standing> {
        let mut standings = standings(&self.shared.pool, &self.home, self.key.as_deref());
        standings.retain(|standing| self.alone.is_none_or(|alone| standing.account.id == alone));
        standings
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

/// Takes out what must not reach the client.
fn deliver<B: Body>(mut response: Response<ServedBody<B>>) -> Response<ServedBody<B>> {
    let provider = response.extensions().get::<Served>().map(|served| Arc::clone(&served.provider));
    if let Some(provider) = provider {
        provider.release(response.headers_mut());
    }
    response
}

#[cfg(test)]
mod tests;
