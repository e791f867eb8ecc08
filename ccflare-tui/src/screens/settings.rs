//! The settings: what they are and where each comes from; the strategy; and who is told what happens.

use ccflare_core::{
    control::views::{DeliveryView, SettingView, WebhookView},
    domain::Timestamp,
    report::{Ago, Count, Known},
};

use crate::{
    model::{Model, about_strategy},
    theme::Role,
    widgets::{Canvas, Cell, Column, Rows, cut, extent, table},
};

/// Rows for the chosen setting.
const DETAIL: usize = 6;

const COLUMNS: [Column; 4] = [
    Column::text("SETTING", 22),
    Column::growing("VALUE", 22),
    Column::growing("FROM", 16),
    Column::text("CHANGES", 11),
];

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let canvas = strategy(model, canvas);
    let shelf = &model.settings.shelf;
    let shown = shelf.shown();
    if shown.is_empty() {
        let says = match (&model.settings.trouble, shelf.is_known) {
            (Some(why), false) => why,
            (_, true) => "no setting has these words in it; Esc ends the filter",
            (None, false) => "asking …",
        };
        canvas.area(1, 1, canvas.width().saturating_sub(2), canvas.height().saturating_sub(1)).wrapped(
            0,
            Role::Muted,
            says,
        );
        return;
    }
    let height = list_height(model, canvas.height());
    let rows = Rows::around(shelf.position(), shown.len(), 2, height.saturating_sub(2));
    let part = extent(&rows, shown.len()).map(|part| format!(" {part}")).unwrap_or_default();
    let file = model.settings.file.as_ref().map(|file| format!(" · {file}")).unwrap_or_default();
    let list = canvas.area(0, 0, canvas.width(), height).titled(&format!("Settings{part}{file}"));
    table(&list, &COLUMNS, shown.len(), Some(shelf.position()), |number| row(shown[number]));
    if let Some(setting) = shelf.chosen() {
        detail(setting, &canvas.below(height).titled(&setting.key));
    }
    webhooks(model, &canvas.below(height + DETAIL));
}

/// Rows over the list.
const HEAD: usize = 1;

fn strategy<'a>(model: &Model, canvas: &Canvas<'a>) -> Canvas<'a> {
    let told = model.settings.strategy.as_ref().map(|strategy| strategy.strategy.as_str());
    let name = told.or(model.status.as_ref().map(|status| status.strategy.as_str())).unwrap_or("–");
    let pieces =
        [(Role::Muted, "Strategy  "), (Role::Accent, name), (Role::Muted, "  "), (Role::Muted, about_strategy(name))];
    canvas.line(0, 0, &pieces);
    canvas.below(HEAD)
}

/// Which rows of the list are shown where.
pub(super) fn rows(model: &Model, height: usize) -> Rows {
    let shelf = &model.settings.shelf;
    let list = list_height(model, height.saturating_sub(HEAD));
    Rows::around(shelf.position(), shelf.shown().len(), HEAD + 2, list.saturating_sub(2))
}

/// Rows for the list, of those below the head: what the chosen setting and the receivers leave.
fn list_height(model: &Model, height: usize) -> usize {
    let shown = receivers(model, height);
    let webhooks = if shown == 0 { 0 } else { 1 + 2 * shown };
    height.saturating_sub(DETAIL + webhooks)
}

/// How many receivers there is room for: they take no more than a third from the settings.
fn receivers(model: &Model, height: usize) -> usize {
    model.settings.webhooks.len().min((height / 3).saturating_sub(1) / 2)
}

fn row(setting: &SettingView) -> Vec<Cell> {
    let value = match (&setting.value, setting.secret) {
        (_, true) if setting.origin != "default" => (Role::Muted, "(secret)".to_owned()),
        (Some(value), _) => (Role::Plain, value.clone()),
        (None, _) => (Role::Muted, "–".to_owned()),
    };
    let role = if setting.origin == "default" { Role::Muted } else { Role::Accent };
    vec![
        (Role::Strong, setting.key.clone()),
        value,
        (role, from(setting)),
        match (&setting.pending, setting.live) {
            (Some(_), _) => (Role::Warning, "at restart!".to_owned()),
            (None, true) => (Role::Plain, "at once".to_owned()),
            (None, false) => (Role::Muted, "at restart".to_owned()),
        },
    ]
}

fn from(setting: &SettingView) -> String {
    match &setting.place {
        Some(place) => format!("{} ({place})", setting.origin),
        None => setting.origin.clone(),
    }
}

fn detail(setting: &SettingView, canvas: &Canvas<'_>) {
    let mut y = canvas.wrapped(0, Role::Plain, &setting.about);
    if let Some(pending) = &setting.pending {
        let says = if setting.secret {
            "it will change at the next start".to_owned()
        } else {
            format!("from the next start on: {pending}")
        };
        y = canvas.wrapped(y, Role::Warning, &says);
    }
    let default = setting.default.as_deref().unwrap_or("nothing");
    let also = format!("by default {default}; also set by {}", setting.variables.join(", "));
    canvas.wrapped(y, Role::Muted, &also);
}

/// Who is told what happens, and whether they take it; nothing where nobody is told.
fn webhooks(model: &Model, canvas: &Canvas<'_>) {
    let hooks = &model.settings.webhooks;
    let shown = canvas.height().saturating_sub(1) / 2;
    if shown == 0 || hooks.is_empty() {
        return;
    }
    let rest = if shown < hooks.len() {
        format!(" {shown} of {}, all in `ccflare config show`", hooks.len())
    } else {
        String::new()
    };
    let canvas = canvas.titled(&format!("Webhooks{rest}"));
    for (number, hook) in hooks.iter().take(shown).enumerate() {
        webhook(hook, model.now, &canvas.below(2 * number));
    }
}

/// A receiver, in two lines.
fn webhook(hook: &WebhookView, now: Timestamp, canvas: &Canvas<'_>) {
    let count = |count: u64| Count(count).to_string();
    let (delivered, given_up) = (count(hook.delivered), count(hook.given_up));
    let x = canvas.put(0, 0, Role::Strong, &cut(&hook.host, canvas.width() / 2));
    let x = canvas.line(x + 2, 0, &[(Role::Plain, &delivered), (Role::Muted, " delivered  ")]);
    let role = if hook.given_up > 0 { Role::Bad } else { Role::Muted };
    canvas.line(x, 0, &[(role, &given_up), (Role::Muted, " given up")]);
    let (role, last) = match &hook.last {
        Some(last) => delivery(last, now),
        None => (Role::Muted, "nothing sent since the start".to_owned()),
    };
    let x = canvas.put(2, 1, role, &cut(&last, canvas.width() * 2 / 3));
    let told = if hook.events.is_empty() { "nothing".to_owned() } else { hook.events.join(", ") };
    canvas.put(x, 1, Role::Muted, &cut(&format!(" · told of {told}"), canvas.width().saturating_sub(x)));
}

/// What became of the last event.
fn delivery(last: &DeliveryView, now: Timestamp) -> (Role, String) {
    let (role, word) = match last.outcome.as_str() {
        "delivered" => (Role::Good, "delivered"),
        "retrying" => (Role::Warning, "trying again"),
        "given_up" => (Role::Bad, "given up"),
        other => (Role::Plain, other),
    };
    let answer = match (&last.outcome[..], last.status, &last.error) {
        ("delivered", ..) => String::new(),
        (_, Some(status), _) => format!(": answered {status}"),
        (_, None, error) => format!(": {}", error.as_deref().unwrap_or("no answer")),
    };
    (role, format!("{} {word} {}{answer}", last.event, Known(Ago::parse(&last.at, now))))
}
