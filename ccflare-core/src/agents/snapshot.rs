//! Everything that requests ask about agents, as it is this very moment. Never changed, only replaced.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{AgentDefinition, catalogue};
use crate::domain::{ANY_AGENT, AgentPreference};

/// See [the module](self).
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    by_id: HashMap<Arc<str>, Arc<AgentDefinition>>,
    /// By the name that clients use and, where that is another one, by the file's; global ones first.
    by_name: HashMap<Box<str>, Vec<Arc<AgentDefinition>>>,
    /// Prompts, the longest first.
    prompts: Vec<(Arc<str>, Arc<AgentDefinition>)>,
    /// What is preferred for an agent's id or name; nothing: that it be left alone.
    preferences: HashMap<Arc<str>, Option<Arc<str>>>,
    /// Workspaces by their canonical paths, and by those that clients call them.
    workspaces: HashMap<Arc<str>, Arc<str>>,
}

/// How near a definition is to a request. The least is the nearest.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// Defined where it works, or so many directories above.
    Above(usize),
    Global,
    AnotherWorkspace,
}

impl Snapshot {
    /// `named` are further paths of workspaces, with their canonical ones.
    pub(super) fn new<'a>(
        definitions: &[Arc<AgentDefinition>],
        preferences: impl IntoIterator<Item = &'a AgentPreference>,
        workspaces: impl IntoIterator<Item = &'a Arc<str>>,
        named: &HashMap<Arc<str>, Arc<str>>,
    ) -> Self {
        let workspaces = workspaces.into_iter().map(|path| (Arc::clone(path), Arc::clone(path)));
        let mut snapshot = Self {
            preferences: preferences
                .into_iter()
                .map(|it| (Arc::clone(&it.agent), catalogue::resolve(&it.model)))
                .collect(),
            workspaces: workspaces
                .chain(named.iter().map(|(name, path)| (Arc::clone(name), Arc::clone(path))))
                .collect(),
            ..Self::default()
        };
        definitions.iter().for_each(|definition| snapshot.add(definition));
        snapshot
            .prompts
            .sort_by(|(a, first), (b, second)| b.len().cmp(&a.len()).then_with(|| first.id.cmp(&second.id)));
        snapshot
    }

    fn add(&mut self, definition: &Arc<AgentDefinition>) {
        self.by_id.insert(Arc::clone(&definition.id), Arc::clone(definition));
        let prompt = &definition.written.prompt;
        if !prompt.is_empty() {
            self.prompts.push((Arc::clone(prompt), Arc::clone(definition)));
        }
        if prompt.contains('\r') {
            // A client may send what it reads with the line ends of its own.
            self.prompts.push((prompt.replace("\r\n", "\n").into(), Arc::clone(definition)));
        }
        let (name, stem) = (&*definition.written.name, definition.stem());
        for name in [name].into_iter().chain((stem != name).then_some(stem)) {
            self.by_name.entry(name.into()).or_default().push(Arc::clone(definition));
        }
    }

    pub(super) fn named_by(&self, last_system_block: &str, workspace: Option<&str>) -> Option<&Arc<AgentDefinition>> {
        let (text, home) = (last_system_block.trim(), self.home(workspace));
        let says =
            |prompt: &str| text.strip_prefix(prompt).is_some_and(|behind| behind.is_empty() || is_blank_line(behind));
        let mut found = self.prompts.iter().filter(|(prompt, _)| says(prompt)).peekable();
        let longest = found.peek()?.0.len();
        let tied = found.take_while(|(prompt, _)| prompt.len() == longest).map(|(_, definition)| definition);
        tied.min_by_key(|definition| nearness(definition, home))
    }

    pub(super) fn by_name(&self, name: &str, workspace: Option<&str>) -> Option<&Arc<AgentDefinition>> {
        let home = self.home(workspace);
        let named = self.by_name.get(name).into_iter().flatten();
        let near = |definition: &&Arc<AgentDefinition>| {
            // One of another workspace only for who comes from nowhere.
            workspace.is_none() || nearness(definition, home) != Nearness::AnotherWorkspace
        };
        named.filter(near).min_by_key(|definition| {
            (nearness(definition, home), *definition.written.name != *name, Arc::clone(&definition.id))
        })
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Arc<AgentDefinition>> {
        self.by_id.get(id)
    }

    pub(super) fn preferred_model(&self, agent: &str, workspace: Option<&str>) -> Option<Arc<str>> {
        // A global agent's id is a name in a workspace, which may call an agent of its own by it.
        let (named, of_id) = (self.by_name(agent, workspace), self.by_id(agent));
        let definition = if workspace.is_some() { named.or(of_id) } else { of_id.or(named) };
        let names = definition.map(|definition| [&*definition.id, &*definition.written.name]);
        let names = names.into_iter().flatten().chain([agent, ANY_AGENT]);
        names.into_iter().find_map(|name| self.preferences.get(name)).cloned().flatten()
    }

    pub(super) fn prefers(&self) -> bool {
        self.preferences.values().any(Option::is_some)
    }

    /// The registered workspace that a directory is, or lies in.
    pub(super) fn home(&self, directory: Option<&str>) -> Option<&Arc<str>> {
        let above = Path::new(directory?).ancestors();
        above.filter_map(Path::to_str).find_map(|path| self.workspaces.get(path))
    }
}

fn nearness(definition: &AgentDefinition, home: Option<&Arc<str>>) -> Nearness {
    let Some(workspace) = &definition.workspace else { return Nearness::Global };
    let below = home.and_then(|home| Path::new(&**home).strip_prefix(&**workspace).ok());
    below.map_or(Nearness::AnotherWorkspace, |below| Nearness::Above(below.components().count()))
}

fn is_blank_line(text: &str) -> bool {
    text.starts_with("\n\n") || text.starts_with("\r\n\r\n")
}
