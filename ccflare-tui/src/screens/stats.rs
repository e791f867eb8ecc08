//! Everything since the statistics began.

use ccflare_core::{
    control::views::StatsView,
    report::{Count, Known, Rate, Share, Took},
};

use super::analytics::dollars;
use crate::{
    model::Model,
    theme::Role,
    widgets::{Canvas, Line, bar, cut, page, wrap},
};

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    match &model.stats.view {
        Some(stats) => page(canvas, &lines(stats, canvas.width()), model.stats.scroll),
        None => {
            canvas.put(1, 1, Role::Muted, "asking …");
        }
    }
}

fn lines(stats: &StatsView, width: usize) -> Vec<Line> {
    let fact = |name: &str, text: String| vec![(Role::Muted, format!(" {name:<16}")), (Role::Plain, text)];
    let mut lines = vec![
        title("Since the statistics began", width),
        fact("requests", format!("{:#}", Count(stats.total_requests))),
        fact("success", Share::of(stats.succeeded_requests, stats.total_requests).to_string()),
        fact("response time", format!("{} on average", Took::from_millis(stats.avg_response_time as f64))),
        fact("output speed", Known(stats.avg_tokens_per_second.map(Rate)).to_string()),
        fact("tokens", format!("{:#}", Count(stats.total_tokens))),
        fact(
            "cost",
            format!("{} ({} saved by the cache)", dollars(stats.total_cost_usd), dollars(stats.cache_savings_usd)),
        ),
        fact("accounts used", stats.active_accounts.to_string()),
        Vec::new(),
        title("Models used most", width),
    ];
    lines.extend(stats.top_models.iter().enumerate().map(|(number, model)| {
        let share = model.percentage / 100.0;
        measured(&model.model, share, number, format!("{}  {}", Count(model.count), Share::new(share)), width)
    }));
    lines.extend([Vec::new(), title("Accounts", width)]);
    let most = stats.accounts.iter().map(|account| account.request_count).max().unwrap_or(0).max(1);
    lines.extend(stats.accounts.iter().enumerate().map(|(number, account)| {
        let says = format!(
            "{}  {} ok",
            Count(account.request_count),
            Share::of(account.succeeded_requests, account.request_count)
        );
        measured(&account.name.replace('_', " "), account.request_count as f64 / most as f64, number, says, width)
    }));
    lines.extend([Vec::new(), title("Latest errors", width)]);
    if stats.recent_errors.is_empty() {
        lines.push(vec![(Role::Good, " none".to_owned())]);
    }
    lines.extend(stats.recent_errors.iter().flat_map(|error| wrap(Role::Bad, error, 1, width)));
    lines
}

fn title(text: &str, width: usize) -> Line {
    vec![
        (Role::Muted, "─ ".to_owned()),
        (Role::Strong, text.to_owned()),
        (Role::Muted, " ".to_owned() + &"─".repeat(width.saturating_sub(text.len() + 3))),
    ]
}

/// A name, a bar and what it means.
fn measured(name: &str, share: f64, number: usize, says: String, width: usize) -> Line {
    let room = (width / 2).clamp(8, 60);
    vec![
        (Role::Plain, format!(" {:<22}", cut(name, 22))),
        (Role::of_series(number), format!("{:<room$}", bar(share, room))),
        (Role::Plain, format!("  {says}")),
    ]
}
