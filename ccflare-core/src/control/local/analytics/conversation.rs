//! Conversations as an operator sees them. Pure.

use super::present;
use crate::{
    analytics::{Participant, SessionSummary, participants},
    control::views::{SessionAgent, SessionDetail, SessionView},
    domain::{Exchange, NanoUsd},
};

/// What a conversation adds up to.
pub(super) fn session(session: &SessionSummary) -> SessionView {
    SessionView {
        id: session.id.to_string(),
        first_request: session.first.to_string(),
        last_request: session.last.made().to_string(),
        requests: session.all.requests,
        errors: session.all.errors,
        total_tokens: session.all.tokens,
        cache_read_input_tokens: session.all.cache_read,
        output_tokens: session.all.output,
        cost_usd: session.all.cost.as_dollars(),
        cost_nano_usd: session.all.cost.0,
    }
}

/// The same with who took part; `exchanges` are in the order of their arrival.
pub(super) fn detail(summary: &SessionSummary, exchanges: &[Exchange], truncated: bool) -> SessionDetail {
    let mut detail = SessionDetail {
        session: session(summary),
        accounts: Vec::new(),
        workspaces: Vec::new(),
        agents: tree(participants(exchanges.iter())),
        requests: exchanges.iter().map(present::request).collect(),
        truncated,
    };
    for request in &detail.requests {
        once(&mut detail.accounts, request.account_used.as_ref());
        once(&mut detail.workspaces, request.workspace.as_ref());
    }
    detail
}

fn once(list: &mut Vec<String>, item: Option<&String>) {
    list.extend(item.filter(|item| !list.contains(item)).cloned().into_iter().collect::<Vec<_>>());
}

/// Sub-agents below the one who leads. Requests do not tell which of several agents gave an order, so all hang there.
fn tree(found: Vec<Participant>) -> Vec<SessionAgent> {
    let (subagents, mut leads): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.is_subagent);
    let below: NanoUsd = subagents.iter().map(|one| one.share.cost).sum();
    let subagents: Vec<_> = subagents.into_iter().map(|one| agent(one, Vec::new(), NanoUsd(0))).collect();
    match leads.pop() {
        // There is one; more would be told apart by nothing.
        Some(lead) => vec![agent(lead, subagents, below)],
        None => subagents,
    }
}

fn agent(one: Participant, subagents: Vec<SessionAgent>, below: NanoUsd) -> SessionAgent {
    let text = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string());
    SessionAgent {
        agent: text(one.agent),
        subagent: text(one.subagent),
        first_request: one.first.to_string(),
        last_request: one.last.to_string(),
        requests: one.share.requests,
        errors: one.share.errors,
        total_tokens: one.share.tokens,
        cost_usd: one.share.cost.as_dollars(),
        cost_with_subagents_usd: (one.share.cost + below).as_dollars(),
        models: one.models.iter().map(ToString::to_string).collect(),
        subagents,
    }
}
