//! What the interceptor asks of those who know the agents.

use std::sync::Arc;

use crate::{agents::Agents, domain::Asker};

/// Knows agents by their prompts, and which models an operator prefers for them. Asked once for each conversation, on
/// the way of its first request: it may look things up, but not wait.
pub trait AgentDirectory: std::fmt::Debug + Send + Sync + 'static {
    /// The name of the agent whose prompt the last block of a system prompt is, or begins with.
    fn named_by(&self, system: &str, workspace: Option<&str>) -> Option<Arc<str>>;

    /// The model that an operator prefers for an agent.
    fn preferred_model(&self, agent: &str, workspace: Option<&str>) -> Option<Arc<str>>;

    /// Whether anything is preferred for anybody. If not, requests go on before it is known who asks.
    fn prefers(&self) -> bool {
        true
    }

    /// A conversation has begun: somebody of this name works in this directory. All of it is the client's word.
    fn seen(&self, asker: &Asker);
}

impl AgentDirectory for Agents {
    fn named_by(&self, system: &str, workspace: Option<&str>) -> Option<Arc<str>> {
        Self::named_by(self, system, workspace).map(|definition| Arc::clone(&definition.written.name))
    }

    fn preferred_model(&self, agent: &str, workspace: Option<&str>) -> Option<Arc<str>> {
        Self::preferred_model(self, agent, workspace)
    }

    fn prefers(&self) -> bool {
        Self::prefers(self)
    }

    fn seen(&self, asker: &Asker) {
        if let Some(workspace) = &asker.workspace {
            self.seen_workspace(workspace);
        }
        if let Some(agent) = &asker.agent {
            self.seen_agent(agent, asker.workspace.as_deref());
        }
    }
}
