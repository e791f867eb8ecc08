//! Follows what changes on disk and what requests tell, beside everything else.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    Registry, Sighting, Sightings,
    discovery::{Place, Tree},
    registry::FRESH_FOR,
};
use crate::{
    gateway::GatewayOptions,
    live::{Live, LiveOptions},
};

/// Editors write in several steps; what is read in between would be half a file.
const SETTLED_AFTER: Duration = Duration::from_millis(150);

/// A file that never comes to rest is read all the same.
const SETTLED_AT_LAST: Duration = Duration::from_secs(2);

/// How often workspaces that nobody comes from are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory that a client named is not looked at again for so long.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// So many such directories are remembered.
const MOST_REMEMBERED: usize = 1024;

/// Works in the background until it is told to stop.
#[derive(Debug)]
pub struct Following {
    task: JoinHandle<()>,
}

impl Following {
    /// Starts on the current tokio runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(registry: Arc<Registry>, sightings: Sightings) -> Self {
        let options = LiveOptions { agents: registry.options(), ..LiveOptions::from(&GatewayOptions::default()) };
        Self::live(registry, sightings, Live::new(options))
    }

    /// The same, and the registry goes by what `live` says of agents.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn live(registry: Arc<Registry>, sightings: Sightings, live: Live) -> Self {
        let watching = Watching::start();
        Self { task: tokio::spawn(follow(registry, sightings, watching, live)) }
    }

    /// Stops; nothing is left half done.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

async fn follow(registry: Arc<Registry>, Sightings(mut seen): Sightings, mut watching: Watching, live: Live) {
    let mut prune = interval(PRUNE_EVERY);
    prune.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and opening has just pruned.
    prune.tick().await;
    let mut fresh = interval(FRESH_FOR);
    fresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut in_use, mut remembered) = (false, HashMap::new());
    let mut places = watching.watch(registry.places());
    let mut adopted = None;
    loop {
        // Asked for first, so that a change meanwhile is not missed.
        let (changed, latest) = (live.changed(), live.now());
        if adopted.as_ref().is_none_or(|adopted| !Arc::ptr_eq(adopted, &latest)) {
            // The first time it looks for what changed before anybody watched.
            adopt(&registry, &latest).await;
            // What is welcome may be another directory now.
            remembered.clear();
            places = watching.watch(registry.places());
            adopted = Some(latest);
        }
        tokio::select! {
            () = changed => {}
            sighting = seen.recv() => match sighting {
                Some(Sighting::Workspace(path)) => {
                    in_use = true;
                    saw(&registry, &mut remembered, &path).await;
                }
                Some(Sighting::Agent { agent, workspace }) => {
                    in_use = true;
                    registry.saw_agent(&agent, workspace.as_deref());
                }
                None => return,
            },
            () = watching.touched.notified() => {
                settle(&watching.touched).await;
                registry.look().await;
                // What was made anew has to be watched anew.
                places = watching.watch(registry.places());
            }
            // Nobody asks: nothing needs to be fresh.
            _ = fresh.tick(), if in_use => {
                in_use = false;
                registry.look_if_stale().await;
            }
            _ = prune.tick() => {
                if let Err(error) = registry.prune().await {
                    tracing::warn!(%error, "old workspaces can't be forgotten; trying again tomorrow");
                }
            }
        }
        let wanted = registry.places();
        if wanted != places {
            places = watching.watch(wanted);
        }
    }
}

async fn adopt(registry: &Registry, latest: &LiveOptions) {
    if let Err(error) = registry.adopt(latest.agents.clone()).await {
        tracing::error!(%error, "the settings of agents can't be adopted; the earlier ones count until they change again");
    }
}

/// A directory that was looked at a moment ago is what it was.
async fn saw(registry: &Registry, remembered: &mut HashMap<Box<str>, Instant>, path: &str) {
    let now = Instant::now();
    if remembered.get(path).is_some_and(|looked| now - *looked < REMEMBERED_FOR) {
        return;
    }
    match registry.saw_workspace(path).await {
        Ok(true) => tracing::info!(path, "a client works here; it is a workspace now"),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, path, "a workspace can't be registered"),
    }
    if remembered.len() >= MOST_REMEMBERED {
        remembered.clear();
    }
    remembered.insert(path.into(), now);
}

/// Waits until nothing has changed for a while.
async fn settle(touched: &Notify) {
    let end = Instant::now() + SETTLED_AT_LAST;
    loop {
        let rest = (Instant::now() + SETTLED_AFTER).min(end);
        tokio::select! {
            () = sleep_until(rest) => return,
            () = touched.notified() => {}
        }
    }
}

/// Watches directories, as far as the system lets us; where it does not, what was found is fresh for 5 minutes.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// The directories of definitions: what happens beside them is nobody's business.
    relevant: Arc<parking_lot::Mutex<Vec<PathBuf>>>,
    touched: Arc<Notify>,
}

impl Watching {
    fn start() -> Self {
        let (touched, relevant) = (Arc::new(Notify::new()), Arc::new(parking_lot::Mutex::new(Vec::<PathBuf>::new())));
        let (tell, which) = (Arc::clone(&touched), Arc::clone(&relevant));
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no change; an error means that something may have been missed.
            let is_change = |event: &notify::Event| {
                let touches =
                    |path: &PathBuf| which.lock().iter().any(|it| it.starts_with(path) || path.starts_with(it));
                !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(touches))
            };
            if event.as_ref().map_or(true, is_change) {
                tell.notify_one();
            }
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!(%error, "files can't be watched")).ok();
        Self { watcher, watched: BTreeSet::new(), relevant, touched }
    }

    /// Watches these places from now on, each at its directory and those below it or, where there is none, at the nearest
    /// one above that it would appear in. Returns them.
    fn watch(&mut self, places: Vec<Place>) -> Vec<Place> {
        let Some(watcher) = &mut self.watcher else { return places };
        let real = |place: &Place| place.directory.canonicalize().unwrap_or_else(|_| place.directory.clone());
        let directories: Vec<_> = places.iter().flat_map(|place| [place.directory.clone(), real(place)]).collect();
        let nearest = |directory: &PathBuf| directory.ancestors().take(3).find(|it| it.is_dir()).map(PathBuf::from);
        // The directory above tells when the directory itself comes or goes.
        let above = |directory: &PathBuf| directory.parent().filter(|it| it.is_dir()).map(PathBuf::from);
        let below = directories.iter().filter(|it| it.is_dir()).flat_map(|it| Tree::of(it).folders);
        let around = directories.iter().flat_map(|it| [nearest(it), above(it)]).flatten();
        let wanted: BTreeSet<_> = around.chain(below).collect();
        *self.relevant.lock() = directories;
        for gone in self.watched.difference(&wanted) {
            // It may be gone from the disk, too.
            let _ = watcher.unwatch(gone);
        }
        for directory in &wanted {
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, directory = %directory.display(), "can't be watched");
            }
        }
        self.watched = wanted;
        places
    }
}
