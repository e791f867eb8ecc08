//! Keeps what is known of agents true, and carries out what operators wish.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    task,
};

use super::{
    AgentDefinition, AgentError, AgentOptions, Agents, Sighting,
    catalogue::{self, AnyKnown, Compatibility},
    discovery::{self, Place, Warning},
    edit::{self, DefinitionEdit},
    lifecycle::{History, Lifecycle, Removed, Use},
    snapshot::Snapshot,
    workspaces::{self, Admitted, FORGOTTEN_AFTER, MOST_WORKSPACES, SEEN_EVERY},
};
use crate::{
    clock::Clock,
    domain::{ANY_AGENT, AgentPreference, INHERIT, Timestamp, Workspace},
    store::{AgentStore, StoreError},
};

/// What was found counts for so long, whatever watching the files tells.
pub(super) const FRESH_FOR: Duration = Duration::from_secs(5 * 60);

/// So many preferences there are at most.
const MOST_PREFERENCES: usize = 10_000;

/// So many names of directories are remembered that lead to workspaces.
const MOST_NAMED: usize = 1024;

/// Everything that is known of agents. See [the module](super).
#[derive(Debug)]
pub struct Registry {
    options: ArcSwap<AgentOptions>,
    store: Arc<dyn AgentStore>,
    clock: Arc<dyn Clock>,
    agents: Agents,
    known: Mutex<Known>,
    /// Held while something is written down and while files are looked for, so that the latest comes last.
    changes: tokio::sync::Mutex<()>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    definitions: Vec<Arc<AgentDefinition>>,
    warnings: Vec<Warning>,
    /// When they were looked for, by the monotonic clock.
    looked: Duration,
    preferences: BTreeMap<Arc<str>, AgentPreference>,
    workspaces: BTreeMap<Arc<str>, Workspace>,
    /// What clients call workspaces by, where that is not their canonical path.
    named: HashMap<Arc<str>, Arc<str>>,
    history: History,
}

/// What requests tell; for a [`Following`](super::Following), or to be dropped.
#[derive(Debug)]
pub struct Sightings(pub(super) mpsc::Receiver<Sighting>);

/// How a preference comes to count for an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It was set for this agent.
    Agent,
    /// It was set for agents of this name.
    Name,
    /// It was set for every agent.
    Everybody,
}

impl Reach {
    /// The name in the JSON API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Name => "name",
            Self::Everybody => "default",
        }
    }
}

/// A model as it was set, and why it counts.
pub type Preferred = (Arc<str>, Reach);

/// All that is known, at one moment.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The agents that files define, global ones first, in order of their ids.
    pub agents: Vec<AgentReport>,
    /// Agents without a definition, by name: those that were at work, and those that something is preferred for.
    pub others: Vec<OtherAgent>,
    /// What is wrong with files.
    pub warnings: Vec<Warning>,
    /// Definitions that are gone since this process began.
    pub removed: Vec<Removed>,
    /// Workspaces and how many agents each defines.
    pub workspaces: Vec<(Workspace, usize)>,
    /// What is preferred for every agent.
    pub default_model: Option<Arc<str>>,
}

/// One agent that a file defines.
#[derive(Clone, Debug)]
pub struct AgentReport {
    /// What the file says.
    pub definition: Arc<AgentDefinition>,
    /// The label of its workspace.
    pub workspace: Option<Arc<str>>,
    /// What is preferred for it, and why.
    pub preference: Option<Preferred>,
    /// Where it is in its life.
    pub state: Lifecycle,
    /// When it was at work.
    pub used: Option<Use>,
}

/// One agent that no file defines.
#[derive(Clone, Debug)]
pub struct OtherAgent {
    /// What clients call it by.
    pub name: Arc<str>,
    /// What is preferred for it, and why.
    pub preference: Option<Preferred>,
    /// When it was at work.
    pub used: Option<Use>,
}

impl Registry {
    /// Reads preferences, workspaces and definitions.
    ///
    /// # Errors
    /// If the store can't be read. Files that can't be read are warnings.
    pub async fn open(
        options: AgentOptions,
        store: Arc<dyn AgentStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Arc<Self>, Sightings), StoreError> {
        let now = clock.now();
        store.sweep_workspaces(now - FORGOTTEN_AFTER).await?;
        let by_agent = |it: AgentPreference| (Arc::clone(&it.agent), it);
        let mut preferences: BTreeMap<_, _> = store.agent_preferences().await?.into_iter().map(by_agent).collect();
        if let Some(default) = default(&options, now) {
            preferences.entry(ANY_AGENT.into()).or_insert(default);
        }
        let by_path = |it: Workspace| (Arc::clone(&it.path), it);
        let workspaces = store.workspaces().await?.into_iter().map(by_path).collect();
        let known = Mutex::new(Known { preferences, workspaces, ..Known::default() });
        let (agents, seen) = Agents::new();
        let (changes, version) = (tokio::sync::Mutex::default(), watch::Sender::new(0));
        let options = ArcSwap::from_pointee(options);
        let registry = Arc::new(Self { options, store, clock, agents, known, changes, version });
        registry.look().await;
        Ok((registry, Sightings(seen)))
    }

    /// What requests ask.
    #[must_use]
    pub fn agents(&self) -> Agents {
        self.agents.clone()
    }

    /// Counts the changes of what is known; whoever waits for one hears of it.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What it goes by.
    pub(super) fn options(&self) -> AgentOptions {
        AgentOptions::clone(&self.options.load())
    }

    /// Goes by these options from now on, and looks where they say. Workspaces that are registered stay, and so does
    /// what operators prefer.
    ///
    /// # Errors
    /// If the store can't be read; then everything stays as it was.
    pub async fn adopt(&self, options: AgentOptions) -> Result<(), StoreError> {
        let _one_at_a_time = self.changes.lock().await;
        let is_set = self.store.agent_preferences().await?.iter().any(|it| *it.agent == *ANY_AGENT);
        let default = default(&options, self.clock.now());
        self.options.store(Arc::new(options));
        let model = |it: Option<&AgentPreference>| it.map(|it| Arc::clone(&it.model));
        if !is_set && model(default.as_ref()) != model(self.known.lock().preferences.get(ANY_AGENT)) {
            self.change(|known| {
                known.preferences.remove(ANY_AGENT);
                known.preferences.extend(default.map(|it| (Arc::clone(&it.agent), it)));
            });
        }
        self.look_again().await;
        Ok(())
    }

    /// Looks for definitions, whatever was found before.
    pub async fn look(&self) {
        let _one_at_a_time = self.changes.lock().await;
        self.look_again().await;
    }

    /// The same if that was done long ago.
    pub async fn look_if_stale(&self) {
        let age = self.clock.monotonic().saturating_sub(self.known.lock().looked);
        if age >= FRESH_FOR {
            self.look().await;
        }
    }

    /// To be called by who holds `changes`.
    async fn look_again(&self) {
        let places = self.places();
        let found = match task::spawn_blocking(move || discovery::find(&places)).await {
            Ok(found) => found,
            Err(error) => return tracing::error!(%error, "looking for agents failed"),
        };
        let (now, looked) = (self.clock.now(), self.clock.monotonic());
        self.change(|known| {
            for warning in found.warnings.iter().filter(|warning| !known.warnings.contains(warning)) {
                tracing::warn!(
                    file = warning.file,
                    invalid = warning.is_invalid,
                    "an agent's definition: {}",
                    warning.why
                );
            }
            known.history.changed(&known.definitions, &found.definitions, now);
            (known.definitions, known.warnings, known.looked) = (found.definitions, found.warnings, looked);
        });
    }

    /// Where definitions are looked for.
    pub(super) fn places(&self) -> Vec<Place> {
        let options = self.options.load();
        let global = options.directories.iter().map(|directory| Place::global(directory));
        global.chain(self.known.lock().workspaces.values().map(Place::of)).collect()
    }

    /// Changes what is known, and what requests see of it.
    fn change<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known.lock();
        let done = work(&mut known);
        self.agents.replace(Snapshot::new(
            &known.definitions,
            known.preferences.values(),
            known.workspaces.keys(),
            &known.named,
        ));
        drop(known);
        self.version.send_modify(|version| *version += 1);
        done
    }

    /// All that is known. Looks for definitions first, if that was done long ago.
    pub async fn overview(&self) -> Overview {
        self.look_if_stale().await;
        self.known.lock().overview()
    }

    /// Prefers a model for an agent, given by id or name; for one without a definition, by its name; for
    /// [`ANY_AGENT`], every one that nothing else is preferred for. Returns what it is preferred for.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] if there is no such model, or requests of the agent can't be sent with it.
    pub async fn prefer(&self, agent: &str, model: &str) -> Result<AgentPreference, AgentError> {
        let _one_at_a_time = self.changes.lock().await;
        let key = self.known.lock().key_of(agent)?;
        let definition = self.agents.by_id(&key);
        self.check(definition.as_deref(), model).map_err(AgentError::Invalid)?;
        let preference = AgentPreference { agent: key, model: model.trim().into(), since: self.clock.now() };
        self.put(vec![preference.clone()]).await?;
        Ok(preference)
    }

    /// Prefers a model for every agent that a file defines; those that it makes no sense for are left as they are.
    /// Returns how many were changed, and why others were not.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] if it makes no sense for any.
    pub async fn prefer_for_all(&self, model: &str) -> Result<(usize, Vec<(Arc<str>, String)>), AgentError> {
        let _one_at_a_time = self.changes.lock().await;
        let definitions = self.known.lock().definitions.clone();
        let (mut preferences, mut refused) = (Vec::new(), Vec::new());
        for definition in &definitions {
            let agent = Arc::clone(&definition.id);
            match self.check(Some(definition), model) {
                Ok(()) => {
                    preferences.push(AgentPreference { agent, model: model.trim().into(), since: self.clock.now() })
                }
                Err(why) => refused.push((agent, why)),
            }
        }
        if let (true, Some((_, why))) = (preferences.is_empty(), refused.first()) {
            return Err(AgentError::Invalid(why.clone()));
        }
        let count = preferences.len();
        self.put(preferences).await?;
        Ok((count, refused))
    }

    fn check(&self, definition: Option<&AgentDefinition>, model: &str) -> Result<(), String> {
        let model = model.trim();
        if !(1..=200).contains(&model.len()) || !model.chars().all(|c| c.is_ascii_graphic()) {
            return Err(format!("{model:?} is no model: give a name such as claude-opus-5-5, an alias, or {INHERIT}"));
        }
        let Some(to) = catalogue::resolve(model) else { return Ok(()) };
        let from = definition.and_then(|it| it.written.model.as_deref()).and_then(catalogue::resolve);
        match &self.options.load().compatibility {
            Some(compatibility) => compatibility.check(from.as_deref(), &to),
            None => AnyKnown.check(from.as_deref(), &to),
        }
    }

    async fn put(&self, preferences: Vec<AgentPreference>) -> Result<(), AgentError> {
        if self.known.lock().preferences.len() + preferences.len() > MOST_PREFERENCES {
            return Err(AgentError::Conflict(format!("there are {MOST_PREFERENCES} preferences already")));
        }
        self.store.put_agent_preferences(&preferences).await?;
        self.change(|known| {
            known.preferences.extend(preferences.into_iter().map(|it| (Arc::clone(&it.agent), it)));
        });
        Ok(())
    }

    /// Forgets what is preferred for an agent, given by id or name, and says whether anything was.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn clear(&self, agent: &str) -> Result<bool, AgentError> {
        let _one_at_a_time = self.changes.lock().await;
        let key = self.known.lock().key_of(agent)?;
        let was_set = self.store.remove_agent_preference(&key).await?;
        let default = default(&self.options.load(), self.clock.now()).filter(|_| *key == *ANY_AGENT);
        self.change(|known| {
            known.preferences.remove(&key);
            known.preferences.extend(default.map(|it| (Arc::clone(&it.agent), it)));
        });
        Ok(was_set)
    }

    /// What is preferred for an agent, given by id or name, and why; nobody has to have heard of it.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] for what can't be a name.
    pub fn preference(&self, agent: &str) -> Result<(Arc<str>, Option<Preferred>), AgentError> {
        let known = self.known.lock();
        let key = known.key_of(agent)?;
        let name = self.agents.by_id(&key).map(|definition| Arc::clone(&definition.written.name));
        let preference = known.preference(&key, name.as_deref());
        Ok((key, preference))
    }

    /// Changes what an agent's file says. If the model changes, what was preferred for the agent is forgotten, so that
    /// the file's counts.
    ///
    /// # Errors
    /// [`AgentError::NoSuchAgent`]; [`AgentError::Invalid`] for values that make no sense; [`AgentError::File`].
    pub async fn edit(&self, agent: &str, edit: DefinitionEdit) -> Result<Arc<AgentDefinition>, AgentError> {
        let _one_at_a_time = self.changes.lock().await;
        let definition = self.definition(agent)?;
        let (id, sets_model) = (Arc::clone(&definition.id), edit.model.is_some());
        let written = task::spawn_blocking(move || edit::rewrite(&definition, &edit));
        written.await.map_err(|error| AgentError::Store(StoreError::backend(error)))??;
        if sets_model && self.store.remove_agent_preference(&id).await? {
            self.change(|known| known.preferences.remove(&id));
        }
        self.look_again().await;
        self.definition(&id)
    }

    fn definition(&self, agent: &str) -> Result<Arc<AgentDefinition>, AgentError> {
        let found = self.agents.by_id(agent).or_else(|| self.agents.by_name(agent, None));
        found.ok_or_else(|| AgentError::NoSuchAgent(agent.to_owned()))
    }

    /// Registers a workspace by an operator's word: it stays until it is removed.
    ///
    /// # Errors
    /// [`AgentError::Invalid`] if it is no directory; [`AgentError::Conflict`] if there are too many.
    pub async fn add_workspace(&self, path: &str) -> Result<Workspace, AgentError> {
        let named = path.to_owned();
        let path = task::spawn_blocking(move || workspaces::chosen(&named));
        let path = path.await.map_err(|error| AgentError::Store(StoreError::backend(error)))??;
        let _one_at_a_time = self.changes.lock().await;
        let workspace = self.register(path, true).await?;
        self.look_again().await;
        Ok(workspace)
    }

    /// To be called by who holds `changes`.
    async fn register(&self, path: Arc<str>, manual: bool) -> Result<Workspace, AgentError> {
        let now = self.clock.now();
        let (workspace, leaves) = {
            let known = self.known.lock();
            let there = known.workspaces.get(&path).cloned();
            let is_full = there.is_none() && known.workspaces.len() >= MOST_WORKSPACES;
            let leaves = if is_full { Some(workspaces::least(&known.workspaces).cloned()) } else { None };
            let workspace = there.unwrap_or_else(|| workspaces::new(path, &known.workspaces, manual, now));
            (Workspace { last_seen: now, manual: workspace.manual || manual, ..workspace }, leaves)
        };
        if let Some(least) = leaves {
            let full = || AgentError::Conflict(format!("there are {MOST_WORKSPACES} workspaces; remove one first"));
            self.forget(&least.ok_or_else(full)?.path).await?;
        }
        self.store.put_workspace(&workspace).await?;
        self.change(|known| known.workspaces.insert(Arc::clone(&workspace.path), workspace.clone()));
        Ok(workspace)
    }

    async fn forget(&self, path: &str) -> Result<(), StoreError> {
        self.store.remove_workspace(path).await?;
        self.change(|known| {
            known.workspaces.remove(path);
            known.named.retain(|_, canonical| &**canonical != path);
        });
        Ok(())
    }

    /// Forgets a workspace, given by path or label, with its agents. Where clients may register workspaces, a request
    /// from it brings it back.
    ///
    /// # Errors
    /// [`AgentError::NoSuchWorkspace`].
    pub async fn remove_workspace(&self, workspace: &str) -> Result<Workspace, AgentError> {
        let _one_at_a_time = self.changes.lock().await;
        let found = {
            let known = self.known.lock();
            let by_label = || known.workspaces.values().find(|it| *it.label == *workspace);
            known.workspaces.get(workspace).or_else(by_label).cloned()
        };
        let found = found.ok_or_else(|| AgentError::NoSuchWorkspace(workspace.to_owned()))?;
        self.forget(&found.path).await?;
        self.look_again().await;
        Ok(found)
    }

    /// A client says that it works in this directory. Says whether it is a workspace now that was none.
    pub(super) async fn saw_workspace(&self, named: &str) -> Result<bool, AgentError> {
        let options = self.options.load_full();
        let text = named.to_owned();
        let admitted = task::spawn_blocking(move || workspaces::admit(&options, &text)).await;
        let Ok(Some(Admitted { path, defining: mut workspaces })) = admitted else { return Ok(false) };
        let _one_at_a_time = self.changes.lock().await;
        match self.known.lock().home(&path) {
            Some(home) if !workspaces.contains(&home.path) => workspaces.push(home.path),
            None if workspaces.is_empty() => workspaces.push(Arc::clone(&path)),
            _ => {}
        }
        let mut is_new = false;
        for workspace in workspaces {
            let seen = self.known.lock().workspaces.get(&workspace).map(|known| known.last_seen);
            is_new |= seen.is_none();
            if seen.is_none_or(|seen| self.clock.now().since(seen) >= SEEN_EVERY) {
                self.register(workspace, false).await?;
            }
        }
        if is_new {
            self.look_again().await;
        }
        self.name(named, &path);
        Ok(is_new)
    }

    /// A client calls this directory by another name than its own.
    fn name(&self, named: &str, path: &Arc<str>) {
        let home = {
            let known = self.known.lock();
            let home = known.home(path).map(|home| home.path).filter(|_| **path != *named);
            home.filter(|home| known.named.get(named) != Some(home))
        };
        let Some(home) = home else { return };
        self.change(|known| {
            if known.named.len() >= MOST_NAMED {
                known.named.clear();
            }
            known.named.insert(named.into(), home)
        });
    }

    /// An agent, given by id or name, is at work.
    pub(super) fn saw_agent(&self, agent: &str, workspace: Option<&str>) {
        let definition = self.agents.by_name(agent, workspace).or_else(|| self.agents.by_id(agent));
        let id = definition.as_ref().map_or(agent, |definition| &*definition.id);
        self.known.lock().history.used(id, self.clock.now());
    }

    /// Forgets workspaces that nobody comes from any more.
    pub(super) async fn prune(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.changes.lock().await;
        let moment = self.clock.now() - FORGOTTEN_AFTER;
        if self.store.sweep_workspaces(moment).await? == 0 {
            return Ok(());
        }
        self.change(|known| known.workspaces.retain(|_, it| it.manual || it.last_seen >= moment));
        self.look_again().await;
        Ok(())
    }
}

/// What is preferred for every agent, until an operator sets something.
fn default(options: &AgentOptions, since: Timestamp) -> Option<AgentPreference> {
    let model = options.default_model.clone()?;
    Some(AgentPreference { agent: ANY_AGENT.into(), model, since })
}

impl Known {
    /// What an agent's preference is kept by: the id of a definition, given by id or name, else the name.
    fn key_of(&self, agent: &str) -> Result<Arc<str>, AgentError> {
        let agent = agent.trim();
        let by_id = self.definitions.iter().find(|it| *it.id == *agent);
        let mut named = self.definitions.iter().filter(|it| *it.written.name == *agent);
        // A name that several definitions share means every one of them.
        let by_name = || named.next().filter(|_| named.next().is_none());
        if let Some(definition) = by_id.or_else(by_name) {
            return Ok(Arc::clone(&definition.id));
        }
        let is_name = (1..=200).contains(&agent.chars().count()) && !agent.chars().any(char::is_control);
        if is_name {
            Ok(agent.into())
        } else {
            Err(AgentError::Invalid("an agent's name has 1 to 200 characters".to_owned()))
        }
    }

    fn preference(&self, id: &str, name: Option<&str>) -> Option<Preferred> {
        let of = |key: &str, reach| self.preferences.get(key).map(|it| (Arc::clone(&it.model), reach));
        of(id, Reach::Agent)
            .or_else(|| of(name.filter(|name| *name != id)?, Reach::Name))
            .or_else(|| of(ANY_AGENT, Reach::Everybody))
    }

    /// The workspace that a directory is, or lies in.
    fn home(&self, path: &str) -> Option<Workspace> {
        let above = std::path::Path::new(path).ancestors().filter_map(std::path::Path::to_str);
        above.into_iter().find_map(|path| self.workspaces.get(path)).cloned()
    }

    fn overview(&self) -> Overview {
        let mut agents: Vec<_> = self.definitions.iter().map(|definition| self.report(definition)).collect();
        agents.sort_by_key(|it| (it.definition.workspace.is_some(), Arc::clone(&it.definition.id)));
        let count = |path: &Arc<str>| self.definitions.iter().filter(|it| it.workspace.as_ref() == Some(path)).count();
        Overview {
            agents,
            others: self.others(),
            warnings: self.warnings.clone(),
            removed: self.history.removed().cloned().collect(),
            workspaces: self.workspaces.values().map(|it| (it.clone(), count(&it.path))).collect(),
            default_model: self.preferences.get(ANY_AGENT).map(|it| Arc::clone(&it.model)),
        }
    }

    fn report(&self, definition: &Arc<AgentDefinition>) -> AgentReport {
        let preference = self.preference(&definition.id, Some(&definition.written.name));
        let label = |path: &Arc<str>| self.workspaces.get(path).map(|it| Arc::clone(&it.label));
        let is_overridden = preference.as_ref().is_some_and(|(model, _)| **model != *INHERIT);
        AgentReport {
            definition: Arc::clone(definition),
            workspace: definition.workspace.as_ref().and_then(label),
            state: self.history.state(&definition.id, is_overridden),
            used: self.history.use_of(&definition.id),
            preference,
        }
    }

    fn others(&self) -> Vec<OtherAgent> {
        let is_defined = |name: &str| self.definitions.iter().any(|it| *it.id == *name || *it.written.name == *name);
        let names = self.history.used_agents().chain(self.preferences.keys().map(|agent| &**agent));
        let names: std::collections::BTreeSet<_> =
            names.filter(|name| *name != ANY_AGENT && !is_defined(name)).collect();
        let other = |name: &str| OtherAgent {
            name: name.into(),
            preference: self.preference(name, None),
            used: self.history.use_of(name),
        };
        names.into_iter().map(other).collect()
    }
}

#[cfg(test)]
mod tests;
