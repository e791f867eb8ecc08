//! The accounts: all of them in a list, the chosen one in full.

use ccflare_core::{
    control::views::{AccountView, ClosureView},
    domain::Timestamp,
    report::{Ago, At, Count, Until},
};

use crate::{
    model::Model,
    theme::Role,
    widgets::{Canvas, Cell, Column, Line, Rows, bar, extent, page, quota, severity, table, tightest, wrap},
};

/// From this width on the chosen account stands beside the list.
const BESIDE: usize = 150;

const COLUMNS: [Column; 9] = [
    Column::text("", 1),
    Column::growing("NAME", 12),
    Column::text("STATE", 12),
    Column::number("PRIO", 4),
    Column::number("TIER", 4),
    Column::number("REQUESTS", 8),
    Column::number("BUSY", 4),
    Column::growing("TIGHTEST LIMIT", 24),
    Column::text("LAST USED", 11).from(100),
];

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    if model.accounts.all().is_empty() {
        return empty(model, canvas);
    }
    let (list, detail) = split(model, canvas);
    let shown = model.accounts.shown();
    let rows = rows(model, canvas.width(), canvas.height());
    let title = extent(&rows, shown.len()).map_or_else(|| "Accounts".to_owned(), |part| format!("Accounts {part}"));
    let chosen = (!shown.is_empty()).then(|| model.accounts.position());
    table(&list.titled(&title), &COLUMNS, shown.len(), chosen, |number| row(shown[number], model.now));
    if let Some(account) = model.accounts.chosen() {
        draw_one(account, model.now, &detail.titled(&account.name));
    } else {
        detail.put(1, 1, Role::Muted, "no account has these words in it; Esc ends the filter");
    }
}

/// Which rows of the list are shown where, under a title and a head.
pub(super) fn rows(model: &Model, width: usize, height: usize) -> Rows {
    let height = list_height(model, width, height).saturating_sub(2);
    Rows::around(model.accounts.position(), model.accounts.shown().len(), 2, height)
}

/// The list, and room for the chosen one: below it, or beside it on wide screens.
fn split<'a>(model: &Model, canvas: &Canvas<'a>) -> (Canvas<'a>, Canvas<'a>) {
    let (width, height) = (canvas.width(), canvas.height());
    if width >= BESIDE {
        let list = width * 3 / 5;
        return (canvas.area(0, 0, list - 1, height), canvas.area(list, 0, width - list, height));
    }
    let list = list_height(model, width, height);
    (canvas.area(0, 0, width, list), canvas.below(list))
}

fn list_height(model: &Model, width: usize, height: usize) -> usize {
    if width >= BESIDE { height } else { (model.accounts.shown().len() + 3).min(height * 11 / 20) }
}

fn empty(model: &Model, canvas: &Canvas<'_>) {
    if !model.accounts.is_known {
        canvas.put(1, 1, Role::Muted, "asking …");
        return;
    }
    let says = "No accounts yet. Press a to add one by its API key, or o to add one by login. Until then requests go \
                on with the client's own credentials.";
    canvas.area(1, 1, canvas.width().saturating_sub(2), 6).wrapped(0, Role::Plain, says);
}

pub(super) fn role_of(account: &AccountView) -> Role {
    match account.state.as_str() {
        "active" if account.closures.is_empty() => Role::Good,
        "active" | "rate_limited" => Role::Warning,
        "paused" => Role::Muted,
        _ => Role::Bad,
    }
}

fn row(account: &AccountView, now: Timestamp) -> Vec<Cell> {
    let limit = tightest(&account.windows).map_or_else(
        || (Role::Muted, "–".to_owned()),
        |window| {
            let share = window.utilization.unwrap_or(0.0);
            let left = window.resets_at.as_deref().and_then(|at| Until::parse(at, now)).map(|until| until.to_string());
            let bar = format!("{:·<8}", bar(share, 8));
            (severity(window), format!("{bar} {} {}", window.name, left.unwrap_or_default()))
        },
    );
    let used = account.last_used.as_deref().and_then(|at| Ago::parse(at, now));
    vec![
        (Role::Accent, if account.active { "▶" } else { "" }.to_owned()),
        (if account.paused { Role::Muted } else { Role::Strong }, account.name.clone()),
        (role_of(account), account.state.replace('_', " ")),
        (Role::Plain, account.priority.to_string()),
        (Role::Plain, u8::from(account.tier).to_string()),
        (Role::Plain, Count(account.total_requests).to_string()),
        (if account.in_flight > 0 { Role::Accent } else { Role::Muted }, account.in_flight.to_string()),
        limit,
        (Role::Muted, used.map_or_else(|| "never".to_owned(), |used| used.to_string())),
    ]
}

/// One account: who it is, its limits, and why it can't serve.
fn draw_one(account: &AccountView, now: Timestamp, canvas: &Canvas<'_>) {
    let mut y = canvas.wrapped(0, Role::Muted, &facts(account, now));
    if account.windows.is_empty() {
        canvas.put(0, y, Role::Muted, "its answers have named no limits yet");
        y += 1;
    }
    for window in &account.windows {
        quota(canvas, y, window, now);
        y += 1;
    }
    let reasons: Vec<Line> = account.closures.iter().flat_map(|closure| reason(closure, now, canvas.width())).collect();
    page(&canvas.below(y), &reasons, 0);
}

fn facts(account: &AccountView, now: Timestamp) -> String {
    let until = |at: &Option<String>| at.as_deref().and_then(|at| Until::parse(at, now));
    let mut facts = vec![account.provider.clone()];
    facts.extend(account.base_url.clone());
    if account.active {
        facts.push(format!("new requests go here first ({} in this session)", Count(account.request_count)));
    }
    facts.extend(account.organization.as_ref().map(|organization| format!("organisation {organization}")));
    facts.extend(until(&account.token_expires_at).map(|until| format!("token expires {until}")));
    facts.extend(At::parse(&account.created).map(|at| format!("added {at}")));
    facts.extend(account.last_used.as_deref().and_then(|at| Ago::parse(at, now)).map(|ago| format!("used {ago}")));
    facts.join(" · ")
}

fn reason(closure: &ClosureView, now: Timestamp, width: usize) -> Vec<Line> {
    let scope = if closure.scope == "account" { String::new() } else { format!(" for {}", closure.scope) };
    let opens = match closure.until.as_deref().and_then(|at| Until::parse(at, now)) {
        Some(until) => format!("opens {until}"),
        None => "until it is resumed (u)".to_owned(),
    };
    let head = vec![
        (Role::Bad, format!("✗ {}{scope}", closure.reason.replace('_', " "))),
        (Role::Plain, format!("  {opens}")),
    ];
    let mut lines = vec![head];
    lines.extend(wrap(Role::Muted, &closure.evidence, 2, width));
    lines
}
