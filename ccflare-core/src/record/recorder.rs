//! Opens exchanges and settles each of them exactly once.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode};

use super::{Capture, EventKind, Events, Phase, Settled, Trail};
use crate::{
    clock::Clock,
    domain::{Account, Exchange, ExchangeId, Facts, Intent, Outcome},
    error::Refusal,
    pricing::PriceTable,
    provider::Reading,
    store::{
        WriteBehind,
        write_behind::{Remains, SettleSlot, Slots},
    },
};

/// Writes down what happens, through the write-behind queue. Cheap to clone: services are, for every request.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Shared>);

#[derive(Clone, Debug)]
struct Shared {
    queue: WriteBehind,
    prices: &'static PriceTable,
    clock: Arc<dyn Clock>,
    capture: Option<Capture>,
    events: Events,
}

impl Recorder {
    /// Records into `queue`, with the prices of the bundled table.
    #[must_use]
    pub fn new(queue: WriteBehind, clock: Arc<dyn Clock>) -> Self {
        let (prices, events) = (PriceTable::bundled(), Events::default());
        Self(Arc::new(Shared { queue, prices, clock, capture: None, events }))
    }

    /// Keeps what exchanges carry, too.
    #[must_use]
    pub fn capturing(self, capture: Option<Capture>) -> Self {
        Self(Arc::new(Shared { capture, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// Tells what happens, too.
    #[must_use]
    pub fn telling(self, events: Events) -> Self {
        Self(Arc::new(Shared { events, ..Arc::unwrap_or_clone(self.0) }))
    }

    pub(super) fn events(&self) -> &Events {
        &self.0.events
    }

    pub(super) fn capture(&self) -> Option<&Capture> {
        self.0.capture.as_ref()
    }

    /// Leaves what can wait until answers that are ready have gone out.
    pub(super) fn afterwards(&self, remains: Box<dyn Remains>) {
        self.0.queue.afterwards(remains);
    }

    /// The clock that exchanges are timed by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Opens an exchange, which [begins](OpenExchange::begin) once it is known who asks. Waits while the queue is full:
    /// nothing is sent that could not be written down.
    ///
    /// # Errors
    /// [`Refusal::ShuttingDown`] once the queue is closed.
    pub async fn open(&self, intent: Intent) -> Result<OpenExchange, Refusal> {
        let trail = Trail::new(Arc::clone(self.clock()));
        let slots = self.0.queue.reserve().await.map_err(|_closed| Refusal::ShuttingDown)?;
        let queued = trail.elapsed();
        let exchange = Box::new(Exchange::unfinished(intent, Outcome::Cancelled));
        Ok(OpenExchange(Some(Open {
            exchange,
            slots: Some(slots),
            slot: None,
            trail,
            recorder: self.clone(),
            account: None,
            queued,
            traceparent: None,
            span: None,
            silent: false,
        })))
    }
}

/// An exchange under way. Whatever becomes of it, it is settled once; dropped, it counts as cancelled by the client.
#[derive(Debug)]
pub struct OpenExchange(Option<Open>);

#[derive(Debug)]
struct Open {
    exchange: Box<Exchange>,
    /// Until it begins, then the other.
    slots: Option<Slots>,
    slot: Option<SettleSlot>,
    trail: Trail,
    recorder: Recorder,
    account: Option<Arc<Account>>,
    queued: Duration,
    traceparent: Option<HeaderValue>,
    span: Option<u64>,
    silent: bool,
}

impl OpenExchange {
    /// Writes and tells what was asked, and by whom; once. An exchange that ends before that begins with its end.
    pub fn begin(&mut self, facts: Option<&Facts>) {
        let Some(open) = &mut self.0 else { return };
        let Some(slots) = open.slots.take() else { return };
        if let (Some(facts), Some(intent)) = (facts, Arc::get_mut(&mut open.exchange.intent)) {
            intent.model = facts.model_asked.clone().or_else(|| facts.model.clone());
            intent.asker.clone_from(&facts.asker);
            intent.preference.clone_from(&facts.preference);
        }
        let intent = &open.exchange.intent;
        open.slot = Some(slots.open(Arc::clone(intent)));
        open.recorder.events().step(|| EventKind::Started(Arc::clone(intent)));
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<ExchangeId> {
        self.0.as_ref().map(|open| open.exchange.intent.id)
    }

    /// Where its attempts are noted.
    #[must_use]
    pub fn trail(&self) -> Option<Trail> {
        self.0.as_ref().map(|open| open.trail.clone())
    }

    /// The answer's head has come.
    pub fn headers(&mut self, status: StatusCode) {
        if let Some(open) = &mut self.0 {
            open.exchange.status = Some(status.as_u16());
            let elapsed = open.trail.elapsed();
            open.exchange.timing.headers = Some(elapsed);
            open.recorder.events().step(|| EventKind::Headers {
                intent: Arc::clone(&open.exchange.intent),
                account: open.account.as_ref().map(|account| (account.id, Arc::clone(&account.name))),
                status: status.as_u16(),
                elapsed,
            });
        }
    }

    /// The client's own name for what this is a part of, a W3C `traceparent`; for those who count.
    pub(super) fn traced(&mut self, traceparent: Option<&HeaderValue>) {
        if let Some(open) = &mut self.0 {
            open.traceparent = traceparent.cloned();
        }
    }

    /// What went upstream is a part of this span of ours.
    pub(super) fn spanned(&mut self, span: Option<u64>) {
        if let Some(open) = &mut self.0 {
            open.span = span;
        }
    }

    /// Since the request arrived, if anybody counts where the time goes.
    pub(super) fn stopwatch(&self) -> Option<Duration> {
        self.0.as_ref().filter(|open| open.recorder.events().is_observed()).map(|open| open.trail.elapsed())
    }

    /// So much time was spent on reading along.
    pub(super) fn read_for(&self, took: Duration) {
        if let Some(open) = &self.0 {
            open.recorder.events().spent(Phase::Stream, took);
        }
    }

    /// The upstream fell silent in the middle of its answer.
    pub(super) fn fell_silent(&mut self) {
        if let Some(open) = &mut self.0 {
            open.silent = true;
        }
    }

    /// Who answers: what it says is kept without this account's credential in it.
    pub fn served_by(&mut self, account: Option<Arc<Account>>) {
        if let Some(open) = &mut self.0 {
            open.account = account;
        }
    }

    /// The first content has come.
    pub fn first_token(&mut self) {
        if let Some(open) = &mut self.0 {
            let elapsed = *open.exchange.timing.first_token.get_or_insert_with(|| open.trail.elapsed());
            let request = open.exchange.intent.id;
            open.recorder.events().step(|| EventKind::FirstToken { request, elapsed });
        }
    }

    /// It ended with an answer of our own.
    pub fn refused(mut self, refusal: &Refusal) {
        if let Some(open) = &mut self.0 {
            open.exchange.status = Some(refusal.status().as_u16());
            open.exchange.error = Some(refusal.to_string().into());
            open.exchange.timing.headers = Some(open.trail.elapsed());
        }
        self.settle(Outcome::Failed);
    }

    /// The answer's body is over by now; what it came to is told later, with the help of this recorder.
    pub(super) fn over(&mut self) -> Option<Recorder> {
        let open = self.0.as_mut()?;
        open.exchange.timing.end = Some(open.trail.elapsed());
        Some(open.recorder.clone())
    }

    /// The answer's body is over: how it ended, what it said, and how many bytes the client was given.
    pub fn finished(mut self, outcome: Outcome, reading: Reading, bytes: u64) {
        if let Some(open) = &mut self.0 {
            let Open { exchange, trail, recorder, account, .. } = open;
            let prices = recorder.0.prices;
            let hide = |error: Box<str>| match account {
                Some(account) => account.credential.hide_in(&error).into(),
                None => error,
            };
            exchange.model = reading.model.map(Into::into);
            exchange.usage = reading.usage;
            trail.used(&exchange.usage);
            exchange.error = exchange.error.take().or(reading.error.map(hide));
            exchange.response_bytes = bytes;
            let model = exchange.model.as_deref().or_else(|| exchange.intent.model_sent().map(|model| &**model));
            exchange.cost = model.and_then(|model| prices.price(model, &exchange.usage));
            exchange.priced = exchange.cost.map(|_| prices.date());
        }
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        self.begin(None);
        let Some(open) = self.0.take() else { return };
        let Open { mut exchange, slot, trail, recorder, queued, traceparent, span, silent, .. } = open;
        exchange.outcome = outcome;
        exchange.attempts = trail.take();
        exchange.decision = trail.take_decision();
        exchange.timing.end.get_or_insert_with(|| trail.elapsed());
        tracing::debug!(
            request = %exchange.intent.id,
            method = %exchange.intent.method,
            path = %exchange.intent.path,
            status = exchange.status,
            outcome = outcome.as_str(),
            attempts = exchange.attempts.len(),
            "request finished"
        );
        let traceparent = traceparent.as_ref().and_then(|value| value.to_str().ok());
        recorder.events().settled(&Settled { traceparent, span, silent, ..Settled::new(&exchange, queued) });
        if let Some(slot) = slot {
            slot.settle(exchange);
        }
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        self.settle(Outcome::Cancelled);
    }
}
