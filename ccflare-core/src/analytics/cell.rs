//! What some requests add up to.

use std::time::Duration;

use super::sketch::Sketch;
use crate::{
    domain::{Exchange, NanoUsd, Outcome},
    pricing::PriceTable,
};

/// Sums that are exact. What is unknown of a request adds nothing; beside the sums stands of how many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many requests.
    pub requests: u64,
    /// How many of them ended in a whole answer that is not an error.
    pub succeeded: u64,
    /// How often they moved to another account.
    pub failovers: u64,
    /// Fresh input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: u64,
    /// Tokens written to the cache for five minutes.
    pub cache_write_5m: u64,
    /// Tokens written to the cache for an hour.
    pub cache_write_1h: u64,
    /// What they cost, as far as it is known.
    pub cost: NanoUsd,
    /// Of how many requests the cost is known, those included that cost nothing.
    pub priced: u64,
    /// How many nano-dollars the cache has saved: what the same tokens would have cost as fresh input, less what they did
    /// cost. Below zero where more was written than read.
    pub saved: i64,
    /// Microseconds from arrival to end.
    pub duration: u64,
    /// Of how many requests they are known.
    pub timed: u64,
    /// Microseconds from arrival to the first content, of answers that have output.
    pub first_token: u64,
    /// Of how many requests they are known.
    pub first_tokens: u64,
    /// Thousandths of tokens a second, of each request.
    pub speed: u64,
    /// Of how many requests they are known.
    pub speeds: u64,
    /// Bytes of the requests' bodies.
    pub request_bytes: u64,
    /// Bytes of the answers' bodies.
    pub response_bytes: u64,
}

impl Counts {
    /// Adds all that `other` counts.
    pub fn merge(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.requests, other.requests);
        add(&mut self.succeeded, other.succeeded);
        add(&mut self.failovers, other.failovers);
        add(&mut self.input, other.input);
        add(&mut self.output, other.output);
        add(&mut self.cache_read, other.cache_read);
        add(&mut self.cache_write_5m, other.cache_write_5m);
        add(&mut self.cache_write_1h, other.cache_write_1h);
        self.cost += other.cost;
        add(&mut self.priced, other.priced);
        self.saved = self.saved.saturating_add(other.saved);
        add(&mut self.duration, other.duration);
        add(&mut self.timed, other.timed);
        add(&mut self.first_token, other.first_token);
        add(&mut self.first_tokens, other.first_tokens);
        add(&mut self.speed, other.speed);
        add(&mut self.speeds, other.speeds);
        add(&mut self.request_bytes, other.request_bytes);
        add(&mut self.response_bytes, other.response_bytes);
    }

    /// The whole prompt: fresh, read and written.
    #[must_use]
    pub const fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write())
    }

    /// Both cache-write classes.
    #[must_use]
    pub const fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }

    /// All tokens.
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}

/// What some requests add up to, and how their times are distributed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// The sums.
    pub counts: Counts,
    /// Microseconds from arrival to end.
    pub durations: Sketch,
    /// Microseconds from arrival to the first content.
    pub first_tokens: Sketch,
    /// Thousandths of tokens a second.
    pub speeds: Sketch,
}

impl Cell {
    /// One request.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        let tokens = exchange.usage.billed();
        let duration = exchange.timing.end.map(micros);
        // An answer that is not made of tokens has no first one.
        let first_token = exchange.timing.first_token.filter(|_| tokens.output.is_some()).map(micros);
        let speed = tokens_per_second(exchange).map(|speed| (speed * 1000.0) as u64);
        let sketch = |value: Option<u64>| {
            let mut sketch = Sketch::default();
            value.into_iter().for_each(|value| sketch.insert(value));
            sketch
        };
        let counts = Counts {
            requests: 1,
            succeeded: exchange.is_success().into(),
            failovers: exchange.failovers().into(),
            input: tokens.input.unwrap_or(0),
            output: tokens.output.unwrap_or(0),
            cache_read: tokens.cache_read.unwrap_or(0),
            cache_write_5m: tokens.cache_write_5m.unwrap_or(0),
            cache_write_1h: tokens.cache_write_1h.unwrap_or(0),
            cost: exchange.cost.unwrap_or_default(),
            priced: (!exchange.is_cost_unknown()).into(),
            saved: saved(exchange).unwrap_or(0),
            duration: duration.unwrap_or(0),
            timed: duration.is_some().into(),
            first_token: first_token.unwrap_or(0),
            first_tokens: first_token.is_some().into(),
            speed: speed.unwrap_or(0),
            speeds: speed.is_some().into(),
            request_bytes: exchange.intent.request_bytes,
            response_bytes: exchange.response_bytes,
        };
        Self { counts, durations: sketch(duration), first_tokens: sketch(first_token), speeds: sketch(speed) }
    }

    /// Forgets all it has, and keeps its memory.
    pub fn clear(&mut self) {
        self.counts = Counts::default();
        self.durations.clear();
        self.first_tokens.clear();
        self.speeds.clear();
    }

    /// Adds all that `other` has. Cheapest if `other` is the smaller one.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.durations.merge(&other.durations);
        self.first_tokens.merge(&other.first_tokens);
        self.speeds.merge(&other.speeds);
    }
}

/// A cell as it is stored: its distributions are the bytes of sketches still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed<'a> {
    /// The sums.
    pub counts: Counts,
    /// See [`Cell::durations`].
    pub durations: &'a [u8],
    /// See [`Cell::first_tokens`].
    pub first_tokens: &'a [u8],
    /// See [`Cell::speeds`].
    pub speeds: &'a [u8],
}

impl Packed<'_> {
    /// Puts it in the place of what `cell` holds, or says that its bytes are no sketches. Takes no new memory.
    #[must_use]
    pub fn unpack(self, cell: &mut Cell) -> bool {
        cell.counts = self.counts;
        cell.durations.decode(self.durations)
            && cell.first_tokens.decode(self.first_tokens)
            && cell.speeds.decode(self.speeds)
    }
}

/// Output over the time from the first token to the end; of an answer in one piece, over the whole time. What one that broke off
/// had written by then is not told.
#[must_use]
pub fn tokens_per_second(exchange: &Exchange) -> Option<f64> {
    let end = exchange.timing.end.filter(|_| exchange.outcome == Outcome::Answered)?;
    let generating = end.saturating_sub(exchange.timing.first_token.unwrap_or_default());
    let time = if generating < Duration::from_millis(1) { end } else { generating };
    let output = exchange.usage.billed().output? as f64;
    (!time.is_zero()).then(|| output / time.as_secs_f64())
}

/// What the cache has saved, in nano-dollars.
fn saved(exchange: &Exchange) -> Option<i64> {
    let usage = &exchange.usage;
    if usage.tokens.cache_read.unwrap_or(0) == 0 && usage.tokens.cache_write().unwrap_or(0) == 0 {
        return None;
    }
    let model = exchange.model.as_deref().or(exchange.intent.model.as_deref())?;
    let uncached = PriceTable::bundled().price(model, &usage.uncached())?;
    Some(i64::try_from(uncached.0).ok()?.saturating_sub(i64::try_from(exchange.cost?.0).ok()?))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
