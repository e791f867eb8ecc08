//! Reads the settings anew when their file changes, or when somebody sends the process SIGHUP.

use std::{path::Path, time::Duration};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{sync::mpsc, task::JoinHandle};

use super::LiveConfig;

/// Editors write in several steps; what is there after so long a silence is what they meant.
const SILENCE: Duration = Duration::from_millis(200);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    task: JoinHandle<()>,
    /// Not in the task: the system's own thread ends with it.
    _watcher: Option<RecommendedWatcher>,
}

impl Watch {
    /// Starts on the current tokio runtime. A file that can't be watched is still read on SIGHUP and by wish.
    #[must_use]
    pub fn start(config: LiveConfig) -> Self {
        let (stir, stirred) = mpsc::channel(1);
        let watcher = watcher(config.sources().file(), stir.clone());
        let watcher = watcher.inspect_err(|error| {
            let file = config.sources().file().display();
            tracing::debug!(%error, %file, "the configuration file is not watched; SIGHUP has it read anew");
        });
        // Before anything else runs: until it is listened for, the signal ends the process.
        let hang_up = hang_ups();
        let task = tokio::spawn(async move {
            // Kept, so that the channel stays open where nothing is watched.
            let _stir = stir;
            follow(config, stirred, hang_up).await;
        });
        Self { task, _watcher: watcher.ok() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches the folder: a file that is replaced is another file.
fn watcher(file: &Path, stir: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let name = file.file_name().map(std::ffi::OsStr::to_owned);
    // Mounted volumes are replaced through links that begin with two dots.
    let is_ours = move |path: &Path| {
        path.file_name().is_some_and(|it| Some(it) == name.as_deref() || it.to_string_lossy().starts_with(".."))
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let changes = event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| is_ours(path)));
        if changes {
            // A full channel: it is known already.
            let _ = stir.try_send(());
        }
    })?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

async fn follow(config: LiveConfig, mut stirred: mpsc::Receiver<()>, mut hang_up: mpsc::Receiver<()>) {
    let mut seen = text(&config).await;
    loop {
        tokio::select! {
            Some(()) = stirred.recv() => {
                while tokio::time::timeout(SILENCE, stirred.recv()).await.is_ok() {}
                let now = text(&config).await;
                if now != seen {
                    seen = now;
                    read(&config, "its file has changed").await;
                }
            }
            Some(()) = hang_up.recv() => {
                seen = text(&config).await;
                read(&config, "SIGHUP").await;
            }
        }
    }
}

async fn text(config: &LiveConfig) -> Option<String> {
    let config = config.clone();
    tokio::task::spawn_blocking(move || config.sources().text().ok().flatten()).await.ok().flatten()
}

async fn read(config: &LiveConfig, why: &str) {
    let config = config.clone();
    let done = tokio::task::spawn_blocking(move || config.reload()).await;
    if let Ok(Err(error)) = done {
        tracing::error!(%error, why, "the settings can't be read anew; the old ones stay");
    }
}

#[cfg(unix)]
fn hang_ups() -> mpsc::Receiver<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = mpsc::channel(1);
    match signal(SignalKind::hangup()) {
        Ok(mut signals) => drop(tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if sender.send(()).await.is_err() {
                    return;
                }
            }
        })),
        Err(error) => tracing::warn!(%error, "SIGHUP can't be heard"),
    }
    receiver
}

#[cfg(not(unix))]
fn hang_ups() -> mpsc::Receiver<()> {
    mpsc::channel(1).1
}
