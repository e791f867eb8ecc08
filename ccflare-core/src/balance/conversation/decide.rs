//! Stay, wait or go.

use std::{sync::Arc, time::Duration};

use super::{Bound, ConversationOptions, headrooms, price_of_moving};
use crate::{
    balance::{Candidate, Plan, strategy::Stake},
    domain::{
        AccountId, Choice, Closure, ClosureReason, Decision, Facts, Headroom, Leaving, ModelFamily, NanoUsd, Ranked,
        Timestamp,
    },
    pool::Standing,
    pricing::PriceTable,
};

/// Rooms that differ by less than a factor of 1.15 count as equal: then quota that expires first is used first, and a
/// conversation that could go for free stays. Others follow in steps of it. This is its logarithm.
const STEP: f64 = 0.139_761_942_375_158_63;

/// No room at all.
const LEAST: f64 = 1e-9;

/// What is remembered that bears on one decision.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Where the conversation lives, if it is known.
    pub bound: Option<Bound>,
    /// How many other conversations live on each account, in the order of the standings.
    pub conversations: Vec<u32>,
}

/// Orders the accounts for one request.
///
/// * A conversation stays where its cache is, and waits there for a throttle that costs less than moving would.
/// * A sub-agent stays with its session.
/// * They go if their account can't serve; a session, too, if it has nothing to lose and another account has clearly
///   more room.
/// * Everybody else goes by priority, then by room, and among equals to the account whose quota expires first.
#[must_use]
pub fn decide(
    standings: &[Standing],
    facts: &Facts,
    memory: &Memory,
    options: &ConversationOptions,
    now: Timestamp,
) -> Plan {
    let mut plan = by_room(standings, facts, memory, now);
    match &memory.bound {
        Some(bound) => settle(&mut plan, bound, standings, facts, options, now),
        None => arrive(&mut plan),
    }
    if plan.candidates.is_empty() {
        wait_for_the_first(&mut plan, options, now);
    }
    plan
}

/// Those who can serve, most room first; those who can't.
fn by_room(standings: &[Standing], facts: &Facts, memory: &Memory, now: Timestamp) -> Plan {
    let family = ModelFamily::of(facts.model.as_deref().unwrap_or_default());
    let accounts = standings.iter().map(|standing| Arc::clone(&standing.account));
    let mut plan = Plan::of(accounts, facts, now);
    // Both are in the order of the standings.
    let mut rooms = standings.iter().zip(headrooms(standings, &memory.conversations, family, now));
    for candidate in &mut plan.candidates {
        let found = rooms.find(|(standing, _)| standing.account.id == candidate.account.id);
        candidate.headroom = found.map(|(_, room)| room);
    }
    let best = best(plan.candidates.iter().map(measured));
    plan.candidates.sort_by_cached_key(|candidate| (rank(measured(candidate), best), expiry(measured(candidate))));
    plan
}

/// The order that follows from what a decision of this strategy has measured, and from whom it has put first. It is the one
/// that is written down, so a change of the rules can be tried on decisions of the past.
#[must_use]
pub fn replay(decision: &Decision) -> Vec<AccountId> {
    let mut order: Vec<_> = decision.candidates.iter().collect();
    let best = best(decision.candidates.iter().map(written));
    order.sort_by_cached_key(|ranked| (rank(written(ranked), best), expiry(written(ranked))));
    let first = decision.candidates.first().filter(|first| is_put_first(first));
    let first = first.and_then(|first| order.iter().position(|ranked| ranked.account.id == first.account.id));
    if let Some(at) = first {
        order[..=at].rotate_right(1);
    }
    order.iter().map(|ranked| ranked.account.id).collect()
}

/// Whether it stands first for another reason than its room.
fn is_put_first(ranked: &Ranked) -> bool {
    ranked.wait > Duration::ZERO || matches!(ranked.choice, Choice::Conversation | Choice::Session | Choice::Fork)
}

/// Priority and room.
type Measured<'a> = (u32, Option<&'a Headroom>);

fn measured(candidate: &Candidate) -> Measured<'_> {
    (candidate.account.priority, candidate.headroom.as_ref())
}

fn written(ranked: &Ranked) -> Measured<'_> {
    (ranked.priority, ranked.headroom.as_ref())
}

/// The most room that anybody has of those who go first.
fn best<'a>(all: impl Iterator<Item = Measured<'a>> + Clone) -> f64 {
    let first = all.clone().map(|(priority, _)| priority).min();
    let of_those = all.filter(|(priority, _)| Some(*priority) == first);
    of_those.map(|(_, room)| score(room)).fold(LEAST, f64::max)
}

/// By priority, then by how many steps less room it has than the best. Lower is better.
fn rank((priority, room): Measured<'_>, best: f64) -> (u32, i64) {
    #[allow(clippy::cast_possible_truncation, reason = "a logarithm of what lies between 1e-9 and 1e9")]
    let steps = ((best / score(room)).ln() / STEP).floor() as i64;
    (priority, steps)
}

fn score(room: Option<&Headroom>) -> f64 {
    room.map_or(LEAST, |room| room.score().max(LEAST))
}

/// What expires first goes first; what is not known to expire last.
fn expiry((_, room): Measured<'_>) -> i64 {
    room.and_then(|room| room.expires).map_or(i64::MAX, Timestamp::as_micros)
}

fn arrive(plan: &mut Plan) {
    if let Some(first) = plan.candidates.first_mut() {
        first.choice = Choice::Headroom;
    }
}

/// Finds the place of a conversation that lives on an account already.
fn settle(
    plan: &mut Plan,
    bound: &Bound,
    standings: &[Standing],
    facts: &Facts,
    options: &ConversationOptions,
    now: Timestamp,
) {
    let nothing_to_lose = nothing_to_lose(bound, facts, now);
    let mut stake = stake(bound, nothing_to_lose.is_some(), standings, facts, options);
    let choice = match nothing_to_lose {
        _ if bound.is_fork => Choice::Fork,
        Some(_) => Choice::Session,
        None => Choice::Conversation,
    };
    match place(plan, bound.lane.account) {
        Some(at) if !bound.is_tied && nothing_to_lose.is_some() && is_clearly_better(plan, at) => {
            stake.leaving = nothing_to_lose;
        }
        Some(at) => put_first(plan, at, choice),
        None => stake.leaving = stay_all_the_same(plan, bound, choice, stake.patience, now),
    }
    if stake.leaving.is_some() {
        match place(plan, bound.home).filter(|_| bound.is_tied) {
            Some(home) => put_first(plan, home, Choice::Session),
            None => arrive(plan),
        }
    }
    plan.stake = Some(stake);
}

fn place(plan: &Plan, account: AccountId) -> Option<usize> {
    plan.candidates.iter().position(|candidate| candidate.account.id == account)
}

fn put_first(plan: &mut Plan, at: usize, choice: Choice) {
    plan.candidates[at].choice = choice;
    plan.candidates[..=at].rotate_right(1);
}

/// Whether the first candidate is more than as good as the one at `at`.
fn is_clearly_better(plan: &Plan, at: usize) -> bool {
    let best = best(plan.candidates.iter().map(measured));
    rank(measured(&plan.candidates[0]), best) < rank(measured(&plan.candidates[at]), best)
}

/// Why a move would be free, if it would.
fn nothing_to_lose(bound: &Bound, facts: &Facts, now: Timestamp) -> Option<Leaving> {
    if facts.compacted && facts.is_main() {
        return Some(Leaving::Compacted);
    }
    if !bound.lane.is_alive(now) {
        return Some(Leaving::Idle);
    }
    (bound.lane.cached == Some(0)).then_some(Leaving::Uncached)
}

fn stake(bound: &Bound, is_free: bool, standings: &[Standing], facts: &Facts, options: &ConversationOptions) -> Stake {
    let cached_tokens = if is_free { 0 } else { bound.lane.cached.unwrap_or(0) };
    let model = facts.model.as_deref().or(bound.lane.model.as_deref());
    let price = match model {
        _ if cached_tokens == 0 => Some(NanoUsd(0)),
        Some(model) => price_of_moving(PriceTable::bundled(), model, cached_tokens, bound.lane.hour),
        None => None,
    };
    let account = standings.iter().map(|standing| &standing.account).find(|account| account.id == bound.lane.account);
    Stake {
        account: bound.lane.account,
        name: account.map(|account| Arc::clone(&account.name)),
        leaving: None,
        cached_tokens,
        price,
        patience: price.map_or(Duration::ZERO, |price| worth(price, options)),
    }
}

/// The wait that a price is worth.
fn worth(price: NanoUsd, options: &ConversationOptions) -> Duration {
    let seconds = price.0 as f64 / options.worth_a_second.0.max(1) as f64;
    options.longest_wait().min(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The account can't serve now. A throttle that is worth waiting for is waited for; for anything else, this is why the
/// conversation leaves.
fn stay_all_the_same(
    plan: &mut Plan,
    bound: &Bound,
    choice: Choice,
    patience: Duration,
    now: Timestamp,
) -> Option<Leaving> {
    let Some(at) = plan.closed.iter().position(|(account, _)| account.id == bound.lane.account) else {
        return Some(Leaving::Gone);
    };
    let closure = plan.closed[at].1;
    match throttle(closure, now).filter(|wait| *wait <= patience) {
        Some(wait) => {
            wait_for(plan, at, choice, wait);
            None
        }
        None => Some(Leaving::Closed(closure.reason)),
    }
}

/// Nobody can serve. If somebody is only throttled, and not for long, that beats sending the client away.
fn wait_for_the_first(plan: &mut Plan, options: &ConversationOptions, now: Timestamp) {
    let waits = plan.closed.iter().enumerate().filter_map(|(at, (_, closure))| Some((at, throttle(*closure, now)?)));
    let first = waits.min_by_key(|(_, wait)| *wait).filter(|(_, wait)| *wait <= options.longest_wait());
    if let Some((at, wait)) = first {
        wait_for(plan, at, Choice::FailOver, wait);
    }
}

fn throttle(closure: Closure, now: Timestamp) -> Option<Duration> {
    let until = closure.until.filter(|_| closure.reason == ClosureReason::Throttled)?;
    Some(until.since(now))
}

/// Puts a throttled account at the head of the candidates.
fn wait_for(plan: &mut Plan, at: usize, choice: Choice, wait: Duration) {
    let (account, _) = plan.closed.remove(at);
    plan.candidates.insert(0, Candidate { wait, ..Candidate::new(account, choice) });
}

#[cfg(test)]
mod tests;
