//! The log: the newest lines, or those that somebody looks for.

use ccflare_core::{control::views::LogLineView, domain::Timestamp, logs::LogLevel};

use super::requests::time;
use crate::{
    model::Model,
    theme::Role,
    widgets::{Canvas, cut, wide},
};

pub(super) fn draw(model: &Model, canvas: &Canvas<'_>) {
    let logs = &model.logs;
    let inner = canvas.titled(&title(model));
    let (lines, _) = logs.shown(inner.height());
    if lines.is_empty() {
        let says = match (&logs.trouble, logs.is_known) {
            (Some(why), _) => why.as_str(),
            (None, true) => "no line to be shown",
            (None, false) => "asking …",
        };
        inner.area(1, 0, inner.width().saturating_sub(2), inner.height()).wrapped(0, Role::Muted, says);
    }
    for (y, line) in lines.into_iter().enumerate() {
        draw_line(line, y, &inner);
    }
}

fn title(model: &Model) -> String {
    let logs = &model.logs;
    let logged = logs.logged.as_ref().map(|filter| format!(" of {filter}")).unwrap_or_default();
    let level =
        if logs.level == LogLevel::Trace { String::new() } else { format!(", {} and graver", logs.level.as_str()) };
    let state = match (logs.is_paused, logs.behind) {
        (true, _) => format!(" · paused, {} more since", logs.held),
        (false, 0) => " · following".to_owned(),
        (false, behind) => format!(" · {behind} newer below (G follows)"),
    };
    format!("Log{logged}{level}{state}")
}

fn role_of(level: LogLevel) -> Role {
    match level {
        LogLevel::Error => Role::Bad,
        LogLevel::Warn => Role::Warning,
        LogLevel::Info => Role::Good,
        LogLevel::Debug => Role::Blue,
        LogLevel::Trace => Role::Muted,
    }
}

fn draw_line(line: &LogLineView, y: usize, canvas: &Canvas<'_>) {
    let at = Timestamp::from_micros(line.ts.saturating_mul(1000)).to_string();
    canvas.put(0, y, Role::Muted, &time(&at));
    canvas.put(9, y, role_of(line.level), line.level.as_str());
    let mut x = 15;
    // Who says it matters less than what; only wide screens have room for it.
    if canvas.width() >= 120 {
        let from = cut(&line.target, 28);
        canvas.put(x, y, Role::Muted, &from);
        x += 29;
    }
    let room = |x: usize| canvas.width().saturating_sub(x);
    let role = if line.level >= LogLevel::Warn { role_of(line.level) } else { Role::Plain };
    x = canvas.put(x, y, role, &cut(&line.msg, room(x)));
    let mut more = String::new();
    for (name, value) in &line.data {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        more += &format!(" {name}={value}");
    }
    if let Some(request) = &line.request {
        more += &format!(" request={request}");
    }
    if room(x) > 1 && wide(&more) > 0 {
        canvas.put(x, y, Role::Muted, &cut(&more, room(x)));
    }
}
