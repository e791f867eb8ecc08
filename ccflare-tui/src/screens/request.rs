//! One request: what it used and cost, who asked, and every attempt with its reasons.

use ccflare_core::{
    control::views::{AttemptView, DecisionView, RequestView},
    domain::NanoUsd,
    report::{At, Count, Known, Money, Rate, Share, Size, Took},
};

use super::requests::{cost, count, role_of, took};
use crate::{
    theme::Role,
    widgets::{Line, wrap},
};

/// Everything about one request.
pub(super) fn detail(request: &RequestView, width: usize) -> Vec<Line> {
    let mut lines = vec![
        vec![
            (Role::Muted, format!("{:<12}", "outcome")),
            (role_of(request), format!("{}, {}", Known(request.status_code), request.outcome)),
        ],
        fact("arrived", At::parse(&request.timestamp).map(|at| format!("{at} UTC")).unwrap_or_default()),
        fact("model", model_line(request)),
        fact(
            "took",
            format!(
                "{} in all, {} to the headers, {} to the first token",
                took(request.response_time_ms),
                took(request.time_to_headers_ms),
                took(request.time_to_first_token_ms),
            ),
        ),
        fact(
            "tokens in",
            format!(
                "{:#} = {:#} fresh + {:#} from the cache + {:#} written to it",
                count(request.prompt_tokens),
                count(request.input_tokens),
                count(request.cache_read_input_tokens),
                count(request.cache_creation_input_tokens),
            ),
        ),
        fact(
            "tokens out",
            format!("{:#}, {}", count(request.output_tokens), Known(request.tokens_per_second.map(Rate))),
        ),
        fact("cost", format!("{:#} by the prices of {}", cost(request), Known(request.priced_with.as_deref()))),
        fact("bytes", format!("{} up, {} down", Size(request.request_bytes), Size(request.response_bytes))),
        fact("id", request.id.clone()),
    ];
    lines.extend(who(request));
    if let Some(error) = &request.error_message {
        lines.extend([Vec::new(), vec![(Role::Bad, "What went wrong".to_owned())]]);
        lines.extend(wrap(Role::Plain, error, 2, width));
    }
    lines.extend(request.decision.iter().flat_map(|decision| decided(decision, width)));
    lines.extend([Vec::new(), vec![(Role::Strong, "Attempts".to_owned())]]);
    let whole = request.attempts.iter().map(|attempt| attempt.started_ms + attempt.took_ms).fold(1e-3, f64::max);
    for (number, tried) in request.attempts.iter().enumerate() {
        lines.extend(attempt(number + 1, tried, whole, width));
    }
    lines
}

fn fact(name: &str, text: String) -> Line {
    vec![(Role::Muted, format!("{name:<12}")), (Role::Plain, text)]
}

/// Who asked: the client key, the agent, its session and where it works, as far as that is known.
fn who(request: &RequestView) -> Vec<Line> {
    let agent = request.agent_used.clone().or_else(|| request.is_subagent.then(|| "a sub-agent".to_owned()));
    let of = request.parent_subagent.as_deref().map(|parent| format!(" of {parent}")).unwrap_or_default();
    let agent = agent.map(|agent| if request.is_subagent { format!("{agent}, a sub-agent{of}") } else { agent });
    let facts = [
        ("key", request.client_key.clone()),
        ("agent", agent),
        ("session", request.session.clone()),
        ("workspace", request.workspace.clone()),
    ];
    facts.into_iter().filter_map(|(name, value)| Some(fact(name, value?))).collect()
}

/// The model that answered, and what became of the one that was asked for.
fn model_line(request: &RequestView) -> String {
    let answered = request.model.as_deref().unwrap_or("–");
    let mut line = answered.to_owned();
    if let Some(asked) = request.model_asked.as_deref().filter(|asked| *asked != answered) {
        line += &format!(" (asked for {asked})");
    }
    match (&request.model_preferred, &request.preference_refused) {
        (Some(preferred), Some(why)) => line + &format!("; {preferred} is preferred, but {why}"),
        (Some(preferred), None) => line + &format!("; {preferred} is preferred"),
        (None, _) => line,
    }
}

/// Why it went where it went: who could have served it, who could not, and what a move left behind.
fn decided(decision: &DecisionView, width: usize) -> Vec<Line> {
    let title = format!("Decided by {}", decision.strategy);
    let mut lines = vec![Vec::new(), vec![(Role::Strong, title)]];
    for (number, candidate) in decision.candidates.iter().enumerate() {
        let left = candidate.left.map(|left| format!(", {} left", Share::new(left))).unwrap_or_default();
        let says = format!("{}. {}: {}{left}", number + 1, candidate.account, candidate.reason);
        lines.extend(wrap(if number == 0 { Role::Plain } else { Role::Muted }, &says, 2, width));
    }
    for excluded in &decision.excluded {
        let until = excluded.until.as_deref().and_then(At::parse).map(|at| format!(" until {at}")).unwrap_or_default();
        let says =
            format!("✗  {}: {}{until}. {}", excluded.account, excluded.reason.replace('_', " "), excluded.evidence);
        lines.extend(wrap(Role::Warning, &says, 2, width));
    }
    if decision.unnamed > 0 {
        lines.push(vec![(Role::Muted, format!("  and {} more", decision.unnamed))]);
    }
    if let Some(moved) = &decision.moved {
        let price = moved.price_nano_usd.map(|nanos| format!(", worth {}", Money(NanoUsd(nanos)))).unwrap_or_default();
        let lost = if moved.free {
            String::new()
        } else {
            format!("; {} cached tokens stay behind{price}", Count(moved.cached_tokens))
        };
        let says = format!("the conversation leaves {}: {}{lost}", moved.from, moved.reason.replace('_', " "));
        lines.extend(wrap(Role::Warning, &says, 2, width));
    }
    lines
}

/// One attempt: who, why, how it was judged, and when, as a bar in the time of all of them.
fn attempt(number: usize, attempt: &AttemptView, whole: f64, width: usize) -> Vec<Line> {
    let role = if attempt.verdict == "success" { Role::Good } else { Role::Bad };
    let account = attempt.account.clone().unwrap_or_else(|| "the client's own".to_owned());
    let head = vec![
        (Role::Muted, format!("{number:>2}  ")),
        (Role::Strong, account),
        (Role::Muted, format!("  as {}  ", attempt.choice.replace('_', " "))),
        (role, format!("{} {}", Known(attempt.status_code), attempt.verdict.replace('_', " "))),
    ];
    let room = width.saturating_sub(34).clamp(8, 60);
    let column = |millis: f64| ((millis / whole).clamp(0.0, 1.0) * room as f64).round() as usize;
    let start = column(attempt.started_ms).min(room - 1);
    let end = column(attempt.started_ms + attempt.took_ms).clamp(start + 1, room);
    let time = vec![
        (Role::Muted, "    ".to_owned() + &"·".repeat(start)),
        (role, "█".repeat(end - start)),
        (Role::Muted, "·".repeat(room - end)),
        (Role::Plain, format!("  {}", Took::from_millis(attempt.took_ms))),
        (Role::Muted, format!(" after {}", Took::from_millis(attempt.started_ms))),
    ];
    let mut lines = vec![head, time];
    lines.extend(attempt.detail.iter().flat_map(|detail| wrap(Role::Muted, detail, 4, width)));
    lines
}
