//! How it stands: accounts with their limits, and what was asked last.

use ccflare_core::control::views::RequestView;

use super::{accounts, requests};
use crate::{
    model::Model,
    theme::Role,
    widgets::{Canvas, quota, tightest},
};

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let all = model.accounts.all();
    let height = (all.len() * 2 + 1).max(3).min(canvas.height() / 2);
    draw_accounts(model, &canvas.area(0, 0, canvas.width(), height).titled("Accounts"));
    draw_latest(model, &canvas.below(height).titled("Latest requests"));
}

fn draw_accounts(model: &Model, canvas: &Canvas<'_>) {
    if model.accounts.all().is_empty() {
        let says = if model.accounts.is_known { "none yet: 2 leads to where they are added" } else { "asking …" };
        canvas.put(1, 0, Role::Muted, says);
    }
    for (number, account) in model.accounts.all().iter().enumerate() {
        let y = number * 2;
        let mark = if account.active { "▶ " } else { "  " };
        let x = canvas.line(0, y, &[(Role::Accent, mark), (Role::Strong, &account.name), (Role::Plain, "  ")]);
        canvas.put(x, y, accounts::role_of(account), &account.state.replace('_', " "));
        canvas.right(y, Role::Muted, &format!("{} in flight", account.in_flight));
        if let Some(window) = tightest(&account.windows) {
            quota(&canvas.area(2, y + 1, canvas.width().saturating_sub(2), 1), 0, window, model.now);
        }
    }
}

fn draw_latest(model: &Model, canvas: &Canvas<'_>) {
    for (y, request) in model.requests.shelf.all().iter().take(canvas.height()).enumerate() {
        line(request, y, canvas);
    }
}

fn line(request: &RequestView, y: usize, canvas: &Canvas<'_>) {
    canvas.put(0, y, Role::Muted, &requests::time(&request.timestamp));
    canvas.field(9, y, 12, requests::role_of(request), &request.outcome, false);
    canvas.field(22, y, 20, Role::Plain, request.account_used.as_deref().unwrap_or("–"), false);
    canvas.field(43, y, 26, Role::Plain, request.model.as_deref().unwrap_or(&request.path), false);
    canvas.right(y, Role::Plain, &requests::cost(request).to_string());
}
