//! The settings: what they are and where each comes from; and the strategy.

use ccflare_core::control::views::SettingView;

use crate::{
    model::{Model, about_strategy},
    theme::Role,
    widgets::{Canvas, Cell, Column, Rows, extent, table},
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
        let says = if shelf.is_known { "no setting has these words in it; Esc ends the filter" } else { "asking …" };
        canvas.put(1, 1, Role::Muted, says);
        return;
    }
    let height = canvas.height().saturating_sub(DETAIL);
    let rows = Rows::around(shelf.position(), shown.len(), 2, height.saturating_sub(2));
    let part = extent(&rows, shown.len()).map(|part| format!(" {part}")).unwrap_or_default();
    let file = model.settings.file.as_ref().map(|file| format!(" · {file}")).unwrap_or_default();
    let list = canvas.area(0, 0, canvas.width(), height).titled(&format!("Settings{part}{file}"));
    table(&list, &COLUMNS, shown.len(), Some(shelf.position()), |number| row(shown[number]));
    if let Some(setting) = shelf.chosen() {
        detail(setting, &canvas.below(height).titled(&setting.key));
    }
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
    Rows::around(shelf.position(), shelf.shown().len(), HEAD + 2, height.saturating_sub(HEAD + DETAIL + 2))
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
