//! A session: what it adds up to, who took part, and its requests.

use ccflare_core::{
    control::views::{SessionAgent, SessionDetail},
    domain::NanoUsd,
    report::{At, Count, Money, Took},
};

use super::requests::list;
use crate::{
    model::Session,
    theme::Role,
    widgets::{Canvas, Line, Rows, page},
};

pub(super) fn draw(session: &Session, canvas: &Canvas<'_>) {
    let inner = canvas.titled(&format!("Session {}", session.id));
    let Some(detail) = &session.detail else {
        inner.put(1, 0, Role::Muted, "asking …");
        return;
    };
    let lines = about(detail);
    let head = head(detail, canvas.height());
    page(&inner.area(0, 0, inner.width(), head), &lines, 0);
    list(&session.shelf, &inner.below(head));
}

/// Which of its requests are shown where.
pub(super) fn rows(session: &Session, height: usize) -> Option<Rows> {
    let above = 1 + head(session.detail.as_ref()?, height);
    let count = session.shelf.shown().len();
    Some(Rows::around(session.shelf.position(), count, above + 2, height.saturating_sub(above + 2)))
}

/// The rows above the requests: however many took part, half of the screen is for what they asked.
fn head(detail: &SessionDetail, height: usize) -> usize {
    about(detail).len().min(height / 2)
}

fn about(detail: &SessionDetail) -> Vec<Line> {
    let session = &detail.session;
    let cost = Money(NanoUsd(session.cost_nano_usd));
    let mut sums = vec![(Role::Plain, requests(session.requests))];
    if session.errors > 0 {
        sums.push((Role::Bad, format!(", {} of them failed", session.errors)));
    }
    sums.push((Role::Plain, format!("   {} tokens   {cost:#}", Count(session.total_tokens))));
    let at = |text: &str| At::parse(text).map(|at| at.0);
    if let (Some(first), Some(last)) = (at(&session.first_request), at(&session.last_request)) {
        sums.push((Role::Muted, format!("   {} UTC, lasted {}", At(first), Took(last.since(first)))));
    }
    let mut lines = vec![sums];
    for (name, list) in [("accounts", &detail.accounts), ("works in", &detail.workspaces)] {
        if !list.is_empty() {
            lines.push(vec![(Role::Muted, format!("{name:<10}")), (Role::Plain, list.join(", "))]);
        }
    }
    if detail.truncated {
        lines.push(vec![(Role::Warning, "it has earlier requests than those below".to_owned())]);
    }
    detail.agents.iter().for_each(|agent| member(agent, 0, &mut lines));
    lines
}

/// An agent, and below it those that it gave orders to.
fn member(agent: &SessionAgent, depth: usize, lines: &mut Vec<Line>) {
    let name = match (&agent.agent, &agent.subagent) {
        (Some(name), _) => name.clone(),
        (None, Some(id)) => format!("sub-agent {id}"),
        (None, None) if depth == 0 => "the client itself".to_owned(),
        (None, None) => "a sub-agent".to_owned(),
    };
    let branch = if depth == 0 { String::new() } else { "  ".repeat(depth - 1) + "└ " };
    let mut line = vec![(Role::Muted, branch), (Role::Strong, name)];
    let each =
        format!("  {}, {} tokens, {}", requests(agent.requests), Count(agent.total_tokens), dollars(agent.cost_usd));
    line.push((Role::Plain, each));
    if agent.errors > 0 {
        line.push((Role::Bad, format!(", {} failed", agent.errors)));
    }
    if !agent.subagents.is_empty() {
        line.push((Role::Muted, format!("; with those below {}", dollars(agent.cost_with_subagents_usd))));
    }
    line.push((Role::Muted, format!("  {}", agent.models.join(", "))));
    lines.push(line);
    agent.subagents.iter().for_each(|below| member(below, depth + 1, lines));
}

fn requests(count: u64) -> String {
    format!("{} {}", Count(count), if count == 1 { "request" } else { "requests" })
}

fn dollars(dollars: f64) -> Money {
    Money(NanoUsd((dollars.max(0.0) * 1e9).round() as u64))
}
