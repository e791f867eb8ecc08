//! How it stands at a glance: five numbers with their recent past, the accounts with their limits, the latest requests.

use ccflare_core::{
    control::views::{AccountView, AnalyticsView, RequestView},
    domain::Timestamp,
    report::{At, Count, Left, Until},
};

use super::{
    accounts,
    analytics::{change, draw_values, money, percent, ranges, took, values},
    requests,
};
use crate::{
    model::{Flight, Metric, Model},
    theme::Role,
    widgets::{Canvas, bar, cut, quota, spark, tightest},
};

/// From these on there is room for charts, and for two columns.
const TALL: usize = 34;
const WIDE: usize = 120;

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let x = ranges(model.overview.range, canvas) + 2;
    let Some(view) = &model.overview.view else {
        canvas.put(x, 0, Role::Muted, "asking …");
        return below(model, &canvas.below(5));
    };
    let note = format!(
        "{} tokens · {} moved to another account",
        Count(view.totals.total_tokens),
        Count(view.totals.failovers)
    );
    canvas.put(x, 0, Role::Muted, &cut(&note, canvas.width().saturating_sub(x)));
    cards(view, &canvas.area(0, 1, canvas.width(), 4));
    let rest = canvas.below(5);
    if rest.height() < TALL || rest.width() < WIDE {
        return below(model, &rest);
    }
    let height = rest.height() * 2 / 5;
    charts(view, &rest.area(0, 0, rest.width(), height));
    below(model, &rest.below(height));
}

/// A number with a name, how it stands to the time before, and its past.
struct Card {
    name: &'static str,
    number: String,
    change: (Role, String),
    past: Vec<Option<f64>>,
    role: Role,
}

fn cards(view: &AnalyticsView, canvas: &Canvas<'_>) {
    let (now, before) = (&view.totals, &view.previous);
    let past = |metric: Metric| values(metric, &view.time_series, None);
    let cards = [
        Card {
            name: "REQUESTS",
            number: Count(now.requests).to_string(),
            change: change(Some(before.requests as f64), Some(now.requests as f64), None),
            past: past(Metric::Requests),
            role: Role::Accent,
        },
        Card {
            name: "SUCCESS",
            number: percent(now.success_rate).to_string(),
            change: change(before.success_rate, now.success_rate, Some(true)),
            past: view.time_series.iter().map(|point| point.success_rate).collect(),
            role: if now.error_rate.unwrap_or(0.0) > 5.0 { Role::Bad } else { Role::Good },
        },
        Card {
            name: "P50/P95",
            number: format!("{}/{}", took(now.p50_response_time), took(now.p95_response_time)),
            change: change(before.p95_response_time, now.p95_response_time, Some(false)),
            past: past(Metric::ResponseTime),
            role: Role::Blue,
        },
        Card {
            name: "COST",
            number: money(now.cost_nano_usd).to_string(),
            change: change(Some(before.total_cost_usd), Some(now.total_cost_usd), None),
            past: past(Metric::Cost),
            role: Role::Purple,
        },
        Card {
            name: "FROM CACHE",
            number: percent(now.cache_hit_rate).to_string(),
            change: change(before.cache_hit_rate, now.cache_hit_rate, Some(true)),
            past: past(Metric::CacheHits),
            role: Role::Pink,
        },
    ];
    let width = canvas.width() / cards.len();
    for (number, card) in cards.iter().enumerate() {
        draw_card(card, &canvas.area(number * width, 0, width.saturating_sub(1), 4));
    }
}

fn draw_card(card: &Card, canvas: &Canvas<'_>) {
    canvas.put(0, 0, Role::Muted, card.name);
    canvas.right(0, card.change.0, &card.change.1);
    canvas.put(0, 1, Role::Strong, &cut(&card.number, canvas.width()));
    canvas.put(0, 2, card.role, &spark(&card.past, canvas.width()));
}

/// Requests over time, and who answered them.
fn charts(view: &AnalyticsView, canvas: &Canvas<'_>) {
    let left = canvas.width() * 2 / 3;
    let volume = canvas.area(0, 0, left - 1, canvas.height().saturating_sub(1)).titled("Requests");
    draw_values(Metric::Requests, &[values(Metric::Requests, &view.time_series, None)], view, &volume);
    let models = canvas.area(left, 0, canvas.width() - left, canvas.height()).titled("Models");
    let most = view.model_distribution.iter().map(|model| model.count).max().unwrap_or(1).max(1);
    for (y, model) in view.model_distribution.iter().take(models.height()).enumerate() {
        let room = models.width().saturating_sub(32);
        models.field(0, y, 22, Role::Plain, &model.model, false);
        models.put(23, y, Role::of_series(y), &bar(model.count as f64 / most as f64, room));
        models.right(y, Role::Plain, &format!(" {}", Count(model.count)));
    }
}

/// Accounts and requests: beside each other where there is room.
fn below(model: &Model, canvas: &Canvas<'_>) {
    let (width, height) = (canvas.width(), canvas.height());
    let (left, right) = if width >= WIDE {
        let left = width / 2;
        (canvas.area(0, 0, left - 1, height), canvas.area(left, 0, width - left, height))
    } else {
        let top = (model.accounts.all().len() * 2 + 1).max(2).min(height / 2);
        (canvas.area(0, 0, width, top), canvas.below(top))
    };
    draw_accounts(model, &left.titled("Accounts"));
    draw_latest(model, &right.titled("Latest requests"));
}

/// Those that need somebody first, then the active one, then the others.
fn draw_accounts(model: &Model, canvas: &Canvas<'_>) {
    if model.accounts.all().is_empty() {
        let says = if model.accounts.is_known { "none yet: 2 leads to where they are added" } else { "asking …" };
        canvas.put(1, 0, Role::Muted, says);
    }
    let mut accounts: Vec<_> = model.accounts.all().iter().collect();
    accounts.sort_by_key(|account| (accounts::role_of(account) != Role::Bad, !account.active));
    for (number, account) in accounts.into_iter().take(canvas.height().div_ceil(2)).enumerate() {
        draw_account(account, model.now, &canvas.area(0, number * 2, canvas.width(), 2));
    }
    let hidden = model.accounts.all().len().saturating_sub(canvas.height().div_ceil(2));
    if hidden > 0 {
        canvas.right(canvas.height().saturating_sub(1), Role::Muted, &format!(" ↓ {hidden} more"));
    }
}

fn draw_account(account: &AccountView, now: Timestamp, canvas: &Canvas<'_>) {
    let mark = if account.active { "▶ " } else { "  " };
    let x = canvas.line(0, 0, &[(Role::Accent, mark), (Role::Strong, &account.name), (Role::Plain, "  ")]);
    let opens = account.closures.iter().filter_map(|closure| Until::parse(closure.until.as_deref()?, now)).next();
    let opens = opens.map(|until| format!(", opens {until}")).unwrap_or_default();
    let state = format!("{}{opens}", account.state.replace('_', " "));
    canvas.put(x, 0, accounts::role_of(account), &cut(&state, canvas.width().saturating_sub(x + 13)));
    let busy = if account.in_flight > 0 { Role::Accent } else { Role::Muted };
    canvas.right(0, busy, &format!("{} in flight", account.in_flight));
    match tightest(&account.windows) {
        Some(window) => quota(&canvas.area(2, 1, canvas.width().saturating_sub(2), 1), 0, window, now),
        None => {
            canvas.put(2, 1, Role::Muted, "its answers have named no limits yet");
        }
    }
}

fn draw_latest(model: &Model, canvas: &Canvas<'_>) {
    let all = model.requests.shelf.all();
    if all.is_empty() && model.requests.shelf.is_known {
        canvas.put(1, 0, Role::Muted, "no finished requests yet");
    }
    let flights = model.feed.flights.iter().rev().take(canvas.height() / 2);
    let under_way = flights.enumerate().map(|(y, flight)| draw_flight(flight, model.now, y, canvas)).count();
    for (number, request) in all.iter().take(canvas.height() - under_way).enumerate() {
        line(request, under_way + number, canvas);
    }
}

/// A request under way, and for how long.
fn draw_flight(flight: &Flight, now: Timestamp, y: usize, canvas: &Canvas<'_>) {
    let (role, state) = match (flight.status, flight.is_streaming) {
        (_, true) => (Role::Accent, "streaming"),
        (Some(_), _) => (Role::Blue, "answering"),
        (None, _) => (Role::Muted, "sent"),
    };
    let took = At::parse(&flight.at).map(|at| Left(now.since(at.0)).to_string()).unwrap_or_default();
    let model = flight.model.as_deref().unwrap_or(&flight.path);
    let room = canvas.width().saturating_sub(42) / 2;
    canvas.put(0, y, Role::Muted, &requests::time(&flight.at));
    canvas.field(9, y, 11, role, state, false);
    canvas.field(21, y, room, Role::Plain, flight.account.as_deref().unwrap_or("…"), false);
    canvas.field(22 + room, y, room, Role::Plain, model, false);
    canvas.right(y, role, &format!("{} {took}", flight.agent.as_deref().unwrap_or_default()));
}

fn line(request: &RequestView, y: usize, canvas: &Canvas<'_>) {
    let room = canvas.width().saturating_sub(42) / 2;
    let account = request.account_used.as_deref().unwrap_or("–");
    canvas.put(0, y, Role::Muted, &requests::time(&request.timestamp));
    canvas.field(9, y, 11, requests::role_of(request), &request.outcome, false);
    canvas.field(21, y, room, Role::Plain, account, false);
    canvas.field(22 + room, y, room, Role::Plain, request.model.as_deref().unwrap_or(&request.path), false);
    canvas.right(y, Role::Plain, &format!("{:>9} {:>9}", took(request.response_time_ms), requests::cost(request)));
}
