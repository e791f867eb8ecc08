//! What is remembered of conversations: which account each of them lives on, and how much of it is in the cache there.
//!
//! One map behind a lock that is held for a look-up, never across an await. It keeps the order of use, so what has not
//! been used for longest goes first, by age and by number, at the cost of looking at the end of the order.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    time::Duration,
};

use foldhash::fast::RandomState;
use lru::LruCache;
use parking_lot::Mutex;

use super::Memory;
use crate::{
    domain::{AccountId, Binding, Fingerprint, Lane, ModelFamily, RequestFacts, SessionKey, Timestamp, Usage},
    pool::Standing,
};

/// How often the conversations of each account are counted anew. In between the counts follow what is bound and moved;
/// what counting finds out is whose cache has died.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub struct BindingsOptions {
    /// Sessions; beyond that the one that was not used for longest is forgotten. 20,000: a few megabytes.
    pub most: NonZeroUsize,
    /// A session that was not used for so long is forgotten. 5 h: its cache is gone after one.
    pub life: Duration,
}

impl Default for BindingsOptions {
    fn default() -> Self {
        Self { most: NonZeroUsize::new(20_000).unwrap_or(NonZeroUsize::MIN), life: Duration::from_secs(5 * 60 * 60) }
    }
}

/// Where a conversation lives, as far as one request is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The lane of the request's family. Where there is none yet, and for a sub-agent whose lane has gone cold, the
    /// session's home, with nothing in the cache.
    pub lane: Lane,
    /// Where the session is at home: if the lane's account can't serve, it is the next to go to.
    pub home: AccountId,
    /// Whether it has to stay with the rest of its session, even where it has nothing to lose: a sub-agent always, the
    /// session itself while another lane of it has a living cache.
    pub is_tied: bool,
    /// Whether it is another conversation that lives there, and begins as this one does.
    pub is_fork: bool,
}

/// All bindings.
#[derive(Debug)]
pub struct Bindings {
    options: BindingsOptions,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Used last first.
    sessions: LruCache<SessionKey, Binding>,
    /// The session that begins so and was used last.
    prefixes: HashMap<Fingerprint, SessionKey, RandomState>,
    /// Conversations with a living cache.
    conversations: HashMap<AccountId, u32, RandomState>,
    counted: Timestamp,
    /// Whether somebody writes down what changes.
    is_journaled: bool,
    /// What has changed since it was written down last.
    changed: HashSet<SessionKey, RandomState>,
    gone: HashSet<SessionKey, RandomState>,
}

impl Default for Bindings {
    fn default() -> Self {
        Self::new(BindingsOptions::default())
    }
}

impl Bindings {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(options: BindingsOptions) -> Self {
        let state = State {
            // Grows as it fills.
            sessions: LruCache::unbounded(),
            prefixes: HashMap::default(),
            conversations: HashMap::default(),
            counted: Timestamp::default(),
            is_journaled: false,
            changed: HashSet::default(),
            gone: HashSet::default(),
        };
        Self { options, state: Mutex::new(state) }
    }

    /// What an earlier life of this process remembered, as far as it is not too old at `now`.
    #[must_use]
    pub fn remembering(options: BindingsOptions, mut bindings: Vec<Binding>, now: Timestamp) -> Self {
        bindings.sort_by_key(Binding::used);
        let all = Self::new(options);
        {
            let mut state = all.state.lock();
            for binding in bindings {
                state.put(binding);
            }
            state.forget(options, now);
        }
        all
    }

    /// How many sessions are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What bears on one decision. Looking changes nothing.
    #[must_use]
    pub fn recall(&self, standings: &[Standing], facts: &RequestFacts, now: Timestamp) -> Memory {
        let mut state = self.state.lock();
        state.count(now);
        let bound = self.bound(&state, facts, now);
        let own =
            bound.as_ref().filter(|bound| !bound.is_fork && bound.lane.is_alive(now)).map(|bound| bound.lane.account);
        let others = |standing: &Standing| {
            let id = standing.account.id;
            let all = state.conversations.get(&id).copied().unwrap_or(0);
            all.saturating_sub(u32::from(own == Some(id)))
        };
        let conversations = standings.iter().map(others).collect();
        Memory { bound, conversations }
    }

    fn bound(&self, state: &State, facts: &RequestFacts, now: Timestamp) -> Option<Bound> {
        let fresh = |key: &SessionKey| state.sessions.peek(key).filter(|known| !self.is_old(known, now));
        if let Some(bound) = facts.session.as_ref().and_then(fresh).and_then(|known| bound(known, facts, now)) {
            return Some(bound);
        }
        let parent = facts.prefix.and_then(|prefix| state.prefixes.get(&prefix)).and_then(fresh)?;
        Some(Bound { is_fork: true, is_tied: false, ..bound(parent, facts, now)? })
    }

    fn is_old(&self, binding: &Binding, now: Timestamp) -> bool {
        now.since(binding.used()) > self.options.life
    }

    /// `account` is about to be asked. A session that is new lives there from now on, so that its other requests, which
    /// may come at the same moment, go there too.
    pub(super) fn begins(&self, account: AccountId, facts: &RequestFacts, at: Timestamp) {
        let Some(session) = facts.session else { return };
        let family = family(facts);
        let mut state = self.state.lock();
        let known = state.sessions.get(&session).filter(|known| !self.is_old(known, at));
        if known.is_some_and(|known| known.lane(family).is_some()) {
            return;
        }
        // A fork finds its parent's cache there.
        let parent = self.bound(&state, facts, at).filter(|bound| bound.is_fork && bound.lane.account == account);
        let inherited = parent.filter(|parent| parent.lane.is_alive(at));
        let lane = Lane {
            family,
            account,
            model: facts.model.clone(),
            cached: inherited.and_then(|parent| parent.lane.cached),
            hour: facts.hour_cache,
            used: at,
        };
        state.change(session, at, self.options, |binding| {
            binding.prefix = facts.prefix.or(binding.prefix);
            binding.main = binding.main.or(main(facts));
            binding.lanes.push(lane);
        });
    }

    /// `account` has answered: the conversation lives there from now on.
    pub(super) fn answered(&self, account: AccountId, facts: &RequestFacts, at: Timestamp) {
        let Some(session) = facts.session else { return };
        let family = family(facts);
        let mut state = self.state.lock();
        let anew = facts.compacted && facts.is_main();
        let main = main(facts);
        let stays = |known: &Binding| {
            let is_there = known.lane(family).is_some_and(|lane| lane.account == account);
            is_there && main.is_none_or(|main| known.main == Some(main))
        };
        if !anew && state.sessions.peek(&session).is_some_and(stays) {
            return;
        }
        let lane = Lane { family, account, model: facts.model.clone(), cached: None, hour: facts.hour_cache, used: at };
        state.change(session, at, self.options, |binding| {
            binding.prefix = if anew { facts.prefix } else { binding.prefix.or(facts.prefix) };
            binding.main = main.or(binding.main);
            if anew || binding.lane(family).is_none_or(|lane| lane.account != account) {
                binding.lanes.retain(|old| old.family != family);
                binding.lanes.push(lane);
            }
        });
    }

    /// The answer that began at `at` is over: now it is known how much of the prompt is in the cache.
    pub(super) fn ended(&self, account: AccountId, facts: &RequestFacts, usage: &Usage, at: Timestamp) {
        let tokens = &usage.tokens;
        let (Some(session), Some(cached)) = (facts.session, sum(tokens.cache_read, tokens.cache_write())) else {
            return;
        };
        let family = family(facts);
        let mut state = self.state.lock();
        let lives_there = |known: &Binding| known.lane(family).is_some_and(|lane| lane.account == account);
        // It may have moved on, or been forgotten, while this answer was under way.
        if !state.sessions.peek(&session).is_some_and(lives_there) {
            return;
        }
        state.change(session, at, self.options, |binding| {
            let Some(lane) = binding.lanes.iter_mut().find(|lane| lane.family == family) else { return };
            // Another's prompt is short, and so may be its cache's life; what the session would lose is the main thread's.
            let others = !facts.is_main();
            lane.cached = Some(cached.max(lane.cached.filter(|_| others).unwrap_or(0)));
            lane.hour = facts.hour_cache || (others && lane.hour);
            lane.model.clone_from(&facts.model);
            lane.used = lane.used.max(at);
        });
    }

    /// From now on somebody asks for what has changed.
    pub(super) fn journal(&self) {
        self.state.lock().is_journaled = true;
    }

    /// Takes what has changed since the last time: bindings as they are now, and sessions that are forgotten.
    pub(super) fn take_changes(&self, now: Timestamp) -> (Vec<Binding>, Vec<SessionKey>) {
        let mut state = self.state.lock();
        state.forget(self.options, now);
        let changed = std::mem::take(&mut state.changed);
        let kept = changed.iter().filter_map(|session| state.sessions.peek(session)).cloned().collect();
        (kept, std::mem::take(&mut state.gone).into_iter().collect())
    }

    /// Gives back what could not be written down.
    pub(super) fn give_back(&self, kept: &[Binding], gone: &[SessionKey]) {
        let mut state = self.state.lock();
        state.changed.extend(kept.iter().map(|binding| binding.session));
        let forgotten: Vec<_> = gone.iter().filter(|key| !state.sessions.contains(key)).copied().collect();
        state.gone.extend(forgotten);
    }
}

fn family(facts: &RequestFacts) -> ModelFamily {
    ModelFamily::of(facts.model.as_deref().unwrap_or_default())
}

fn sum(read: Option<u64>, written: Option<u64>) -> Option<u64> {
    [read, written].into_iter().flatten().reduce(u64::saturating_add)
}

/// The family that a session itself asks for.
fn main(facts: &RequestFacts) -> Option<ModelFamily> {
    facts.is_main().then(|| family(facts))
}

/// A family that the session has not asked for yet is at home where the session is, and so is a sub-agent that has nothing
/// in the cache any more.
fn bound(binding: &Binding, facts: &RequestFacts, now: Timestamp) -> Option<Bound> {
    let (home, family) = (binding.home()?, family(facts));
    let own = binding.lane(family).filter(|lane| !facts.is_subagent() || lane.is_alive(now));
    let lane = own.cloned().unwrap_or_else(|| Lane { cached: Some(0), ..home.clone() });
    let others = binding.lanes.iter().any(|lane| lane.family != family && lane.is_alive(now));
    Some(Bound { lane, home: home.account, is_tied: facts.is_subagent() || others, is_fork: false })
}

impl State {
    /// Changes a session's binding, which becomes the one used last, and makes room for it if it is new.
    fn change(
        &mut self,
        session: SessionKey,
        at: Timestamp,
        options: BindingsOptions,
        change: impl FnOnce(&mut Binding),
    ) {
        let begin = || Binding { session, prefix: None, lanes: Vec::new(), main: None };
        let binding = self.sessions.get_or_insert_mut(session, begin);
        let before = (binding.home().map(|lane| lane.account), binding.prefix);
        if at.since(binding.used()) > options.life {
            *binding = begin();
        }
        change(binding);
        let (home, prefix) = (binding.home().map(|lane| lane.account), binding.prefix);
        if before.0 != home {
            self.recount(before.0, home);
        }
        if before.1 != prefix {
            self.unname(before.1, session);
        }
        if let Some(prefix) = prefix {
            self.prefixes.insert(prefix, session);
        }
        if self.is_journaled {
            self.changed.insert(session);
            self.gone.remove(&session);
        }
        self.forget(options, at);
    }

    fn put(&mut self, binding: Binding) {
        if let Some(prefix) = binding.prefix {
            self.prefixes.insert(prefix, binding.session);
        }
        self.sessions.put(binding.session, binding);
    }

    /// Drops what is too old or too much, from the end of the order.
    fn forget(&mut self, options: BindingsOptions, now: Timestamp) {
        while let Some((_, oldest)) = self.sessions.peek_lru() {
            if self.sessions.len() <= options.most.get() && now.since(oldest.used()) <= options.life {
                break;
            }
            let Some((session, binding)) = self.sessions.pop_lru() else { break };
            self.unname(binding.prefix, session);
            self.recount(binding.home().map(|lane| lane.account), None);
            if self.is_journaled {
                self.changed.remove(&session);
                self.gone.insert(session);
            }
        }
    }

    fn unname(&mut self, prefix: Option<Fingerprint>, session: SessionKey) {
        if let Some(prefix) = prefix.filter(|prefix| self.prefixes.get(prefix) == Some(&session)) {
            self.prefixes.remove(&prefix);
        }
    }

    fn recount(&mut self, before: Option<AccountId>, after: Option<AccountId>) {
        if let Some(count) = before.and_then(|before| self.conversations.get_mut(&before)) {
            *count = count.saturating_sub(1);
        }
        if let Some(after) = after {
            *self.conversations.entry(after).or_insert(0) += 1;
        }
    }

    /// Counts whose cache is alive, if that was not done lately.
    fn count(&mut self, now: Timestamp) {
        if now.since(self.counted) < COUNT_EVERY && self.counted <= now {
            return;
        }
        self.counted = now;
        self.conversations.clear();
        let alive = self.sessions.iter().filter(|(_, binding)| binding.is_alive(now));
        for lane in alive.filter_map(|(_, binding)| binding.home()) {
            *self.conversations.entry(lane.account).or_insert(0) += 1;
        }
    }
}

#[cfg(test)]
mod tests;
