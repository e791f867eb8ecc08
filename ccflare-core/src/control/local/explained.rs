//! Turns decisions into what an operator reads.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use crate::{
    control::views::{CandidateView, DecisionView, ExcludedView, FactsView, MoveView},
    domain::{Choice, Decision, Excluded, Headroom, Move, NanoUsd, Ranked, RequestFacts},
};

/// A decision.
pub(super) fn decision(decision: &Decision) -> DecisionView {
    DecisionView {
        strategy: decision.strategy.to_string(),
        candidates: decision.candidates.iter().map(candidate).collect(),
        excluded: decision.excluded.iter().map(excluded).collect(),
        unnamed: decision.unnamed,
        moved: decision.moved.as_ref().map(moved),
    }
}

/// The facts of a request.
pub(super) fn facts(facts: &RequestFacts) -> FactsView {
    let asker = facts.asker.as_ref();
    let text = |text: Option<&std::sync::Arc<str>>| text.map(ToString::to_string);
    FactsView {
        model: text(facts.model.as_ref()),
        model_asked: text(facts.model_asked.as_ref().or(facts.model.as_ref())),
        session: asker.map(|asker| asker.session.to_string()).or(facts.session.map(|session| session.to_string())),
        agent: asker.and_then(|asker| text(asker.agent.as_ref())),
        workspace: asker.and_then(|asker| text(asker.workspace.as_ref())),
        is_subagent: facts.is_subagent(),
        compacted: facts.compacted,
        hour_cache: facts.hour_cache,
    }
}

/// What would happen, in a sentence.
pub(super) fn summary(decision: &DecisionView) -> String {
    let Some(first) = decision.candidates.first() else {
        return format!("nobody can serve it now: {}", reasons(decision));
    };
    let way = match &decision.moved {
        None => String::new(),
        Some(moved) => format!(", leaving {} ({}, {})", moved.from, words(&moved.reason), cost(moved)),
    };
    format!("{} would be asked: {}{way}", first.account, first.reason)
}

fn reasons(decision: &DecisionView) -> String {
    let reason = |excluded: &ExcludedView| match &excluded.until {
        Some(until) => format!("{} is {} until {until}", excluded.account, words(&excluded.reason)),
        None => format!("{} is {}", excluded.account, words(&excluded.reason)),
    };
    decision.excluded.iter().map(reason).collect::<Vec<_>>().join("; ")
}

fn cost(moved: &MoveView) -> String {
    match moved.price_nano_usd {
        _ if moved.free => "for free".to_owned(),
        Some(price) => format!("for {} more: {} cached tokens are written anew", NanoUsd(price), moved.cached_tokens),
        None => format!("{} cached tokens are written anew", moved.cached_tokens),
    }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn candidate(ranked: &Ranked) -> CandidateView {
    let room = ranked.headroom.as_ref();
    CandidateView {
        account: ranked.account.name.to_string(),
        account_id: ranked.account.id.to_string(),
        priority: ranked.priority,
        choice: ranked.choice.as_str().to_owned(),
        reason: reason(ranked),
        score: room.map(Headroom::score),
        size: room.map(|room| room.size),
        left: room.map(|room| room.left),
        window: room.and_then(|room| room.window.as_deref().map(str::to_owned)),
        conversations: room.map(|room| room.conversations),
        in_flight: room.map(|room| room.in_flight),
        expires: room.and_then(|room| room.expires).map(|expires| expires.to_string()),
        wait_ms: ranked.wait.as_secs_f64() * 1e3,
    }
}

/// Longer than most reasons are: a page of requests has a thousand of them.
const REASON: usize = 160;

fn reason(ranked: &Ranked) -> String {
    let mut reason = String::with_capacity(REASON);
    reason.push_str(match ranked.choice {
        Choice::Conversation => "the conversation lives there, and so does its cache",
        Choice::Session => "its session lives there",
        Choice::Fork => "the conversation that it was forked from lives there",
        Choice::Headroom => "the most room for one more conversation",
        Choice::ActiveSession => "it holds the running session",
        Choice::NewSession => "no session is running, and it is the first by priority and order",
        Choice::FailOver => "if those before it can't serve",
        Choice::Retry => "once more",
        Choice::ClientCredentials => "no account is there",
        Choice::Strategy => "the strategy chose it",
        Choice::Owner => "what the request names lives there",
    });
    // Writing to a text does not fail.
    if let Some(room) = &ranked.headroom {
        let _ = write!(reason, " ({})", Measured(room));
    }
    if ranked.wait > Duration::ZERO {
        let _ = write!(reason, "; it is throttled, and worth waiting {:.1} s for", ranked.wait.as_secs_f64());
    }
    reason
}

/// A room, in words.
struct Measured<'a>(&'a Headroom);

impl fmt::Display for Measured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Headroom { left, window, conversations, in_flight, .. } = self.0;
        match window {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a hundred")]
            Some(window) => write!(f, "{} % of {window} left", (left * 100.0).round() as u32)?,
            None => f.write_str("nothing known of its limits")?,
        }
        let many = |number: u32| if number == 1 { "" } else { "s" };
        write!(f, ", {conversations} other conversation{}", many(*conversations))?;
        write!(f, ", {in_flight} request{} under way", many(*in_flight))
    }
}

fn excluded(excluded: &Excluded) -> ExcludedView {
    ExcludedView {
        account: excluded.account.name.to_string(),
        account_id: excluded.account.id.to_string(),
        reason: excluded.reason.as_str().to_owned(),
        until: excluded.until.map(|until| until.to_string()),
        evidence: excluded.evidence.to_string(),
    }
}

fn moved(moved: &Move) -> MoveView {
    MoveView {
        from: moved.from_name.as_ref().map_or_else(|| moved.from.to_string(), ToString::to_string),
        reason: moved.reason.as_str().to_owned(),
        free: moved.reason.is_free(),
        cached_tokens: moved.cached_tokens,
        price_usd: moved.price.map(NanoUsd::as_dollars),
        price_nano_usd: moved.price.map(|price| price.0),
    }
}
