//! The requests: a live list, and one of them in full.

use ccflare_core::{
    control::views::RequestView,
    domain::NanoUsd,
    report::{At, Count, Known, Money, Took},
};

use super::{request::detail, session};
use crate::{
    model::{Model, Shelf},
    theme::Role,
    widgets::{Canvas, Cell, Column, Rows, extent, page, table},
};

/// From this width on the chosen request stands beside the list.
const BESIDE: usize = 170;

const COLUMNS: [Column; 11] = [
    Column::text("TIME", 8),
    Column::growing("ACCOUNT", 9),
    Column::growing("MODEL", 17),
    Column::number("ST", 3),
    Column::text("OUTCOME", 11).from(96),
    Column::number("TRY", 3),
    Column::number("IN", 6),
    Column::number("CACHED", 6).from(90),
    Column::number("OUT", 6),
    Column::number("COST", 8),
    Column::number("TOOK", 8),
];

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let requests = &model.requests;
    let (shelf, open, scroll) = match &requests.session {
        Some(session) => (&session.shelf, session.open, session.scroll),
        None => (&requests.shelf, requests.open, requests.scroll),
    };
    if let Some(request) = shelf.chosen().filter(|_| open) {
        let inner = canvas.titled(&format!("{} {}", request.method, request.path));
        return page(&inner, &detail(request, inner.width()), scroll);
    }
    if let Some(session) = &requests.session {
        return session::draw(session, canvas);
    }
    let shown = requests.shelf.shown();
    if shown.is_empty() {
        return empty(model, canvas);
    }
    let beside = canvas.width() >= BESIDE;
    let width = if beside { canvas.width() * 3 / 5 } else { canvas.width() };
    list(&requests.shelf, &canvas.area(0, 0, width - usize::from(beside), canvas.height()));
    if let Some(request) = requests.shelf.chosen().filter(|_| beside) {
        let inner = canvas.area(width, 0, canvas.width() - width, canvas.height());
        let inner = inner.titled(&format!("{} {}", request.method, request.path));
        page(&inner, &detail(request, inner.width()), 0);
    }
}

/// A table of requests, with a title that says which part of it is seen.
pub(super) fn list(shelf: &Shelf<RequestView>, canvas: &Canvas<'_>) {
    let shown = shelf.shown();
    let rows = Rows::around(shelf.position(), shown.len(), 2, canvas.height().saturating_sub(2));
    let part = extent(&rows, shown.len());
    let title = part.map_or_else(|| "Requests".to_owned(), |part| format!("Requests {part}"));
    table(&canvas.titled(&title), &COLUMNS, shown.len(), Some(shelf.position()), |number| row(shown[number]));
}

/// Which rows of the list are shown where, if it is the list that is shown.
pub(super) fn rows(model: &Model, height: usize) -> Option<Rows> {
    if let Some(session) = &model.requests.session {
        return session::rows(session, height).filter(|_| !session.open);
    }
    let shelf = &model.requests.shelf;
    (!model.requests.open).then(|| Rows::around(shelf.position(), shelf.shown().len(), 2, height.saturating_sub(2)))
}

fn empty(model: &Model, canvas: &Canvas<'_>) {
    let shelf = &model.requests.shelf;
    let says = match (shelf.is_known, shelf.all().is_empty()) {
        (false, _) => "asking …",
        (true, true) => "No finished requests yet. They appear here as they end.",
        (true, false) => "No request has these words in it; Esc ends the filter.",
    };
    canvas.put(1, 1, Role::Muted, says);
}

/// How it went, as a colour.
pub(super) fn role_of(request: &RequestView) -> Role {
    match (request.success, request.outcome.as_str()) {
        (true, _) if request.failover_attempts > 0 => Role::Warning,
        (true, _) => Role::Good,
        (false, "cancelled") => Role::Muted,
        (false, _) => Role::Bad,
    }
}

/// The time of the day.
pub(super) fn time(moment: &str) -> String {
    let at = At::parse(moment).map(|at| at.to_string()).unwrap_or_default();
    at.rsplit(' ').next().unwrap_or_default().to_owned()
}

pub(crate) fn cost(request: &RequestView) -> Known<Money> {
    Known(request.cost_nano_usd.map(|nanos| Money(NanoUsd(nanos))))
}

pub(super) fn count(tokens: Option<u64>) -> Known<Count> {
    Known(tokens.map(Count))
}

pub(super) fn took(millis: Option<f64>) -> Known<Took> {
    Known(millis.map(Took::from_millis))
}

fn row(request: &RequestView) -> Vec<Cell> {
    let role = role_of(request);
    let plain = |text: String| (Role::Plain, text);
    let tries = request.attempts.len();
    vec![
        (Role::Muted, time(&request.timestamp)),
        plain(request.account_used.clone().unwrap_or_else(|| "–".to_owned())),
        plain(request.model.clone().unwrap_or_else(|| request.path.clone())),
        (role, Known(request.status_code).to_string()),
        (role, request.outcome.clone()),
        (if tries > 1 { Role::Warning } else { Role::Muted }, tries.to_string()),
        plain(count(request.prompt_tokens).to_string()),
        (Role::Muted, count(request.cache_read_input_tokens).to_string()),
        plain(count(request.output_tokens).to_string()),
        plain(cost(request).to_string()),
        plain(took(request.response_time_ms).to_string()),
    ]
}
