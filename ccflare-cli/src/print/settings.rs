//! Settings.

use anyhow::Result;
use ccflare_core::{
    control::views::{ReloadView, SettingView, SettingsView, WebhookView},
    report::{At, Count, Known},
};

use super::{Rows, json, line, or_dash, table};
use crate::args::Output;

pub(crate) fn all(settings: &SettingsView, in_full: bool, output: Output) -> Result<()> {
    if output.json {
        return json(settings);
    }
    let mut table = if in_full {
        table(&["SETTING", "VALUE", "FROM", "DEFAULT", "VARIABLES", "WHAT IT IS"])
    } else {
        table(&["SETTING", "VALUE", "FROM"])
    };
    for setting in &settings.settings {
        let mut row = vec![setting.key.clone(), value(setting), origin(setting)];
        if in_full {
            row.extend([or_dash(setting.default.as_ref()), setting.variables.join(" "), setting.about.clone()]);
        }
        table.add_row(row);
    }
    line(&format!("{table}"))?;
    if !settings.webhooks.is_empty() {
        line(&format!("\n{}", webhooks(&settings.webhooks)))?;
    }
    settings.file.as_ref().map_or(Ok(()), |file| line(&format!("\nThe file is {file}.")))
}

/// Who is told what happens, and whether they take it.
fn webhooks(hooks: &[WebhookView]) -> Rows {
    let mut table = table(&["WEBHOOK", "EVENTS", "DELIVERED", "GIVEN UP", "LAST"]);
    for hook in hooks {
        let last = hook.last.as_ref().map(|last| {
            let (word, answer) = match (&*last.outcome, last.status) {
                ("delivered", _) => ("delivered", String::new()),
                (outcome, Some(status)) => (outcome, format!(": answered {status}")),
                (outcome, None) => (outcome, format!(": {}", last.error.as_deref().unwrap_or("no answer"))),
            };
            format!("{} {} at {}{answer}", last.event, word.replace('_', " "), Known(At::parse(&last.at)))
        });
        table.add_row(vec![
            hook.host.clone(),
            hook.events.join(" "),
            Count(hook.delivered).to_string(),
            Count(hook.given_up).to_string(),
            or_dash(last.as_ref()),
        ]);
    }
    table
}

fn value(setting: &SettingView) -> String {
    let value = match (&setting.value, setting.secret) {
        (_, true) if setting.origin != "default" => "(secret)".to_owned(),
        (Some(value), _) => value.clone(),
        (None, _) => "-".to_owned(),
    };
    match &setting.pending {
        Some(pending) if pending.is_empty() => format!("{value} (unset after a restart)"),
        Some(pending) => format!("{value} ({pending} after a restart)"),
        None => value,
    }
}

fn origin(setting: &SettingView) -> String {
    match &setting.place {
        Some(place) => format!("{} ({place})", setting.origin),
        None => setting.origin.clone(),
    }
}

/// The value alone, so that a script can use it.
pub(crate) fn one(setting: &SettingView, output: Output) -> Result<()> {
    if output.json { json(setting) } else { line(setting.value.as_deref().unwrap_or_default()) }
}

pub(crate) fn changed(setting: &SettingView, output: Output) -> Result<()> {
    if output.json { json(setting) } else { line(&format!("{} is {} now", setting.key, value(setting))) }
}

pub(crate) fn reloaded(reload: &ReloadView, output: Output) -> Result<()> {
    if output.json {
        return json(reload);
    }
    match (reload.changed.is_empty(), reload.restart.is_empty()) {
        (true, true) => line("everything was read anew; nothing has changed"),
        (false, true) => line(&format!("changed: {}", reload.changed.join(", "))),
        (true, false) => line(&format!("takes a restart: {}", reload.restart.join(", "))),
        (false, false) => {
            line(&format!("changed: {}", reload.changed.join(", ")))?;
            line(&format!("takes a restart: {}", reload.restart.join(", ")))
        }
    }
}
