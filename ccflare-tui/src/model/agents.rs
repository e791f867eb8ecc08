//! Agents and the models preferred for them.

use ccflare_core::control::views::{AgentProblemView, AgentView, AgentsView, OtherAgentView, WorkspaceView};

use super::{Act, Effect, Form, Item, Kind, Model, Purpose, Shelf, shelf::any_says};
use crate::keys::Command;

/// An agent of which something is known.
#[derive(Clone, Debug)]
pub(crate) enum Agent {
    /// A file defines it.
    Defined(Box<AgentView>),
    /// It was at work, or something is preferred for it.
    Other(OtherAgentView),
}

impl Agent {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Defined(agent) => &agent.name,
            Self::Other(agent) => &agent.name,
        }
    }

    /// What is preferred for it, and why that counts.
    pub(crate) fn preference(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Defined(agent) => (agent.preference.as_deref(), agent.preference_from.as_deref()),
            Self::Other(agent) => (agent.preference.as_deref(), agent.preference_from.as_deref()),
        }
    }
}

impl Item for Agent {
    fn id(&self) -> &str {
        match self {
            Self::Defined(agent) => &agent.id,
            Self::Other(agent) => &agent.name,
        }
    }

    fn says(&self, needle: &str) -> bool {
        let preference = self.preference().0;
        match self {
            Self::Defined(agent) => any_says(
                needle,
                &[
                    Some(&agent.name),
                    Some(&agent.description),
                    agent.model.as_deref(),
                    preference,
                    agent.workspace_name.as_deref(),
                    Some(&agent.source),
                ],
            ),
            Self::Other(agent) => any_says(needle, &[Some(&agent.name), preference]),
        }
    }
}

/// The agents, and what else there is to know about them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agents {
    pub(crate) shelf: Shelf<Agent>,
    pub(crate) problems: Vec<AgentProblemView>,
    pub(crate) workspaces: Vec<WorkspaceView>,
    pub(crate) default_model: Option<String>,
}

impl Agents {
    pub(crate) fn learn(&mut self, view: AgentsView) {
        let defined = view.agents.into_iter().map(|agent| Agent::Defined(Box::new(agent)));
        self.shelf.put(defined.chain(view.other_agents.into_iter().map(Agent::Other)).collect());
        (self.problems, self.workspaces, self.default_model) = (view.problems, view.workspaces, view.default_model);
    }
}

const MODELS: &str =
    "A model's name, an alias such as opus (the newest one), or inherit (the one that the agent asks for).";

impl Model {
    pub(crate) fn obey_in_agents(&mut self, command: Command) -> Vec<Effect> {
        if self.agents.shelf.obey(command, self.size.1 / 2) {
            return Vec::new();
        }
        match (command, self.agents.shelf.chosen().cloned()) {
            (Command::Default, _) => {
                let kind = Kind::Text(self.agents.default_model.clone().unwrap_or_default());
                let form =
                    Form::of_one("The model of all other agents".to_owned(), "Model", kind, Purpose::DefaultModel);
                let says = format!("{MODELS} Empty: each keeps the one that it asks for.");
                self.ask(Form { says, ..form })
            }
            (Command::All, _) => {
                let kind = Kind::Text(String::new());
                let form = Form::of_one("A model for every agent".to_owned(), "Model", kind, Purpose::PreferForAll);
                let says = format!("{MODELS} It counts for every agent that a file defines, whatever was preferred.");
                self.ask(Form { says, submit: "Prefer", ..form })
            }
            (Command::Open, Some(agent)) => {
                let (id, name) = (agent.id().to_owned(), agent.name().to_owned());
                let kind = Kind::Text(agent.preference().0.unwrap_or_default().to_owned());
                let form = Form::of_one(format!("A model for {name}"), "Model", kind, Purpose::Prefer { id, name });
                let says = format!("{MODELS} Empty: nothing is preferred for it.");
                self.ask(Form { says, submit: "Prefer", ..form })
            }
            (Command::Unset, Some(agent)) => {
                self.act(Act::Prefer { id: agent.id().to_owned(), name: agent.name().to_owned(), model: None })
            }
            _ => Vec::new(),
        }
    }
}
