//! The screens: each draws what the model holds, and nothing else.

mod accounts;
mod agents;
mod analytics;
mod client_keys;
mod frame;
mod help;
mod logs;
mod overview;
mod request;
mod requests;
mod session;
mod settings;
mod stats;

use crate::{
    keys::Command,
    model::{Model, Screen},
    widgets::{Canvas, Rows},
};

pub(crate) use frame::command_at;
#[cfg(test)]
pub(crate) use requests::cost;

/// Rows over and under a screen's own.
const HEAD: usize = 2;
const FOOT: usize = 1;

/// Draws everything.
pub(crate) fn draw(model: &Model, canvas: &Canvas<'_>) {
    frame::draw(model, canvas);
    let body = canvas.area(0, HEAD, canvas.width(), canvas.height().saturating_sub(HEAD + FOOT));
    if let Some(scroll) = model.help {
        return help::draw(model.screen, &body, scroll);
    }
    match model.screen {
        Screen::Overview => overview::draw(model, &body),
        Screen::Accounts => accounts::draw(model, &body),
        Screen::Requests => requests::draw(model, &body),
        Screen::Analytics => analytics::draw(model, &body),
        Screen::Stats => stats::draw(model, &body),
        Screen::Logs => logs::draw(model, &body),
        Screen::Agents => agents::draw(model, &body),
        Screen::Settings => settings::draw(model, &body),
        Screen::Keys => client_keys::draw(model, &body),
    }
}

/// Which row of the screen's list stands at this row of the whole screen.
pub(crate) fn row_at(model: &Model, y: usize) -> Option<usize> {
    let (width, height) = (model.size.0, model.size.1.saturating_sub(HEAD + FOOT));
    if model.help.is_some() {
        return None;
    }
    let rows: Rows = match model.screen {
        Screen::Accounts => accounts::rows(model, width, height),
        Screen::Requests => requests::rows(model, height)?,
        Screen::Agents => agents::rows(model, height),
        Screen::Settings => settings::rows(model, height),
        Screen::Keys => client_keys::rows(model, height),
        _ => return None,
    };
    rows.at(y.checked_sub(HEAD)?)
}

/// The keys of the screen that is shown, as commands; for the bottom line.
pub(crate) type Button = (std::ops::Range<usize>, Command);
