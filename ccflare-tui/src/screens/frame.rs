//! What is around every screen: tabs and how it stands above, keys or what was said below.

use ccflare_core::report::Left;

use super::Button;
use crate::{
    keys::{self, Binding, Command},
    model::{Link, Model, Screen},
    theme::Role,
    widgets::{Canvas, cut, wide},
};

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    for ((place, _), (screen, text)) in tabs(canvas.width()).iter().zip(labels(canvas.width())) {
        let role = if screen == model.screen { Role::Chosen } else { Role::Plain };
        canvas.put(place.start, 0, role, &text);
    }
    standing(model, &canvas.area(0, 1, canvas.width(), 1));
    foot(model, &canvas.below(canvas.height().saturating_sub(1)));
}

/// What a click there means: a tab, or a key of the bottom line.
pub(crate) fn command_at(model: &Model, x: usize, y: usize) -> Option<Command> {
    let (width, height) = model.size;
    let buttons = match y {
        0 => tabs(width),
        y if y + 1 == height && model.notice.is_none() && !model.typing => {
            key_places(model, width).into_iter().map(|(place, key)| (place, key.command)).collect()
        }
        _ => return None,
    };
    buttons.into_iter().find(|(place, _)| place.contains(&x)).map(|(_, command)| command)
}

/// The tabs with their names; where there is little room, close together, and where there is none, cut.
fn labels(width: usize) -> Vec<(Screen, String)> {
    let named =
        Screen::ALL.iter().enumerate().map(|(number, screen)| (*screen, format!("{} {}", number + 1, screen.title())));
    let named: Vec<_> = named.collect();
    let fits = |named: &[(Screen, String)]| named.iter().map(|(_, text)| wide(text) + 1).sum::<usize>() <= width + 1;
    if fits(&named) {
        return named;
    }
    let close: Vec<_> = named.iter().map(|(screen, text)| (*screen, text.replacen(' ', "", 1))).collect();
    if fits(&close) {
        return close;
    }
    named.into_iter().map(|(screen, text)| (screen, cut(&text, 5))).collect()
}

fn tabs(width: usize) -> Vec<Button> {
    let mut x = 0;
    let labels = labels(width);
    // Wide screens set them apart.
    let total: usize = labels.iter().map(|(_, text)| wide(text)).sum();
    let gap = if total + 3 * labels.len() <= width { 3 } else { 1 };
    let place = |(screen, text): (Screen, String)| {
        let start = x;
        x += wide(&text) + gap;
        (start..start + wide(&text), Command::Go(screen))
    };
    labels.into_iter().map(place).collect()
}

/// The line that says how it stands.
fn standing(model: &Model, canvas: &Canvas<'_>) {
    let clock = format!("{} UTC", super::requests::time(&model.now.to_string()));
    canvas.right(0, Role::Muted, &clock);
    let line = canvas.area(0, 0, canvas.width().saturating_sub(wide(&clock) + 1), 1);
    match &model.link {
        Link::Connecting => {
            line.line(0, 0, &[(Role::Warning, "◌ "), (Role::Plain, &model.place), (Role::Muted, " …")]);
        }
        Link::Lost { since, why } => {
            let lost = format!("✗ no answer for {}: {why}", Left(model.now.since(*since)));
            line.put(0, 0, Role::Bad, &cut(&lost, line.width()));
        }
        Link::Up => {
            let says = model.status.as_ref().map(|status| {
                let busy = format!("{} in flight", status.in_flight);
                let can = match (status.accounts, status.available_accounts) {
                    (0, _) => "no accounts yet".to_owned(),
                    (all, can) => format!("{can} of {all} accounts can serve"),
                };
                format!("  {can} · {busy} · {}", status.strategy)
            });
            let all_closed = model.status.as_ref().is_some_and(|s| s.accounts > 0 && s.available_accounts == 0);
            let role = if all_closed { Role::Bad } else { Role::Good };
            let says = says.unwrap_or_default();
            let x = line.line(0, 0, &[(role, "● "), (Role::Strong, &model.place)]);
            // Where there is no room for all of it the strategy goes first.
            let room = line.width().saturating_sub(x);
            let short = says.rsplit_once(" · ").map_or(says.as_str(), |(short, _)| short);
            line.put(x, 0, Role::Muted, &cut(if wide(&says) > room { short } else { &says }, room));
        }
    }
}

/// The bottom line: what is typed, else what was said, else the keys.
fn foot(model: &Model, canvas: &Canvas<'_>) {
    if model.typing {
        let typed = format!("{}▏", model.filtered_by());
        canvas.line(0, 0, &[(Role::Key, "/"), (Role::Plain, &typed)]);
        canvas.right(0, Role::Muted, "Enter keeps it, Esc ends it");
        return;
    }
    if let Some(notice) = &model.notice {
        canvas.put(0, 0, notice.role, &cut(&notice.text, canvas.width()));
        return;
    }
    if !model.filtered_by().is_empty() {
        canvas.line(0, 0, &[(Role::Key, "/"), (Role::Accent, &cut(model.filtered_by(), FILTER - 2))]);
    }
    for (place, key) in key_places(model, canvas.width()) {
        canvas.line(place.start, 0, &[(Role::Key, key.shown), (Role::Muted, " "), (Role::Muted, key.short)]);
    }
}

/// Columns for a filter that is in force.
const FILTER: usize = 20;

/// Where the keys stand: help and back at the right, the others as far as there is room.
fn key_places(model: &Model, width: usize) -> Vec<(std::ops::Range<usize>, &'static Binding)> {
    let size = |key: &&'static Binding| wide(key.shown) + 1 + wide(key.short);
    let is_last = |key: &&Binding| matches!(key.command, Command::Help | Command::Back);
    let (last, own): (Vec<_>, Vec<_>) = keys::of_screen(model.screen).partition(is_last);
    let mut end = width - last.iter().map(|key| size(key) + 1).sum::<usize>().min(width);
    let mut x = if model.filtered_by().is_empty() { 0 } else { FILTER };
    let needed: usize = own.iter().map(|key| size(key) + 2).sum();
    let gap = if x + needed <= end { 2 } else { 1 };
    let mut places = Vec::new();
    for key in own {
        if x + size(&key) < end {
            places.push((x..x + size(&key), key));
            x += size(&key) + gap;
        }
    }
    for key in last {
        places.push((end + 1..end + 1 + size(&key), key));
        end += size(&key) + 1;
    }
    places
}
