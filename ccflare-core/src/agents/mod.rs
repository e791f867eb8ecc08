//! The agents that people define in files, and what operators prefer for them.
//!
//! A definition is a markdown file with YAML in front, in a directory for everybody or in a workspace's
//! `.claude/agents`. [`Agents`] answers what the line asks while a request passes; it reads a snapshot, waits for
//! nobody and touches no file. [`Registry`] keeps that snapshot true: it reads the files, carries out what operators wish
//! and, with a [`Following`] at work, follows what changes on disk and what requests tell.
//!
//! ```
//! use ccflare_core::agents::Agents;
//!
//! let agents = Agents::default();
//! assert_eq!(agents.named_by("You review code.", None), None, "nothing is defined");
//! assert_eq!(agents.preferred_model("reviewer", None), None, "and nothing preferred");
//! ```

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::domain::AgentPreference;

pub mod catalogue;
mod definition;
mod discovery;
mod edit;
mod error;
mod follow;
mod frontmatter;
mod lifecycle;
mod registry;
mod snapshot;
mod workspaces;

pub use catalogue::Compatibility;
pub use definition::{AgentDefinition, Written};
pub use discovery::Warning;
pub use edit::DefinitionEdit;
pub use error::AgentError;
pub use follow::Following;
pub use frontmatter::tools_in;
pub use lifecycle::{Lifecycle, Removed, Use};
pub use registry::{AgentReport, OtherAgent, Overview, Preferred, Reach, Registry, Sightings};
use snapshot::Snapshot;
pub use workspaces::AgentOptions;

/// Sightings that wait for the background; what comes beyond is seen again with the next request.
const QUEUE: usize = 256;

/// A path or name longer than this was not meant as one.
const LONGEST: usize = 4096;

/// What requests ask about agents. Cheap to clone; never waits.
#[derive(Clone, Debug)]
pub struct Agents {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    snapshot: ArcSwap<Snapshot>,
    sightings: mpsc::Sender<Sighting>,
}

/// Something that a request told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sighting {
    /// A directory that a client works in.
    Workspace(Box<str>),
    /// An agent that asked: its id or name, and where it works.
    Agent { agent: Box<str>, workspace: Option<Box<str>> },
}

impl Default for Agents {
    /// Knows of nothing, and remembers nothing.
    fn default() -> Self {
        Self::new().0
    }
}

impl Agents {
    fn new() -> (Self, mpsc::Receiver<Sighting>) {
        let (sightings, seen) = mpsc::channel(QUEUE);
        (Self { shared: Arc::new(Shared { snapshot: ArcSwap::default(), sightings }) }, seen)
    }

    /// Knows these definitions and preferences for good, and remembers nothing.
    #[must_use]
    pub fn of(definitions: &[Arc<AgentDefinition>], preferences: &[AgentPreference]) -> Self {
        let agents = Self::default();
        let homes: BTreeSet<_> = definitions.iter().filter_map(|it| it.workspace.as_ref()).collect();
        agents.replace(Snapshot::new(definitions, preferences, homes, &HashMap::new()));
        agents
    }

    /// The agent whose prompt is the last block of a system prompt: equal to it, or followed by a blank line there. The
    /// longest one if there are several; of equal ones that of the workspace, then a global one. White space around
    /// either does not count, and an empty prompt names nobody.
    #[must_use]
    pub fn named_by(&self, last_system_block: &str, workspace: Option<&str>) -> Option<Arc<AgentDefinition>> {
        self.shared.snapshot.load().named_by(last_system_block, workspace).cloned()
    }

    /// The agent that clients call by this name in this workspace: one of the workspace, else a global one. Without a
    /// workspace, one of any.
    #[must_use]
    pub fn by_name(&self, name: &str, workspace: Option<&str>) -> Option<Arc<AgentDefinition>> {
        self.shared.snapshot.load().by_name(name, workspace).cloned()
    }

    /// The agent with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<Arc<AgentDefinition>> {
        self.shared.snapshot.load().by_id(id).cloned()
    }

    /// The model that an operator prefers for an agent, given by its name and workspace, or by its id alone: what is set
    /// for the agent's id, else for its name (agents that no file defines have no more than that), else for every
    /// agent. `None` where nothing is set, or that the agent have the model it asks for. Always a model, never an alias.
    #[must_use]
    pub fn preferred_model(&self, agent: &str, workspace: Option<&str>) -> Option<Arc<str>> {
        self.shared.snapshot.load().preferred_model(agent, workspace)
    }

    /// Whether a model is preferred for anybody.
    #[must_use]
    pub fn prefers(&self) -> bool {
        self.shared.snapshot.load().prefers()
    }

    /// Tells of a directory that a client says it works in. Whether it becomes a workspace is decided later, by
    /// whoever looks at the directory; nobody waits for that.
    pub fn seen_workspace(&self, path: &str) {
        self.tell(path, || Sighting::Workspace(path.into()));
    }

    /// Tells that an agent, given by id or name, is at work.
    pub fn seen_agent(&self, agent: &str, workspace: Option<&str>) {
        let workspace = workspace.filter(|path| path.len() <= LONGEST);
        self.tell(agent, || Sighting::Agent { agent: agent.into(), workspace: workspace.map(Into::into) });
    }

    fn tell(&self, text: &str, sighting: impl FnOnce() -> Sighting) {
        if text.is_empty() || text.len() > LONGEST {
            return;
        }
        if let Ok(place) = self.shared.sightings.try_reserve() {
            place.send(sighting());
        }
    }

    fn replace(&self, snapshot: Snapshot) {
        self.shared.snapshot.store(Arc::new(snapshot));
    }
}

#[cfg(test)]
mod tests;
