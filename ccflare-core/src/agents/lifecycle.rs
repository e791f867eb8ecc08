//! What becomes of definitions: how long they have been there, whether anybody uses them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::AgentDefinition;
use crate::domain::Timestamp;

/// So many agents are remembered to be in use, and so many to be gone.
const MOST_USED: usize = 1024;
const MOST_REMOVED: usize = 128;

/// Where an agent is in its life. The original's diagram, as far as this process has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Its file was found, and says what it should.
    Discovered,
    /// Its file has changed since, and nobody has used it yet as it is now.
    Updated,
    /// Requests come from it, with the model that it asks for.
    InUse,
    /// Requests come from it, and an operator prefers another model for them.
    Overridden,
}

impl Lifecycle {
    /// The name in the JSON API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Updated => "updated",
            Self::InUse => "inUse",
            Self::Overridden => "overridden",
        }
    }
}

/// When an agent was at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// When the latest conversation began.
    pub last: Timestamp,
    /// Conversations since this process began.
    pub conversations: u64,
}

/// A definition that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// As it was.
    pub definition: Arc<AgentDefinition>,
    /// When that was noticed.
    pub at: Timestamp,
}

/// What was seen of agents since this process began.
#[derive(Debug, Default)]
pub(super) struct History {
    uses: HashMap<Box<str>, Use>,
    updated: HashMap<Arc<str>, Timestamp>,
    removed: BTreeMap<Arc<str>, Removed>,
}

impl History {
    /// An agent, by its id or, without one, by its name, was at work.
    pub(super) fn used(&mut self, agent: &str, now: Timestamp) {
        if !self.uses.contains_key(agent) && self.uses.len() >= MOST_USED {
            let oldest = self.uses.iter().min_by_key(|(_, used)| used.last).map(|(agent, _)| agent.clone());
            oldest.and_then(|agent| self.uses.remove(&agent));
        }
        let used = self.uses.entry(agent.into()).or_default();
        *used = Use { last: now, conversations: used.conversations + 1 };
    }

    /// The definitions have become others.
    pub(super) fn changed(&mut self, before: &[Arc<AgentDefinition>], after: &[Arc<AgentDefinition>], now: Timestamp) {
        let now_there: HashMap<_, _> = after.iter().map(|definition| (&*definition.id, definition)).collect();
        for definition in before {
            match now_there.get(&*definition.id) {
                Some(there) if there.written == definition.written => {}
                Some(_) => drop(self.updated.insert(Arc::clone(&definition.id), now)),
                None => self.gone(definition, now),
            }
        }
        self.updated.retain(|id, _| now_there.contains_key(&**id));
        self.removed.retain(|id, _| !now_there.contains_key(&**id));
    }

    fn gone(&mut self, definition: &Arc<AgentDefinition>, now: Timestamp) {
        if self.removed.len() >= MOST_REMOVED {
            let oldest = self.removed.values().min_by_key(|removed| removed.at);
            oldest.map(|removed| Arc::clone(&removed.definition.id)).and_then(|id| self.removed.remove(&id));
        }
        let removed = Removed { definition: Arc::clone(definition), at: now };
        self.removed.insert(Arc::clone(&definition.id), removed);
    }

    pub(super) fn use_of(&self, agent: &str) -> Option<Use> {
        self.uses.get(agent).copied()
    }

    /// All that were at work.
    pub(super) fn used_agents(&self) -> impl Iterator<Item = &str> {
        self.uses.keys().map(|agent| &**agent)
    }

    pub(super) fn removed(&self) -> impl Iterator<Item = &Removed> {
        self.removed.values()
    }

    pub(super) fn updated(&self, id: &str) -> Option<Timestamp> {
        self.updated.get(id).copied()
    }

    pub(super) fn state(&self, id: &str, is_overridden: bool) -> Lifecycle {
        let (used, updated) = (self.use_of(id).map(|used| used.last), self.updated(id));
        match (used, updated) {
            (Some(used), updated) if updated.is_none_or(|updated| updated <= used) => {
                if is_overridden {
                    Lifecycle::Overridden
                } else {
                    Lifecycle::InUse
                }
            }
            (_, Some(_)) => Lifecycle::Updated,
            (_, None) => Lifecycle::Discovered,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agents::Written;

    fn definition(id: &str, prompt: &str) -> Arc<AgentDefinition> {
        let text = format!("---\nname: {id}\ndescription: it\n---\n{prompt}");
        Arc::new(AgentDefinition {
            id: id.into(),
            written: Written::read(&text).expect("a definition").0,
            file: std::path::Path::new("/a.md").into(),
            directory: std::path::Path::new("/").into(),
            workspace: None,
            modified: None,
        })
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn an_agent_is_found_used_changed_and_gone() {
        let mut history = History::default();
        let at = |seconds| NOW + Duration::from_secs(seconds);
        let (old, new) = (definition("a", "x"), definition("a", "y"));
        history.changed(&[], std::slice::from_ref(&old), at(0));
        assert_eq!(history.state("a", false), Lifecycle::Discovered);
        history.used("a", at(1));
        assert_eq!((history.state("a", false), history.state("a", true)), (Lifecycle::InUse, Lifecycle::Overridden));
        history.changed(std::slice::from_ref(&old), std::slice::from_ref(&new), at(2));
        assert_eq!(history.state("a", true), Lifecycle::Updated);
        history.used("a", at(3));
        assert_eq!(history.state("a", false), Lifecycle::InUse);
        assert_eq!(history.use_of("a"), Some(Use { last: at(3), conversations: 2 }));
        history.changed(std::slice::from_ref(&new), &[], at(4));
        assert_eq!(history.removed().map(|removed| removed.at).collect::<Vec<_>>(), [at(4)]);
        history.changed(&[], &[new], at(5));
        assert_eq!(history.removed().count(), 0, "it is back");
    }

    #[test]
    fn the_memory_of_names_that_clients_make_up_is_bounded() {
        let mut history = History::default();
        for number in 0..MOST_USED as u64 * 2 {
            history.used(&number.to_string(), NOW + Duration::from_secs(number));
        }
        assert_eq!(history.used_agents().count(), MOST_USED);
        assert!(history.use_of("0").is_none() && history.use_of(&(MOST_USED * 2 - 1).to_string()).is_some());
    }
}
