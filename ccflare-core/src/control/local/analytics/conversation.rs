//! Conversations as an operator sees them. Pure.

use std::sync::Arc;

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

/// So deep do we show orders that follow from orders. Clients may tell of circles, or of depths without end.
const DEEPEST: usize = 16;

/// Who leads, with the sub-agents below whoever gave them their orders: below the leader where nothing else is told.
fn tree(found: Vec<Participant>) -> Vec<SessionAgent> {
    let (subagents, mut leads): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.is_subagent);
    let named = |id: &Arc<str>| subagents.iter().position(|one| one.subagent.as_ref() == Some(id));
    let told: Vec<_> = subagents.iter().map(|one| one.parent.as_ref().and_then(named)).collect();
    let ends = |mut at: usize| {
        (0..DEEPEST).any(|_| {
            told[at].is_none_or(|above| {
                at = above;
                false
            })
        })
    };
    let parents: Vec<_> = (0..told.len()).map(|at| told[at].filter(|_| ends(at))).collect();
    let mut subagents: Vec<_> = subagents.into_iter().map(Some).collect();
    let below = branch(None, &parents, &mut subagents);
    match leads.pop() {
        // There is one; more would be told apart by nothing.
        Some(lead) => vec![agent(lead, below).0],
        None => below.into_iter().map(|(agent, _)| agent).collect(),
    }
}

/// Those that have their orders from this one, each with what it and all below it cost.
fn branch(
    from: Option<usize>,
    parents: &[Option<usize>],
    subagents: &mut [Option<Participant>],
) -> Vec<(SessionAgent, NanoUsd)> {
    let own = (0..parents.len()).filter(|at| parents[*at] == from);
    own.filter_map(|at| Some(agent(subagents[at].take()?, branch(Some(at), parents, subagents)))).collect()
}

fn agent(one: Participant, below: Vec<(SessionAgent, NanoUsd)>) -> (SessionAgent, NanoUsd) {
    let text = |text: Option<Arc<str>>| text.map(|text| text.to_string());
    let (subagents, costs): (Vec<_>, Vec<_>) = below.into_iter().unzip();
    let whole = one.share.cost + costs.into_iter().sum();
    let agent = SessionAgent {
        agent: text(one.agent),
        subagent: text(one.subagent),
        first_request: one.first.to_string(),
        last_request: one.last.to_string(),
        requests: one.share.requests,
        errors: one.share.errors,
        total_tokens: one.share.tokens,
        cost_usd: one.share.cost.as_dollars(),
        cost_with_subagents_usd: whole.as_dollars(),
        models: one.models.iter().map(ToString::to_string).collect(),
        subagents,
    };
    (agent, whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analytics::Share, domain::Timestamp};

    fn one(id: Option<&str>, parent: Option<&str>) -> Participant {
        Participant {
            subagent: id.map(Into::into),
            is_subagent: id.is_some(),
            parent: parent.map(Into::into),
            agent: None,
            first: Timestamp::default(),
            last: Timestamp::default(),
            share: Share { requests: 1, cost: NanoUsd(1_000_000_000), ..Share::default() },
            models: Vec::new(),
        }
    }

    /// `lead(a(b))`, and what each costs with all below it.
    fn drawn(agents: &[SessionAgent]) -> String {
        let each = |agent: &SessionAgent| {
            let below =
                if agent.subagents.is_empty() { String::new() } else { format!("({})", drawn(&agent.subagents)) };
            format!("{}{}{below}", agent.subagent.as_deref().unwrap_or("lead"), agent.cost_with_subagents_usd)
        };
        agents.iter().map(each).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn sub_agents_stand_below_whoever_gave_them_their_orders() {
        let (lead, a) = (one(None, None), one(Some("a"), None));
        let (b, c) = (one(Some("b"), Some("a")), one(Some("c"), Some("b")));
        let late = one(Some("d"), None);
        assert_eq!(drawn(&tree(vec![lead, a, b, c, late])), "lead5(a3(b2(c1)) d1)");
        // The window of requests may begin behind the parent's first, or behind all of the leader's.
        assert_eq!(drawn(&tree(vec![one(Some("b"), Some("a")), one(Some("a"), None)])), "a2(b1)");
        assert_eq!(drawn(&tree(vec![one(None, None), one(Some("b"), Some("gone"))])), "lead2(b1)");
    }

    #[test]
    fn orders_in_circles_or_without_end_hang_below_the_leader() {
        let circle =
            vec![one(None, None), one(Some("a"), Some("b")), one(Some("b"), Some("a")), one(Some("c"), Some("c"))];
        assert_eq!(drawn(&tree(circle)), "lead4(a1 b1 c1)");
        let id = |number: usize| format!("{number}");
        let deep = (0..1000).map(|number| one(Some(&id(number)), (number > 0).then(|| id(number - 1)).as_deref()));
        let all = tree([one(None, None)].into_iter().chain(deep).collect());
        assert_eq!(all[0].subagents.len(), 1000 - DEEPEST + 1);
        assert!((all[0].cost_with_subagents_usd - 1001.0).abs() < 1e-9, "nobody is lost");
        let json = serde_json::to_string(&all).expect("JSON");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "a reader can follow");
    }
}
