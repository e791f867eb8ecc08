//! Care of the store, one task at a time.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::Local;
use crate::{
    control::{
        ControlError, MaintenanceControl,
        views::{MaintenanceResult, MaintenanceTask, MaintenanceView, SizesView, TableView},
    },
    domain::Timestamp,
    retention::{self, RetentionPolicy},
    store::{Progress, Sizes, Store, StoreError},
};

/// The task that is running or ran last.
#[derive(Clone, Debug, Default)]
pub(super) struct Workshop(Arc<Mutex<Option<Work>>>);

#[derive(Clone, Debug)]
struct Work {
    task: &'static str,
    started: Timestamp,
    progress: Progress,
    /// When it ended, and what came out.
    ended: Option<(Timestamp, Result<MaintenanceResult, String>)>,
}

#[async_trait]
impl MaintenanceControl for Local {
    async fn sizes(&self) -> Result<SizesView, ControlError> {
        self.catch_up().await;
        Ok(view(self.store.sizes().await?))
    }

    async fn begin_maintenance(&self, task: MaintenanceTask) -> Result<MaintenanceView, ControlError> {
        self.catch_up().await;
        if let MaintenanceTask::Backup { name: Some(name) } = &task {
            self.store.check_backup(name).await?;
        }
        let now = self.clock.now();
        let work = self.workshop.begin(task.as_str(), now)?;
        let (store, clock, workshop) = (Arc::clone(&self.store), Arc::clone(&self.clock), self.workshop.clone());
        let (policy, progress) = (self.live.now().retention, work.progress.clone());
        tokio::spawn(async move {
            let result = carry_out(&*store, task, policy, now, progress).await;
            workshop.end(clock.now(), result.map_err(|error| error.to_string()));
        });
        Ok(work.view())
    }

    async fn maintenance(&self) -> Result<Option<MaintenanceView>, ControlError> {
        Ok(self.workshop.0.lock().as_ref().map(Work::view))
    }
}

async fn carry_out(
    store: &dyn Store,
    task: MaintenanceTask,
    policy: RetentionPolicy,
    now: Timestamp,
    progress: Progress,
) -> Result<MaintenanceResult, StoreError> {
    let nothing = MaintenanceResult::default();
    Ok(match task {
        MaintenanceTask::Cleanup => {
            let swept = retention::sweep(store, &policy, now).await?;
            MaintenanceResult {
                removed_requests: Some(swept.exchanges),
                removed_payloads: Some(swept.payloads),
                removed_sums: Some(swept.sums),
                cutoff_iso: Some((now - policy.exchange_age).to_string()),
                ..nothing
            }
        }
        MaintenanceTask::Compact => {
            let compacted = store.compact(progress).await?;
            let (before, after) = (Some(compacted.before), Some(compacted.after));
            MaintenanceResult { bytes_before: before, bytes_after: after, ..nothing }
        }
        MaintenanceTask::Check => {
            let checked = store.check(progress).await?;
            MaintenanceResult { checked_rows: Some(checked.rows), problems: Some(checked.problems), ..nothing }
        }
        MaintenanceTask::Backup { name } => {
            // 2026-11-25T08-00-00
            let moment = || now.to_string().replace(':', "-").chars().take(19).collect();
            let backup = store.back_up(&name.unwrap_or_else(moment), progress).await?;
            MaintenanceResult { path: Some(backup.path.display().to_string()), bytes: Some(backup.bytes), ..nothing }
        }
    })
}

impl Workshop {
    fn begin(&self, task: &'static str, now: Timestamp) -> Result<Work, ControlError> {
        let mut work = self.0.lock();
        if let Some(running) = work.as_ref().filter(|work| work.ended.is_none()) {
            let message = format!("{} is still running; there is one task at a time", running.task);
            return Err(ControlError::Conflict(message));
        }
        let begun = Work { task, started: now, progress: Progress::default(), ended: None };
        *work = Some(begun.clone());
        Ok(begun)
    }

    fn end(&self, now: Timestamp, result: Result<MaintenanceResult, String>) {
        if let Some(work) = self.0.lock().as_mut() {
            match &result {
                Ok(_) => tracing::info!(task = work.task, "maintenance is done"),
                Err(error) => tracing::warn!(task = work.task, %error, "maintenance failed"),
            }
            work.ended = Some((now, result));
        }
    }
}

impl Work {
    fn view(&self) -> MaintenanceView {
        let (done, total) = self.progress.read();
        let (state, finished, result) = match &self.ended {
            None => ("running", None, None),
            Some((at, Ok(result))) => ("done", Some(at), Some(Ok(result.clone()))),
            Some((at, Err(error))) => ("failed", Some(at), Some(Err(error.clone()))),
        };
        MaintenanceView {
            task: self.task.to_owned(),
            state: state.to_owned(),
            done,
            total,
            started: self.started.to_string(),
            finished: finished.map(ToString::to_string),
            error: result.clone().and_then(Result::err),
            result: result.and_then(Result::ok),
        }
    }
}

fn view(sizes: Sizes) -> SizesView {
    let rows = |name: &str| sizes.rows.iter().find(|(table, _)| table == name).map_or(0, |(_, rows)| *rows);
    SizesView {
        file_bytes: sizes.file,
        request_bytes: sizes.exchanges,
        payload_bytes: sizes.payloads,
        requests: rows("exchanges"),
        payloads: rows("payloads"),
        tables: sizes.rows.iter().map(|(name, rows)| TableView { name: name.clone(), rows: *rows }).collect(),
    }
}
