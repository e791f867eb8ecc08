//! Turns what the ledger and the pool hold into what an operator sees.

use std::time::Duration;

use super::explained;
use crate::control::views::{
    AccountView, AttemptView, AuditView, ClosureView, EventDetail, LogLineView, RequestView, WindowView,
};
use crate::domain::{
    Account, AccountState, AttemptRecord, AuditEntry, Exchange, Intent, Mark, Scope, Timestamp, Window,
};
use crate::record::EventKind;

/// An account at `now`.
pub(super) fn account(account: &Account, active: bool, in_flight: u64, now: Timestamp) -> AccountView {
    let state = account.state(now);
    let session_requests = account.session.filter(|_| active).map_or(0, |session| session.requests);
    AccountView {
        id: account.id.to_string(),
        name: account.name.to_string(),
        provider: account.provider.to_string(),
        base_url: account.base_url.as_ref().map(ToString::to_string),
        priority: account.priority,
        request_count: session_requests,
        total_requests: account.requests,
        last_used: account.last_used.map(|at| at.to_string()),
        created: account.created.to_string(),
        tier: account.effective_tier(),
        paused: account.paused,
        token_status: if state == AccountState::NeedsLogin { "expired" } else { "valid" }.to_owned(),
        token_expires_at: account.credential.tokens().and_then(|tokens| tokens.expires).map(|at| at.to_string()),
        rate_limit_status: rate_limit_status(account, state, now),
        rate_limit_reset: rate_limit_reset(account, state).map(|at| at.to_string()),
        rate_limit_remaining: tightest(account).and_then(|window| window.remaining),
        session_info: if active { format!("Active: {session_requests} reqs") } else { "-".to_owned() },
        state: state.to_string(),
        active,
        in_flight,
        organization: account.organization.as_deref().map(str::to_owned),
        closures: account.standing(now).map(closure).collect(),
        windows: account.limits.windows.iter().map(window).collect(),
    }
}

fn rate_limit_status(account: &Account, state: AccountState, now: Timestamp) -> String {
    let stated = || account.limits.windows.iter().find_map(|window| window.status.as_deref());
    match state {
        AccountState::RateLimited { until } => {
            format!("Rate limited ({}m)", until.since(now).as_secs().div_ceil(60).max(1))
        }
        _ => stated().filter(|status| *status != "allowed").unwrap_or("OK").to_owned(),
    }
}

fn rate_limit_reset(account: &Account, state: AccountState) -> Option<Timestamp> {
    match state {
        AccountState::RateLimited { until } => Some(until),
        _ => tightest(account).and_then(|window| window.resets),
    }
}

/// The window of which the largest part is used.
fn tightest(account: &Account) -> Option<&Window> {
    let used = |window: &&Window| window.utilization.unwrap_or(0.0);
    account.limits.windows.iter().max_by(|a, b| used(a).total_cmp(&used(b)))
}

fn closure(mark: &Mark) -> ClosureView {
    ClosureView {
        reason: mark.reason.as_str().to_owned(),
        scope: scope(&mark.scope),
        since: mark.since.to_string(),
        until: mark.until.map(|until| until.to_string()),
        evidence: mark.evidence.to_string(),
    }
}

fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Account => "account".to_owned(),
        Scope::Family(family) => format!("family:{}", family.as_str()),
        Scope::Model(model) => format!("model:{model}"),
    }
}

fn window(window: &Window) -> WindowView {
    WindowView {
        name: window.name.to_string(),
        status: window.status.as_deref().map(str::to_owned),
        utilization: window.utilization,
        limit: window.limit,
        remaining: window.remaining,
        resets_at: window.resets.map(|at| at.to_string()),
    }
}

/// A finished request.
pub(super) fn request(exchange: &Exchange) -> RequestView {
    let tokens = exchange.usage.billed();
    let (asker, preference) = (exchange.intent.asker.as_deref(), exchange.intent.preference.as_ref());
    let text = |text: Option<&std::sync::Arc<str>>| text.map(|text| text.to_string());
    RequestView {
        id: exchange.intent.id.to_string(),
        timestamp: exchange.intent.at.to_string(),
        method: exchange.intent.method.to_string(),
        path: exchange.intent.path.to_string(),
        account_used: exchange.final_attempt().and_then(account_name),
        status_code: exchange.status,
        success: exchange.is_success(),
        error_message: exchange.error.as_deref().map(str::to_owned),
        outcome: exchange.outcome.as_str().to_owned(),
        response_time_ms: exchange.timing.end.map(millis),
        time_to_headers_ms: exchange.timing.headers.map(millis),
        time_to_first_token_ms: exchange.timing.first_token.map(millis),
        failover_attempts: exchange.failovers(),
        attempts: exchange.attempts.iter().map(attempt).collect(),
        model: exchange.model.as_deref().or(exchange.intent.model.as_deref()).map(str::to_owned),
        model_asked: exchange.intent.model.as_deref().map(str::to_owned),
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cache_read_input_tokens: tokens.cache_read,
        cache_creation_input_tokens: tokens.cache_write(),
        cache_creation5m_input_tokens: tokens.cache_write_5m,
        cache_creation1h_input_tokens: tokens.cache_write_1h,
        prompt_tokens: tokens.prompt(),
        completion_tokens: tokens.output,
        total_tokens: tokens.total(),
        cost_usd: exchange.cost.map(crate::domain::NanoUsd::as_dollars),
        cost_nano_usd: exchange.cost.map(|cost| cost.0),
        priced_with: exchange.priced.as_deref().map(str::to_owned),
        tokens_per_second: crate::analytics::tokens_per_second(exchange),
        request_bytes: exchange.intent.request_bytes,
        response_bytes: exchange.response_bytes,
        client_key: exchange.intent.client_key.as_ref().map(|(_, name)| name.to_string()),
        model_preferred: preference.map(|preference| preference.model.to_string()),
        preference_refused: preference.and_then(|preference| text(preference.refused.as_ref())),
        model_sent: text(exchange.intent.model_sent()),
        session: asker.map(|asker| asker.session.to_string()),
        agent_used: asker.and_then(|asker| text(asker.agent.as_ref())),
        subagent: asker.and_then(|asker| text(asker.subagent.as_ref())),
        is_subagent: asker.is_some_and(|asker| asker.is_subagent),
        parent_subagent: asker.and_then(|asker| text(asker.parent.as_ref())),
        workspace: asker.and_then(|asker| text(asker.workspace.as_ref())),
        decision: exchange.decision.as_deref().map(explained::decision),
    }
}

/// Something that happened.
pub(super) fn event(kind: EventKind) -> EventDetail {
    let texts = |texts: Vec<std::sync::Arc<str>>| texts.iter().map(ToString::to_string).collect();
    match kind {
        EventKind::Started(intent) => started(&intent),
        EventKind::Headers { intent, account, status, elapsed } => EventDetail::Headers {
            request: intent.id.to_string(),
            arrived: intent.at.to_string(),
            method: intent.method.to_string(),
            path: intent.path.to_string(),
            account_id: account.as_ref().map(|(id, _)| id.to_string()),
            account: account.map(|(_, name)| name.to_string()),
            agent: agent(&intent),
            status_code: status,
            elapsed_ms: millis(elapsed),
        },
        EventKind::FirstToken { request, elapsed } => {
            EventDetail::FirstToken { request: request.to_string(), elapsed_ms: millis(elapsed) }
        }
        EventKind::Finished(exchange) => EventDetail::Finished { summary: Box::new(request(&exchange)) },
        EventKind::TurnedAway { reason, status } => {
            EventDetail::TurnedAway { reason: reason.to_owned(), status_code: status }
        }
        EventKind::Account { id, name, news } => EventDetail::Account {
            account_id: id.to_string(),
            account: name.to_string(),
            change: news.as_str().to_owned(),
        },
        EventKind::Limit { id, name, mark } => EventDetail::Limit {
            account_id: id.to_string(),
            account: name.to_string(),
            reason: mark.reason.as_str().to_owned(),
            scope: scope(&mark.scope),
            until: mark.until.map(|until| until.to_string()),
            evidence: mark.evidence.to_string(),
        },
        EventKind::LoginNeeded { account, why } => {
            EventDetail::LoginNeeded { account: account.to_string(), why: why.to_string() }
        }
        EventKind::Renewal { account, result } => {
            EventDetail::Renewal { account: account.to_string(), result: result.as_str().to_owned() }
        }
        EventKind::Moved { conversation, from, to, reason, cache_lost, price } => EventDetail::Moved {
            conversation: conversation.to_string(),
            from: from.map(|from| from.to_string()),
            to: to.to_string(),
            reason: reason.as_str().to_owned(),
            cache_lost: Some(cache_lost),
            price_nano_usd: price.map(|price| price.0),
        },
        EventKind::Config { changed, needs_restart, error } => EventDetail::Config {
            changed: texts(changed),
            needs_restart: texts(needs_restart),
            error: error.map(|error| error.to_string()),
        },
        EventKind::Log(line) => EventDetail::Log { line: LogLineView::clone(&line) },
    }
}

fn started(intent: &Intent) -> EventDetail {
    let asker = intent.asker.as_deref();
    EventDetail::Started {
        request: intent.id.to_string(),
        method: intent.method.to_string(),
        path: intent.path.to_string(),
        model: intent.model.as_deref().map(str::to_owned),
        client_key: intent.client_key.as_ref().map(|(_, name)| name.to_string()),
        session: asker.map(|asker| asker.session.to_string()),
        agent: agent(intent),
        workspace: asker.and_then(|asker| asker.workspace.as_deref().map(str::to_owned)),
    }
}

fn agent(intent: &Intent) -> Option<String> {
    intent.asker.as_ref().and_then(|asker| asker.agent.as_deref().map(str::to_owned))
}

/// An entry of the audit log.
pub(super) fn audit(entry: &AuditEntry) -> AuditView {
    AuditView {
        id: entry.id.to_string(),
        timestamp: entry.at.to_string(),
        actor: entry.actor.kind().to_owned(),
        source: entry.actor.source().map(str::to_owned),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        refused: entry.refused.clone(),
    }
}

fn account_name(attempt: &AttemptRecord) -> Option<String> {
    attempt.account.as_ref().map(|(_, name)| name.to_string())
}

fn attempt(attempt: &AttemptRecord) -> AttemptView {
    AttemptView {
        account: account_name(attempt),
        choice: attempt.choice.as_str().to_owned(),
        verdict: attempt.verdict.as_str().to_owned(),
        status_code: attempt.status,
        started_ms: millis(attempt.started),
        took_ms: millis(attempt.took),
        detail: attempt.detail.as_deref().map(str::to_owned),
    }
}

/// Milliseconds with three digits, so that a local answer is not 0.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
