//! What all requests share: keys, their scripts, and the decision what a request gets.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::cache::ReplyCache;
use crate::conn::Counters;
use crate::economy;
use crate::ledger::Ledger;
use crate::limits::now;
use crate::steer::Steer;
use crate::things::Things;
use crate::{ErrorAnswer, KeyConfig, LimitAfter, MockConfig, RateLimits, Reply, Step};

pub(crate) struct Shared {
    pub(crate) config: MockConfig,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) cache: ReplyCache,
    pub(crate) counters: Arc<Counters>,
    pub(crate) changed: Arc<Notify>,
    pub(crate) things: Things,
    pub(crate) economy: Option<economy::Ledger>,
    reply: Arc<Reply>,
    keys: Mutex<HashMap<String, KeyState>>,
    others: Arc<KeyHeaders>,
    messages: AtomicU64,
    /// Tells the messages of two mocks apart.
    port: u16,
}

/// The headers of every answer to a key.
#[derive(Debug)]
pub(crate) struct KeyHeaders {
    pub(crate) organization: String,
    pub(crate) limits: Vec<(String, String)>,
}

struct KeyState {
    headers: Arc<KeyHeaders>,
    queue: VecDeque<Step>,
    always: Option<Step>,
    limit: Option<LimitAfter>,
    /// Requests since the last reset of the quota.
    used: u64,
    /// Epoch seconds.
    limited_until: Option<u64>,
}

impl KeyState {
    fn new(config: &KeyConfig) -> Self {
        Self {
            headers: Arc::new(key_headers(config)),
            queue: VecDeque::new(),
            always: None,
            limit: config.limit_after,
            used: 0,
            limited_until: None,
        }
    }

    /// Counts a request; the reset if it is over the quota.
    fn over_quota(&mut self) -> Option<u64> {
        let limit = self.limit?;
        if let Some(until) = self.limited_until {
            if now() < until {
                return Some(until);
            }
            (self.limited_until, self.used) = (None, 0);
        }
        if self.used < limit.requests {
            self.used += 1;
            return None;
        }
        let until = now() + limit.reset.as_secs().max(1);
        self.limited_until = Some(until);
        Some(until)
    }

    fn next_step(&mut self) -> Option<Step> {
        self.queue.pop_front().or_else(|| self.always.clone())
    }
}

fn key_headers(config: &KeyConfig) -> KeyHeaders {
    KeyHeaders { organization: config.organization.clone(), limits: config.limits.headers() }
}

/// What a request gets.
pub(crate) struct Decision {
    pub(crate) headers: Arc<KeyHeaders>,
    pub(crate) reply: Arc<Reply>,
    /// Anything but a reply.
    pub(crate) fault: Option<Step>,
    pub(crate) delay: Duration,
}

impl Shared {
    pub(crate) fn new(config: MockConfig, port: u16) -> Self {
        let changed = Arc::new(Notify::new());
        let keys = config.keys.iter().map(|(key, config)| (key.clone(), KeyState::new(config))).collect();
        Self {
            ledger: Arc::new(Ledger::new(&config, Arc::clone(&changed))),
            cache: ReplyCache::default(),
            counters: Arc::default(),
            changed,
            things: Things::default(),
            economy: config.economy.clone().map(economy::Ledger::new),
            reply: Arc::new(config.reply.clone()),
            keys: Mutex::new(keys),
            others: Arc::new(key_headers(&config.other_keys)),
            messages: AtomicU64::new(0),
            port,
            config,
        }
    }

    /// The next message's id, as long as [`ID_PLACE`](crate::events::ID_PLACE).
    pub(crate) fn message_id(&self) -> String {
        let count = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        format!("msg_{:08x}{count:016x}", self.port)
    }

    /// The id of request `seq`.
    pub(crate) fn request_id(&self, seq: u64) -> String {
        format!("req_{:08x}{seq:016x}", self.port)
    }

    /// Changes what is known of a key; one not seen before starts as the others.
    fn with_key<T>(&self, key: &str, change: impl FnOnce(&mut KeyState) -> T) -> T {
        let mut keys = self.keys.lock();
        let state = keys.entry(key.to_owned()).or_insert_with(|| KeyState::new(&self.config.other_keys));
        change(state)
    }

    pub(crate) fn script(&self, key: &str, steps: impl IntoIterator<Item = Step>) {
        self.with_key(key, |state| state.queue.extend(steps));
    }

    pub(crate) fn always(&self, key: &str, step: Step) {
        self.with_key(key, |state| state.always = Some(step));
    }

    pub(crate) fn clear(&self, key: &str) {
        self.with_key(key, |state| {
            state.queue.clear();
            state.always = None;
            state.limited_until = None;
            state.used = 0;
        });
    }

    pub(crate) fn clear_all(&self) {
        let keys: Vec<_> = self.keys.lock().keys().cloned().collect();
        keys.iter().for_each(|key| self.clear(key));
        self.things.clear();
        if let Some(economy) = &self.economy {
            economy.reset();
        }
    }

    pub(crate) fn pending_steps(&self, key: &str) -> usize {
        self.keys.lock().get(key).map_or(0, |state| state.queue.len())
    }

    pub(crate) fn set_limits(&self, key: &str, limits: &RateLimits) {
        self.with_key(key, |state| {
            let organization = state.headers.organization.clone();
            state.headers = Arc::new(KeyHeaders { organization, limits: limits.headers() });
        });
    }

    pub(crate) fn limit_after(&self, key: &str, limit: LimitAfter) {
        self.with_key(key, |state| {
            (state.limit, state.used, state.limited_until) = (Some(limit), 0, None);
        });
    }

    /// The steps a script's JSON means.
    pub(crate) fn step(&self, steer: &Steer) -> Result<Step, String> {
        steer.step(&self.reply)
    }

    /// Decides what a request gets. What the request itself asks for comes before the script of its key,
    /// which is then not used up.
    pub(crate) fn decide(&self, key: Option<&str>, headers: &HeaderMap) -> Decision {
        let mut decision = Decision {
            headers: Arc::clone(&self.others),
            reply: Arc::clone(&self.reply),
            fault: None,
            delay: Duration::ZERO,
        };
        if !self.config.keys.is_empty() && !key.is_some_and(|key| self.config.keys.contains_key(key)) {
            decision.fault = Some(Step::unauthorized());
            return decision;
        }
        let steer = match headers.get("x-mock").map(|json| Steer::parse(json.as_bytes())).transpose() {
            Ok(steer) => steer.filter(|steer| steer.concerns(key)),
            Err(message) => return refuse(decision, message),
        };
        let own = match steer.as_ref().map(Steer::fault).transpose() {
            Ok(fault) => fault.flatten(),
            Err(message) => return refuse(decision, message),
        };
        self.by_key(key, own.is_none(), &mut decision);
        if let Some(steer) = &steer {
            decision.delay = steer.delay();
            decision.reply = Arc::new(steer.apply(&decision.reply));
        }
        // A quota stays one whatever the request asks for.
        decision.fault = decision.fault.or(own);
        decision
    }

    fn by_key(&self, key: Option<&str>, scripted: bool, decision: &mut Decision) {
        let mut keys = self.keys.lock();
        let Some(state) = keys.get_mut(key.unwrap_or_default()) else {
            return;
        };
        decision.headers = Arc::clone(&state.headers);
        if let Some(reset) = state.over_quota() {
            decision.fault = Some(Step::quota_unified("5h", reset));
            return;
        }
        match scripted.then(|| state.next_step()).flatten() {
            Some(Step::Reply(reply)) => decision.reply = Arc::new(*reply),
            step => decision.fault = step,
        }
    }
}

fn refuse(mut decision: Decision, message: String) -> Decision {
    decision.fault = Some(ErrorAnswer::new(400, "invalid_request_error", message).into());
    decision
}
