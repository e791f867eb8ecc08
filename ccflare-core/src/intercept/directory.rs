//! What the interceptor asks of those who know the agents.

use std::sync::Arc;

use crate::domain::Asker;

/// Knows agents by their prompts, and which models an operator prefers for them. Asked once for each conversation, on
/// the way of its first request: it may look things up, but not wait.
pub trait AgentDirectory: std::fmt::Debug + Send + Sync + 'static {
    /// The name of the agent whose prompt the last block of a system prompt is, or begins with.
    fn named_by(&self, system: &str, workspace: Option<&str>) -> Option<Arc<str>>;

    /// The model that an operator prefers for an agent.
    fn preferred_model(&self, agent: &str, workspace: Option<&str>) -> Option<Arc<str>>;

    /// A conversation has begun: somebody of this name works in this directory. All of it is the client's word.
    fn seen(&self, asker: &Asker);
}
