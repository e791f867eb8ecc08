//! Care of the store: how large it is, and what can be done about it.

use axum::{
    extract::{Path, State},
    response::Response,
};
use ccflare_core::{
    control::{
        ControlError,
        views::{MaintenanceTask, MaintenanceView, SizesView},
    },
    domain::Timestamp,
    report::{Share, Size},
};
use http::StatusCode;
use maud::{Markup, html};

use super::{Problem, Shared, see};
use crate::components::{
    badge::{Tone, badge},
    card::{card, facts},
    form, text, when,
};

/// Begins a task.
pub(super) async fn begin(State(control): State<Shared>, Path(task): Path<String>) -> Result<Response, Problem> {
    let task = match task.as_str() {
        "cleanup" => MaintenanceTask::Cleanup,
        "compact" => MaintenanceTask::Compact,
        "check" => MaintenanceTask::Check,
        "backup" => MaintenanceTask::Backup { name: None },
        _ => return Err(Problem::new(StatusCode::NOT_FOUND, "There is nothing like that to be done to the store.")),
    };
    control.begin_maintenance(task).await?;
    Ok(see("/settings", "begun"))
}

/// What there is to see of it.
pub(super) struct Seen {
    sizes: SizesView,
    task: Option<MaintenanceView>,
}

impl Seen {
    /// Asks.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(super) async fn of(control: &Shared) -> Result<Self, ControlError> {
        Ok(Self { sizes: control.sizes().await?, task: control.maintenance().await? })
    }
}

pub(super) fn view(seen: &Seen, now: Timestamp) -> Markup {
    let Seen { sizes, task } = seen;
    card(
        "The store",
        &html! {
            div id="store" data-live {
                (facts(&[
                    ("Database", html! { (if sizes.file_bytes == 0 { "in memory".to_owned() } else { text::whole(Size(sizes.file_bytes)) }) }),
                    ("Requests", html! { (text::counted(sizes.requests, "request", "requests")) ", " (text::whole(Size(sizes.request_bytes))) }),
                    ("What they carried", html! { "of " (text::counted(sizes.payloads, "request", "requests")) ", " (text::whole(Size(sizes.payload_bytes))) }),
                    ("Latest task", match task { Some(task) => state(task, now), None => html! { "none since the start" } }),
                ]))
            }
            div.actions {
                (form::act("/settings/maintenance/cleanup", "Delete what is too old", "quiet"))
                (form::act("/settings/maintenance/compact", "Make the file smaller", "quiet"))
                (form::act("/settings/maintenance/check", "Check everything", "quiet"))
                (form::act("/settings/maintenance/backup", "Back up", "quiet"))
            }
        },
    )
}

fn state(task: &MaintenanceView, now: Timestamp) -> Markup {
    let tone = match task.state.as_str() {
        "done" => Tone::Good,
        "failed" => Tone::Bad,
        _ => Tone::Blue,
    };
    html! {
        (task.task) " " (badge(tone, &task.state)) " "
        @if task.state == "running" && task.total > 0 { (text::whole(Share::of(task.done, task.total))) " " }
        (when::ago(Some(task.finished.as_deref().unwrap_or(&task.started)), now))
        @if let Some(error) = &task.error { span.evidence { (error) } }
        @if let Some(result) = &task.result { span.hint { (came_out(result)) } }
    }
}

fn came_out(result: &ccflare_core::control::views::MaintenanceResult) -> String {
    let mut parts = Vec::new();
    if let Some(requests) = result.removed_requests {
        parts.push(format!("{} deleted", text::counted(requests, "request", "requests")));
    }
    if let (Some(before), Some(after)) = (result.bytes_before, result.bytes_after) {
        parts.push(format!("{} before, {} now", text::whole(Size(before)), text::whole(Size(after))));
    }
    if let Some(rows) = result.checked_rows {
        parts.push(format!("{} looked at", text::counted(rows, "row", "rows")));
    }
    match result.problems.as_deref() {
        Some([]) => parts.push("nothing is wrong".to_owned()),
        Some(problems) => parts.extend(problems.iter().cloned()),
        None => {}
    }
    if let Some(path) = &result.path {
        parts.push(path.clone());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use ccflare_core::control::views::MaintenanceResult;

    use super::*;

    #[test]
    fn what_came_out_is_told_in_words() {
        let checked =
            MaintenanceResult { checked_rows: Some(12), problems: Some(vec![]), ..MaintenanceResult::default() };
        assert_eq!(came_out(&checked), "12\u{a0}rows looked at; nothing is wrong");
        let compacted =
            MaintenanceResult { bytes_before: Some(2048), bytes_after: Some(1024), ..MaintenanceResult::default() };
        assert_eq!(came_out(&compacted), "2\u{a0}KiB before, 1\u{a0}KiB now");
    }
}
