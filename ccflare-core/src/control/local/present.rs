//! Turns what the ledger and the pool hold into what an operator sees.

use std::time::Duration;

use crate::control::views::{AccountView, AttemptView, AuditView, ClosureView, RequestView, WindowView};
use crate::domain::{Account, AccountState, AttemptRecord, AuditEntry, Exchange, Mark, Scope, Timestamp, Window};

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
        scope: match &mark.scope {
            Scope::Account => "account".to_owned(),
            Scope::Family(family) => format!("family:{}", family.as_str()),
            Scope::Model(model) => format!("model:{model}"),
        },
        since: mark.since.to_string(),
        until: mark.until.map(|until| until.to_string()),
        evidence: mark.evidence.to_string(),
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
    let tokens = exchange.usage.tokens;
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
        workspace: asker.and_then(|asker| text(asker.workspace.as_ref())),
    }
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
