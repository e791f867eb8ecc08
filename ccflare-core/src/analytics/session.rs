//! What the requests of one conversation add up to.

use std::sync::Arc;

use crate::domain::{Asker, Exchange, ExchangeId, NanoUsd, Timestamp};

/// A conversation: all requests that carry the same session id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// The id that the client gave it.
    pub id: Arc<str>,
    /// When its first request arrived.
    pub first: Timestamp,
    /// Its latest request.
    pub last: ExchangeId,
    /// The sums of all its requests.
    pub all: Share,
}

impl SessionSummary {
    /// Begins with one request.
    #[must_use]
    pub fn begin(id: Arc<str>, exchange: &Exchange) -> Self {
        let mut begun = Self { id, first: exchange.intent.at, last: exchange.intent.id, all: Share::default() };
        begun.add(exchange);
        begun
    }

    /// Counts one more request.
    pub fn add(&mut self, exchange: &Exchange) {
        self.first = self.first.min(exchange.intent.at);
        self.last = self.last.max(exchange.intent.id);
        self.all.add(exchange);
    }

    /// Adds what another summary of the same conversation counts.
    pub fn merge(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.all.merge(&other.all);
    }
}

/// What some requests of a conversation add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub requests: u64,
    /// How many of them did not end in a whole answer without an error.
    pub errors: u64,
    /// All tokens.
    pub tokens: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Output tokens.
    pub output: u64,
    /// What they cost, as far as it is known.
    pub cost: NanoUsd,
}

impl Share {
    /// Counts a request.
    pub fn add(&mut self, exchange: &Exchange) {
        let tokens = exchange.usage.billed();
        self.merge(&Self {
            requests: 1,
            errors: u64::from(!exchange.is_success()),
            tokens: tokens.total().unwrap_or(0),
            cache_read: tokens.cache_read.unwrap_or(0),
            output: tokens.output.unwrap_or(0),
            cost: exchange.cost.unwrap_or_default(),
        });
    }

    /// Adds all that `other` counts.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.output = self.output.saturating_add(other.output);
        self.cost += other.cost;
    }
}

/// One who took part in a conversation: the agent that leads it, or one it gave orders to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// The id of a sub-agent, if it has one.
    pub subagent: Option<Arc<str>>,
    /// Whether it is a sub-agent.
    pub is_subagent: bool,
    /// The sub-agent that gave it the order, if it was one.
    pub parent: Option<Arc<str>>,
    /// The agent's name, as last told.
    pub agent: Option<Arc<str>>,
    /// When it first asked.
    pub first: Timestamp,
    /// When it last asked.
    pub last: Timestamp,
    /// What its requests add up to.
    pub share: Share,
    /// The models that answered it, in the order in which they first did.
    pub models: Vec<Arc<str>>,
}

/// Those who took part in a conversation, in the order in which they first asked. `exchanges` are its requests in the
/// order of their arrival.
#[must_use]
pub fn participants<'a>(exchanges: impl Iterator<Item = &'a Exchange>) -> Vec<Participant> {
    let mut found: Vec<Participant> = Vec::new();
    for exchange in exchanges {
        let Some(asker) = exchange.intent.asker.as_deref() else { continue };
        let place = found.iter().position(|known| is_same(known, asker)).unwrap_or_else(|| {
            found.push(arrival(exchange, asker));
            found.len() - 1
        });
        let participant = &mut found[place];
        participant.last = exchange.intent.at;
        participant.agent = asker.agent.clone().or(participant.agent.take());
        participant.share.add(exchange);
        if let Some(model) = exchange.model.as_ref().filter(|model| !participant.models.contains(model)) {
            participant.models.push(Arc::clone(model));
        }
    }
    found
}

/// A sub-agent is known by its id; where clients give it none, by its name.
fn is_same(known: &Participant, asker: &Asker) -> bool {
    let by_name = !asker.is_subagent || asker.subagent.is_some() || known.agent == asker.agent;
    known.is_subagent == asker.is_subagent && known.subagent == asker.subagent && by_name
}

fn arrival(exchange: &Exchange, asker: &Asker) -> Participant {
    Participant {
        subagent: asker.subagent.clone(),
        is_subagent: asker.is_subagent,
        parent: asker.parent.clone(),
        agent: asker.agent.clone(),
        first: exchange.intent.at,
        last: exchange.intent.at,
        share: Share::default(),
        models: Vec::new(),
    }
}
