//! Laws of preferences and workspaces.

use std::{sync::Arc, time::Duration};

use super::{NOW, Store};
use crate::domain::{AgentPreference, Workspace};

/// A preference takes the place of the one for its agent, comes back whole, and goes when it is removed.
///
/// # Panics
/// If the law is broken.
pub async fn an_agent_has_one_preference(store: &dyn Store) {
    let preference = |agent: &str, model: &str, seconds| AgentPreference {
        agent: agent.into(),
        model: model.into(),
        since: NOW + Duration::from_secs(seconds),
    };
    let all = async || store.agent_preferences().await.expect("the preferences");
    assert_eq!(all().await, []);
    let (first, other, any) = (preference("b", "opus", 0), preference("a:b c/ü", "haiku", 1), preference("*", "x", 2));
    store.put_agent_preferences(&[first, other.clone(), any.clone()]).await.expect("set");
    let second = preference("b", "claude-sonnet-5-5", 3);
    store.put_agent_preferences(std::slice::from_ref(&second)).await.expect("set again");
    store.put_agent_preferences(&[]).await.expect("nothing to set");
    assert_eq!(all().await, [any, other.clone(), second], "by name, the latest one of each");
    for (agent, there) in [("*", true), ("*", false), ("b", true), ("nobody", false)] {
        assert_eq!(store.remove_agent_preference(agent).await.expect("removed"), there, "{agent}");
    }
    assert_eq!(all().await, [other]);
}

/// Workspaces come back whole, by path; those not seen for long are swept, unless an operator registered them.
///
/// # Panics
/// If the law is broken.
pub async fn workspaces_stay_until_nobody_comes_from_them(store: &dyn Store) {
    let workspace = |path: &str, seen: u64, manual| Workspace {
        path: path.into(),
        label: Arc::from(path.rsplit('/').next().unwrap_or(path)),
        first_seen: NOW,
        last_seen: NOW + Duration::from_secs(seen),
        manual,
    };
    let all = async || store.workspaces().await.expect("the workspaces");
    let [b, a, kept] = [workspace("/w/b", 1, false), workspace("/w/a", 5, false), workspace("/w/c", 0, true)];
    for workspace in [&b, &a, &kept] {
        store.put_workspace(workspace).await.expect("registered");
    }
    assert_eq!(all().await, [a.clone(), b.clone(), kept.clone()]);
    let seen = Workspace { last_seen: NOW + Duration::from_secs(9), ..b };
    store.put_workspace(&seen).await.expect("seen again");
    assert_eq!(store.sweep_workspaces(NOW + Duration::from_secs(5)).await.expect("a sweep"), 0, "not before it");
    assert_eq!(store.sweep_workspaces(NOW + Duration::from_secs(6)).await.expect("a sweep"), 1);
    assert_eq!(all().await, [seen, kept]);
    assert!(store.remove_workspace("/w/c").await.expect("removed"), "an operator's goes when an operator says so");
    assert!(!store.remove_workspace("/w/c").await.expect("removed"), "once");
}
