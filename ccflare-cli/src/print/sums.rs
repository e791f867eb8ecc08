//! What requests add up to.

use anyhow::Result;
use ccflare_core::{
    control::views::{AnalyticsView, GroupView, SessionAgent, SessionDetail, SessionPage, SessionView, StatsView},
    domain::NanoUsd,
    report::{Count, Known, Money, Rate, Share, Took},
};

use super::{json, line, right, table};
use crate::args::Output;

pub(crate) fn stats(stats: &StatsView, output: Output) -> Result<()> {
    if output.json {
        return json(stats);
    }
    line(&format!("requests   {}", Count(stats.total_requests)))?;
    line(&format!("succeeded  {}", Share::of(stats.succeeded_requests, stats.total_requests)))?;
    line(&format!("accounts   {}", stats.active_accounts))?;
    line(&format!("took       {} on average", Took::from_millis(stats.avg_response_time as f64)))?;
    line(&format!("tokens     {}, {} of output", Count(stats.total_tokens), speed(stats.avg_tokens_per_second)))?;
    line(&format!(
        "cost       {}, the cache saved {}",
        dollars(stats.total_cost_usd),
        dollars(stats.cache_savings_usd)
    ))?;
    let mut accounts = table(&["\nACCOUNT", "REQUESTS", "SUCCEEDED"]);
    for account in &stats.accounts {
        accounts.add_row([
            account.name.clone(),
            account.request_count.to_string(),
            Share::of(account.succeeded_requests, account.request_count).to_string(),
        ]);
    }
    right(&mut accounts, &[1, 2]);
    let mut models = table(&["\nMODEL", "REQUESTS", "SHARE"]);
    for model in &stats.top_models {
        models.add_row([model.model.clone(), model.count.to_string(), percent(Some(model.percentage))]);
    }
    right(&mut models, &[1, 2]);
    line(&format!("{accounts}\n{models}"))?;
    if !stats.recent_errors.is_empty() {
        line("\nlatest errors")?;
    }
    stats.recent_errors.iter().try_for_each(|error| line(&format!("  {error}")))
}

pub(crate) fn analytics(view: &AnalyticsView, output: Output) -> Result<()> {
    if output.json {
        return json(view);
    }
    let totals = &view.totals;
    line(&format!("{} to {}", view.meta.from, view.meta.to))?;
    line(&format!(
        "{} requests, {} succeeded, moved {}× to another account",
        Count(totals.requests),
        percent(totals.success_rate),
        Count(totals.failovers)
    ))?;
    let cost = Money(NanoUsd(totals.cost_nano_usd));
    line(&format!(
        "{} tokens for {cost}; the cache saved {}",
        Count(totals.total_tokens),
        dollars(totals.cache_savings_usd)
    ))?;
    line(&format!(
        "answers took {} (p50), {} (p95), {} (p99); first content after {} (p50), {} (p95)",
        took(totals.p50_response_time),
        took(totals.p95_response_time),
        took(totals.p99_response_time),
        took(totals.p50_time_to_first_token),
        took(totals.p95_time_to_first_token)
    ))?;
    if totals.unpriced_requests > 0 {
        line(&format!("the cost of {} requests is not known", Count(totals.unpriced_requests)))?;
    }
    for (head, groups) in [
        ("\nACCOUNT", &view.account_performance),
        ("\nAGENT", &view.agent_performance),
        ("\nCLIENT KEY", &view.client_key_performance),
    ] {
        by_group(head, groups)?;
    }
    let mut models = table(&["\nMODEL", "REQUESTS", "ERRORS", "COST", "P50", "P95", "TOKENS/S"]);
    for model in &view.model_performance {
        let cost = view.cost_by_model.iter().find(|cost| cost.model == model.model);
        models.add_row([
            model.model.clone(),
            model.requests.to_string(),
            percent(model.error_rate),
            Known(cost.map(|cost| dollars(cost.cost_usd))).to_string(),
            took(model.p50_response_time),
            took(model.p95_response_time),
            speed(model.avg_tokens_per_second),
        ]);
    }
    right(&mut models, &[1, 2, 3, 4, 5, 6]);
    line(&format!("{models}"))
}

fn by_group(head: &str, groups: &[GroupView]) -> Result<()> {
    let mut rows = table(&[head, "REQUESTS", "SUCCEEDED", "TOKENS", "CACHED", "COST", "P50", "P95"]);
    for group in groups {
        rows.add_row([
            group.name.clone(),
            group.requests.to_string(),
            percent(group.success_rate),
            Count(group.total_tokens).to_string(),
            percent(group.cache_hit_rate),
            Money(NanoUsd(group.cost_nano_usd)).to_string(),
            took(group.p50_response_time),
            took(group.p95_response_time),
        ]);
    }
    right(&mut rows, &[1, 2, 3, 4, 5, 6, 7]);
    line(&format!("{rows}"))
}

pub(crate) fn sessions(page: &SessionPage, output: Output) -> Result<()> {
    if output.json {
        return json(page);
    }
    if page.sessions.is_empty() {
        return line("no conversations yet: clients that name their sessions make them");
    }
    let mut rows = table(&["LAST REQUEST", "FIRST REQUEST", "REQUESTS", "ERRORS", "TOKENS", "COST", "ID"]);
    for session in &page.sessions {
        rows.add_row([
            session.last_request.clone(),
            session.first_request.clone(),
            session.requests.to_string(),
            session.errors.to_string(),
            Count(session.total_tokens).to_string(),
            cost(session),
            session.id.clone(),
        ]);
    }
    right(&mut rows, &[2, 3, 4, 5]);
    line(&format!("{rows}"))?;
    page.next.as_ref().map_or(Ok(()), |next| line(&format!("older ones: the same with --before {next}")))
}

pub(crate) fn session(detail: &SessionDetail, output: Output) -> Result<()> {
    if output.json {
        return json(detail);
    }
    let session = &detail.session;
    line(&format!("{}  {} to {}", session.id, session.first_request, session.last_request))?;
    line(&format!("requests   {}, {} of them errors", session.requests, session.errors))?;
    line(&format!("tokens     {}", Count(session.total_tokens)))?;
    line(&format!("cost       {}", cost(session)))?;
    line(&format!("accounts   {}", detail.accounts.join(", ")))?;
    if !detail.workspaces.is_empty() {
        line(&format!("workspaces {}", detail.workspaces.join(", ")))?;
    }
    line("")?;
    if detail.truncated {
        line("Only the latest requests are looked at below.")?;
    }
    detail.agents.iter().try_for_each(|one| agent(one, 0))?;
    line(&format!("\nits requests: ccflare request list --session {}", session.id))
}

fn agent(one: &SessionAgent, depth: usize) -> Result<()> {
    let name = match (&one.agent, &one.subagent) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(name), None) => name.clone(),
        (None, Some(id)) => format!("sub-agent {id}"),
        (None, None) if depth == 0 => "the conversation itself".to_owned(),
        (None, None) => "a sub-agent".to_owned(),
    };
    let below = if one.subagents.is_empty() {
        String::new()
    } else {
        format!(", {} with its sub-agents", dollars(one.cost_with_subagents_usd))
    };
    line(&format!(
        "{:indent$}{name}: {} {}, {} tokens, {}{below}  {}",
        "",
        one.requests,
        if one.requests == 1 { "request" } else { "requests" },
        Count(one.total_tokens),
        dollars(one.cost_usd),
        one.models.join(", "),
        indent = 2 * depth
    ))?;
    one.subagents.iter().try_for_each(|below| agent(below, depth + 1))
}

fn cost(session: &SessionView) -> String {
    Money(NanoUsd(session.cost_nano_usd)).to_string()
}

/// Dollars, which may be below nothing.
pub(super) fn dollars(dollars: f64) -> String {
    let amount = Money(NanoUsd((dollars.abs() * 1e9).round() as u64));
    if dollars < 0.0 { format!("-{amount}") } else { amount.to_string() }
}

pub(super) fn percent(percent: Option<f64>) -> String {
    Known(percent.map(|percent| Share::new(percent / 100.0))).to_string()
}

pub(super) fn took(millis: Option<f64>) -> String {
    Known(millis.map(Took::from_millis)).to_string()
}

fn speed(speed: Option<f64>) -> String {
    Known(speed.map(Rate)).to_string()
}
