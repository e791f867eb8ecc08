//! Counts what happens, when it happens.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Duration,
};

use ccflare_core::{
    domain::{Exchange, Outcome, Scope},
    record::{EventKind, Observer, Phase, Renewal, Settled, TraceParent},
};
use prometheus_client::{
    encoding::EncodeMetric,
    metrics::{
        TypedMetric,
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::Labels;

type Real = Counter<f64, AtomicU64>;

/// Accounts come and go; no more of them than this get samples of their own.
const ACCOUNTS: usize = 256;

/// Families of models that are told apart; a client may write any name.
const FAMILIES: [&str; 3] = ["opus", "sonnet", "haiku"];

/// What is told of statuses.
const STATUSES: [&str; 5] = ["2xx", "3xx", "4xx", "5xx", "none"];

/// How many outcomes there are; this is the last of them.
const OUTCOMES: usize = Outcome::Interrupted as usize + 1;

/// Handles of all counters; those that every request needs are looked up once, here.
#[derive(Debug)]
pub(crate) struct Tally {
    requests: Family<Labels<3>, Counter>,
    /// Those of `requests`, by outcome, status and family: to look one up by its labels takes longer than all the rest.
    known_requests: [[[OnceLock<Counter>; FAMILIES.len() + 1]; STATUSES.len()]; OUTCOMES],
    duration: [HistogramWithExemplars<Trace>; 4],
    first_token: [Histogram; 4],
    overhead: [Histogram; Phase::ALL.len()],
    store_op: Family<Labels<1>, Histogram>,
    store_errors: Family<Labels<1>, Counter>,
    queue_wait: Histogram,
    upstream: Family<Labels<2>, Counter>,
    /// Those of `upstream`, by account and class.
    accounts: parking_lot::Mutex<HashMap<Arc<str>, HashMap<&'static str, Counter>>>,
    failovers: Counter,
    endings: [Counter; 5],
    tokens: [Counter; 5],
    cost: Real,
    cost_unknown: Counter,
    closures: Family<Labels<2>, Counter>,
    switches: Family<Labels<1>, Counter>,
    cache_lost: Counter,
    shed: Family<Labels<1>, Counter>,
    renewals: Family<Labels<1>, Counter>,
    logins: Counter,
    reloads: Family<Labels<1>, Counter>,
}

/// The trace that an observation is of, for whoever wants to see one like it.
type Trace = [(&'static str, String); 1];

fn long_with_traces() -> HistogramWithExemplars<Trace> {
    HistogramWithExemplars::new(exponential_buckets(0.001, 2.0, 18))
}

/// From 1 ms to 4 minutes.
fn long() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 18))
}

/// From 10 us to 1.3 s.
fn short() -> Histogram {
    Histogram::new(exponential_buckets(0.000_01, 2.0, 18))
}

impl Tally {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register(
            "requests",
            "Requests that have ended, by outcome, status and model family",
            requests.clone(),
        );
        let help = "From a request's arrival to its end";
        let duration = by_family(registry, "request_duration", help, long_with_traces);
        let help = "From a request's arrival to its first content";
        let first_token = by_family(registry, "time_to_first_token", help, long);
        let overhead = Family::<Labels<1>, Histogram>::new_with_constructor(short as fn() -> Histogram);
        let help = "Time that ccflare itself takes for a request, by part of the work";
        registry.register_with_unit("overhead", help, Unit::Seconds, overhead.clone());
        let overhead =
            Phase::ALL.map(|phase| overhead.get_or_create_owned(&[("phase", Cow::Borrowed(phase.as_str()))]));
        let store_op = Family::<Labels<1>, Histogram>::new_with_constructor(short as fn() -> Histogram);
        registry.register_with_unit("store_op", "What the store takes, by operation", Unit::Seconds, store_op.clone());
        let store_errors = Family::default();
        registry.register("store_errors", "Times that the store failed, by operation", store_errors.clone());
        let queue_wait = short();
        registry.register_with_unit("queue_wait", "Waiting for the ledger's queue", Unit::Seconds, queue_wait.clone());
        let upstream = Family::default();
        registry.register("upstream_responses", "Attempts, by account and how they were judged", upstream.clone());
        let endings = Family::<Labels<1>, Counter>::default();
        registry.register("stream_outcome", "How answers that had begun have ended", endings.clone());
        let endings = ["complete", "client_cancelled", "upstream_error", "truncated", "idle_timeout"]
            .map(|outcome| endings.get_or_create_owned(&[("outcome", Cow::Borrowed(outcome))]));
        let tokens = Family::<Labels<1>, Counter>::default();
        registry.register("tokens", "Tokens that answers counted", tokens.clone());
        let tokens = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"]
            .map(|class| tokens.get_or_create_owned(&[("class", Cow::Borrowed(class))]));
        let mut family = |name: &str, help: &str| {
            let family = Family::<Labels<1>, Counter>::default();
            registry.register(name, help, family.clone());
            family
        };
        let switches = family("switches", "Conversations that went on at another account");
        let shed = family("shed", "Requests that were turned away before they were written down");
        let renewals = family("oauth_refresh", "Renewals of tokens");
        let reloads = family("config_reload", "Times that the settings were read anew");
        // There from the start: what appears only with its first event has no rise that could be seen.
        for result in [Renewal::Renewed, Renewal::Refused, Renewal::Failed] {
            let _zero = renewals.get_or_create(&[("result", Cow::Borrowed(result.as_str()))]);
        }
        for result in ["done", "refused"] {
            let _zero = reloads.get_or_create(&[("result", Cow::Borrowed(result))]);
        }
        let closures = Family::default();
        registry.register("cooldowns", "Times that an account was closed", closures.clone());
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let failovers = counter("failovers", "Requests' moves to another account");
        let cache_lost = counter("switch_cache_tokens_lost", "Cached tokens that conversations left behind");
        let cost_unknown = counter("cost_unknown", "Requests whose cost is not known");
        let logins = counter("login_needed", "Times that an account needed a new login");
        let cost = Real::default();
        registry.register("cost_usd", "What answers cost, in dollars", cost.clone());
        Self {
            requests,
            known_requests: Default::default(),
            duration,
            first_token,
            overhead,
            store_op,
            store_errors,
            queue_wait,
            upstream,
            accounts: parking_lot::Mutex::default(),
            failovers,
            endings,
            tokens,
            cost,
            cost_unknown,
            closures,
            switches,
            cache_lost,
            shed,
            renewals,
            logins,
            reloads,
        }
    }

    fn request(&self, outcome: Outcome, status: Option<u16>, family: usize) -> &Counter {
        let status = status_class(status);
        self.known_requests[outcome as usize][status][family].get_or_init(|| {
            self.requests.get_or_create_owned(&[
                ("outcome", Cow::Borrowed(outcome.as_str())),
                ("status", Cow::Borrowed(STATUSES[status])),
                ("family", Cow::Borrowed(name_of(family))),
            ])
        })
    }

    /// One more attempt at an account. Beyond so many accounts the rest are counted together.
    fn attempted(&self, account: Option<&str>, class: &'static str) {
        let name = account.unwrap_or("none");
        let mut known = self.accounts.lock();
        if let Some(counter) = known.get(name).and_then(|classes| classes.get(class)) {
            counter.inc();
            return;
        }
        let has_room = known.len() < ACCOUNTS || known.contains_key(name);
        let name = if has_room { name } else { "other" };
        let labels = [("account", Cow::Owned(name.to_owned())), ("class", Cow::Borrowed(class))];
        let classes = known.entry(name.into()).or_default();
        classes.entry(class).or_insert_with(|| self.upstream.get_or_create_owned(&labels)).inc();
    }

    fn time(&self, settled: &Settled<'_>, family: usize) {
        let timing = settled.exchange.timing;
        let observe = |histogram: &Histogram, time: Option<Duration>| {
            if let Some(time) = time {
                histogram.observe(time.as_secs_f64());
            }
        };
        if let Some(end) = timing.end {
            self.duration[family].observe(end.as_secs_f64(), trace(settled), None);
        }
        observe(&self.first_token[family], timing.first_token);
        observe(&self.queue_wait, Some(settled.queued));
        for (phase, time) in overhead(settled) {
            observe(&self.overhead[phase as usize], time);
        }
    }

    fn usage(&self, exchange: &Exchange) {
        let tokens = exchange.usage.billed();
        let counts = [tokens.input, tokens.output, tokens.cache_read, tokens.cache_write_5m, tokens.cache_write_1h];
        for (counter, count) in self.tokens.iter().zip(counts) {
            add(counter, count.unwrap_or_default());
        }
        self.cost.inc_by(exchange.cost.unwrap_or_default().as_dollars());
        add(&self.cost_unknown, exchange.is_cost_unknown().into());
    }
}

/// All threads count here; what adds nothing need not come by.
fn add(counter: &Counter, more: u64) {
    if more > 0 {
        counter.inc_by(more);
    }
}

impl Observer for Tally {
    fn settled(&self, settled: &Settled<'_>) {
        let exchange = settled.exchange;
        let family = family(exchange.model.as_deref().or(exchange.intent.model.as_deref()));
        self.request(exchange.outcome, exchange.status, family).inc();
        self.time(settled, family);
        for attempt in &exchange.attempts {
            self.attempted(attempt.account.as_ref().map(|(_, name)| &**name), attempt.verdict.as_str());
        }
        add(&self.failovers, exchange.failovers().into());
        if let Some(ending) = ending(settled) {
            self.endings[ending].inc();
        }
        self.usage(exchange);
    }

    fn spent(&self, phase: Phase, took: Duration) {
        self.overhead[phase as usize].observe(took.as_secs_f64());
    }

    fn stored(&self, op: &'static str, took: Duration, failed: bool) {
        let labels = [("op", Cow::Borrowed(op))];
        self.store_op.get_or_create(&labels).observe(took.as_secs_f64());
        if failed {
            self.store_errors.get_or_create(&labels).inc();
        }
    }

    fn happened(&self, kind: &EventKind) {
        match kind {
            EventKind::Limit { mark, .. } => {
                let scope = match mark.scope {
                    Scope::Account => "account",
                    Scope::Family(_) => "family",
                    Scope::Model(_) => "model",
                };
                let labels = [("reason", Cow::Borrowed(mark.reason.as_str())), ("scope", Cow::Borrowed(scope))];
                self.closures.get_or_create(&labels).inc();
            }
            EventKind::Moved { reason, cache_lost, .. } => {
                self.switches.get_or_create(&[("reason", Cow::Borrowed(reason.as_str()))]).inc();
                self.cache_lost.inc_by(*cache_lost);
            }
            EventKind::TurnedAway { reason, .. } => {
                self.shed.get_or_create(&[("reason", Cow::Borrowed(*reason))]).inc();
            }
            EventKind::Renewal { result, .. } => {
                self.renewals.get_or_create(&[("result", Cow::Borrowed(result.as_str()))]).inc();
            }
            EventKind::LoginNeeded { .. } => {
                self.logins.inc();
            }
            EventKind::Config { error, .. } => {
                let result = if error.is_some() { "refused" } else { "done" };
                self.reloads.get_or_create(&[("result", Cow::Borrowed(result))]).inc();
            }
            _ => {}
        }
    }
}

/// The id in a client's `traceparent`, if it keeps the trace.
fn trace(settled: &Settled<'_>) -> Option<Trace> {
    let parent = settled.traceparent.and_then(TraceParent::parse).filter(|parent| parent.is_sampled())?;
    Some([("trace_id", format!("{:032x}", parent.trace))])
}

fn by_family<H>(registry: &mut Registry, name: &str, help: &str, histogram: fn() -> H) -> [H; 4]
where
    H: EncodeMetric + TypedMetric + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::<Labels<1>, H>::new_with_constructor(histogram);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    std::array::from_fn(|number| family.get_or_create_owned(&[("family", Cow::Borrowed(name_of(number)))]))
}

fn family(model: Option<&str>) -> usize {
    let known = model.and_then(|model| FAMILIES.iter().position(|family| model.contains(family)));
    known.unwrap_or(FAMILIES.len())
}

fn name_of(family: usize) -> &'static str {
    FAMILIES.get(family).copied().unwrap_or("other")
}

/// The place of its class among [`STATUSES`].
const fn status_class(status: Option<u16>) -> usize {
    match status {
        Some(100..300) => 0,
        Some(300..400) => 1,
        Some(400..500) => 2,
        Some(500..) => 3,
        _ => 4,
    }
}

/// Of an answer whose head has come from an account: complete, left, broken off with a reason, broken off, fallen silent.
fn ending(settled: &Settled<'_>) -> Option<usize> {
    let exchange = settled.exchange;
    exchange.timing.headers?;
    match exchange.outcome {
        Outcome::Answered => Some(0),
        Outcome::Cancelled => Some(1),
        Outcome::Cut if settled.silent => Some(4),
        Outcome::Cut if exchange.error.is_some() => Some(2),
        Outcome::Cut => Some(3),
        _ => None,
    }
}

/// What can be read from the record of a request: waiting for the ledger's queue; from there to the first attempt; between
/// attempts; and from the last one's answer to the head that goes to the client.
fn overhead(settled: &Settled<'_>) -> [(Phase, Option<Duration>); 4] {
    let attempts = &settled.exchange.attempts;
    let first = attempts.first().map(|attempt| attempt.started);
    let route = first.map(|first| first.saturating_sub(settled.queued));
    let over = attempts.last().map(|last| last.started + last.took);
    let upstream: Duration = attempts.iter().map(|attempt| attempt.took).sum();
    let retry = over.zip(first).map(|(over, first)| over.saturating_sub(first).saturating_sub(upstream));
    let first_byte = settled.exchange.timing.headers.zip(over).map(|(headers, over)| headers.saturating_sub(over));
    [(Phase::Queue, Some(settled.queued)), (Phase::Route, route), (Phase::Retry, retry), (Phase::FirstByte, first_byte)]
}
