//! Client keys above, what operators changed below.

use ccflare_core::{
    control::views::{AuditView, ClientKeyView},
    domain::Timestamp,
    report::{Ago, At, Known},
};

use crate::{
    model::Model,
    theme::Role,
    widgets::{Canvas, Cell, Column, Rows, extent, table},
};

const KEYS: [Column; 5] = [
    Column::growing("NAME", 18),
    Column::text("STATE", 8),
    Column::text("USED", 12),
    Column::growing("MODELS", 14),
    Column::growing("ACCOUNTS", 14),
];

const CHANGES: [Column; 4] =
    [Column::text("WHEN", 15), Column::text("WHO", 11), Column::growing("WHAT", 18), Column::growing("TO", 20)];

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let shelf = &model.client_keys.shelf;
    let (shown, height) = (shelf.shown(), list_height(canvas.height()));
    let rows = rows(model, canvas.height());
    let part = extent(&rows, shown.len()).map(|part| format!(" {part}")).unwrap_or_default();
    let list = canvas.area(0, 0, canvas.width(), height).titled(&format!("Client keys{part}"));
    if shown.is_empty() {
        let says = match (shelf.is_known, shelf.all().is_empty()) {
            (false, _) => "asking …",
            (true, true) => "No client keys yet; a makes one.",
            (true, false) => "No key has these words in it; Esc ends the filter.",
        };
        list.put(1, 1, Role::Muted, says);
    } else {
        table(&list, &KEYS, shown.len(), Some(shelf.position()), |number| key(shown[number], model.now));
    }
    let below = canvas.below(height).titled("What operators changed");
    let changes = &model.client_keys.changes;
    if changes.is_empty() {
        below.put(1, 1, Role::Muted, "nothing yet");
    } else {
        table(&below, &CHANGES, changes.len(), None, |number| change(&changes[number]));
    }
}

/// Which rows of the list are shown where.
pub(super) fn rows(model: &Model, height: usize) -> Rows {
    let shelf = &model.client_keys.shelf;
    Rows::around(shelf.position(), shelf.shown().len(), 2, list_height(height).saturating_sub(2))
}

fn list_height(height: usize) -> usize {
    height / 2
}

fn key(key: &ClientKeyView, now: Timestamp) -> Vec<Cell> {
    let role = match key.state.as_str() {
        "valid" => Role::Good,
        "expired" => Role::Warning,
        _ => Role::Muted,
    };
    let used = key.last_used.as_deref().map_or_else(|| "never".to_owned(), |at| Known(Ago::parse(at, now)).to_string());
    let of = |names: &[String]| if names.is_empty() { "all".to_owned() } else { names.join(", ") };
    vec![
        (Role::Strong, key.name.clone()),
        (role, key.state.clone()),
        (Role::Muted, used),
        (Role::Plain, of(&key.models)),
        (Role::Plain, of(&key.accounts)),
    ]
}

fn change(change: &AuditView) -> Vec<Cell> {
    let what = match &change.refused {
        Some(why) => (Role::Bad, format!("{} refused: {why}", change.action)),
        None => (Role::Plain, change.action.clone()),
    };
    vec![
        (Role::Muted, Known(At::parse(&change.timestamp)).to_string()),
        (Role::Muted, change.actor.replace('_', " ")),
        what,
        (Role::Strong, change.subject.clone()),
    ]
}
