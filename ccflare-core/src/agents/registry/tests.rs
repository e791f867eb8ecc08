use std::{fs, path::PathBuf};

use super::*;
use crate::{
    agents::Following,
    clock::ManualClock,
    gateway::GatewayOptions,
    live::{Live, LiveOptions},
    store::RedbStore,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A home with agents in it, and a registry that looks there.
struct Den {
    _kept: tempfile::TempDir,
    home: PathBuf,
    clock: Arc<ManualClock>,
    store: Arc<RedbStore>,
}

impl Den {
    fn new() -> Self {
        let kept = tempfile::tempdir().expect("a directory");
        let home = fs::canonicalize(kept.path()).expect("it is there");
        fs::create_dir_all(home.join(".claude/agents")).expect("made");
        Self { _kept: kept, home, clock: Arc::new(ManualClock::new(NOW)), store: Arc::new(RedbStore::in_memory()) }
    }

    fn path(&self, path: &str) -> String {
        self.home.join(path).to_str().expect("Unicode").to_owned()
    }

    fn write(&self, path: &str, name: &str, rest: &str) {
        let file = self.home.join(path);
        fs::create_dir_all(file.parent().expect("a directory")).expect("made");
        fs::write(file, format!("---\nname: {name}\ndescription: it\n{rest}---\nI am {name}.\n")).expect("written");
    }

    async fn open(&self) -> (Arc<Registry>, Sightings) {
        let options = AgentOptions {
            directories: vec![self.home.join(".claude/agents")],
            workspace_roots: vec![self.home.clone()],
            private: vec![self.home.join(".claude")],
            ..AgentOptions::default()
        };
        let (store, clock) = (Arc::clone(&self.store) as _, Arc::clone(&self.clock) as _);
        Registry::open(options, store, clock).await.expect("a registry")
    }
}

async fn ids(registry: &Registry) -> Vec<String> {
    registry.overview().await.agents.iter().map(|agent| agent.definition.id.to_string()).collect()
}

/// Waits for a change after which this is so.
async fn until(registry: &Registry, is_so: impl AsyncFn() -> bool) {
    let mut changed = registry.changed();
    let wait = async {
        while !is_so().await {
            changed.changed().await.expect("a registry");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a change in time");
}

#[tokio::test]
async fn what_was_found_counts_for_five_minutes() {
    let den = Den::new();
    den.write(".claude/agents/a.md", "a", "");
    let (registry, _) = den.open().await;
    assert_eq!(ids(&registry).await, ["a"]);
    den.write(".claude/agents/b.md", "b", "");
    den.clock.advance(FRESH_FOR - Duration::from_secs(1));
    assert_eq!(ids(&registry).await, ["a"]);
    den.clock.advance(Duration::from_secs(1));
    assert_eq!(ids(&registry).await, ["a", "b"]);
}

#[tokio::test]
async fn changes_on_disk_are_followed() {
    let den = Den::new();
    fs::remove_dir_all(den.home.join(".claude")).expect("gone");
    let (registry, sightings) = den.open().await;
    let following = Following::start(Arc::clone(&registry), sightings);
    until(&registry, async || *registry.changed().borrow() >= 2).await;
    let agents = registry.agents();
    // The directory appears, a file is replaced as editors do, another one goes.
    den.write(".claude/agents/a.md", "a", "");
    until(&registry, async || agents.by_id("a").is_some()).await;
    den.write("new.md", "renamed", "");
    fs::rename(den.home.join("new.md"), den.home.join(".claude/agents/a.md")).expect("renamed");
    until(&registry, async || agents.by_name("renamed", None).is_some()).await;
    assert_eq!(registry.overview().await.agents[0].state, Lifecycle::Updated);
    fs::remove_dir_all(den.home.join(".claude")).expect("gone");
    until(&registry, async || agents.by_id("a").is_none()).await;
    assert_eq!(registry.overview().await.removed.len(), 1);
    den.write(".claude/agents/c.md", "c", "");
    until(&registry, async || agents.by_id("c").is_some()).await;
    // So are those in folders, old and new ones.
    for name in ["d", "e"] {
        den.write(&format!(".claude/agents/folder/{name}.md"), name, "");
        until(&registry, async || agents.by_id(name).is_some()).await;
    }
    following.stop().await;
}

#[tokio::test]
async fn requests_bring_workspaces_and_say_who_is_at_work() {
    let den = Den::new();
    den.write(".claude/agents/a.md", "a", "");
    den.write("repo/.claude/agents/a.md", "a", "");
    fs::create_dir_all(den.home.join("repo/deep")).expect("made");
    let (registry, sightings) = den.open().await;
    let (agents, following) = (registry.agents(), Following::start(Arc::clone(&registry), sightings));
    for outside in ["/etc", "/", "relative", &den.path(""), &den.path(".claude"), &den.path("none")] {
        agents.seen_workspace(outside);
    }
    let repo = den.path("repo");
    agents.seen_workspace(&repo);
    until(&registry, async || agents.by_id("repo:a").is_some()).await;
    agents.seen_workspace(&den.path("repo/deep"));
    agents.seen_agent("a", Some(&den.path("repo/deep")));
    agents.seen_agent("Explore", None);
    // The last sighting is done when a later one is.
    den.write("other/.claude/agents/b.md", "b", "");
    agents.seen_workspace(&den.path("other"));
    until(&registry, async || agents.by_id("other:b").is_some()).await;
    let all = registry.overview().await;
    let states: Vec<_> = all.agents.iter().map(|it| (it.definition.id.to_string(), it.state)).collect();
    let expected = [("a", Lifecycle::Discovered), ("other:b", Lifecycle::Discovered), ("repo:a", Lifecycle::InUse)];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
    assert_eq!(all.others.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["Explore"]);
    let paths: Vec<_> = all.workspaces.iter().map(|(it, agents)| (it.path.to_string(), *agents)).collect();
    assert_eq!(paths, [(den.path("other"), 1), (repo, 1)]);
    following.stop().await;
}

#[tokio::test]
async fn agents_are_looked_for_from_where_somebody_works_upwards() {
    let den = Den::new();
    den.write("repo/.claude/agents/a.md", "a", "");
    den.write("repo/.claude/agents/b.md", "b", "");
    den.write("repo/part/.claude/agents/kind/a.md", "a", "");
    fs::create_dir_all(den.home.join("repo/part/src")).expect("made");
    let (registry, _sightings) = den.open().await;
    let agents = registry.agents();
    let id = |name: &str, path: &str| agents.by_name(name, Some(&den.path(path))).map(|it| it.id.to_string());
    assert!(registry.saw_workspace(&den.path("repo/part/src")).await.expect("seen"));
    assert!(!registry.saw_workspace(&den.path("repo")).await.expect("seen"), "it is known already");
    assert_eq!(id("a", "repo/part/src").as_deref(), Some("part:a"), "the nearest");
    assert_eq!(id("b", "repo/part/src").as_deref(), Some("repo:b"), "what is above counts, too");
    assert_eq!(id("a", "repo").as_deref(), Some("repo:a"));
    assert_eq!(id("a", "elsewhere"), None);

    // Where agents are defined later, a workspace is made later.
    den.write("repo/part/src/.claude/agents/b.md", "b", "");
    assert!(registry.saw_workspace(&den.path("repo/part/src")).await.expect("seen"));
    assert_eq!(id("b", "repo/part/src").as_deref(), Some("src:b"));
}

#[tokio::test]
async fn workspaces_survive_a_restart_and_are_forgotten_when_nobody_comes() {
    let den = Den::new();
    for repo in ["one/repo", "two/repo", "kept"] {
        den.write(&format!("{repo}/.claude/agents/a.md"), "a", "");
    }
    let (registry, _) = den.open().await;
    assert!(registry.saw_workspace(&den.path("one/repo")).await.expect("seen"));
    assert!(!registry.saw_workspace(&den.path("one/repo")).await.expect("seen"), "once");
    registry.add_workspace(&den.path("kept")).await.expect("added");
    den.clock.advance(Duration::from_secs(60 * 60));
    assert!(registry.saw_workspace(&den.path("two/repo")).await.expect("seen"));
    let before = ids(&registry).await;
    assert_eq!((before.len(), &*before[0], &*before[2]), (3, "kept:a", "repo:a"));
    drop(registry);
    let (registry, _) = den.open().await;
    assert_eq!(ids(&registry).await, before, "ids stay");
    den.clock.advance(FORGOTTEN_AFTER - Duration::from_secs(60));
    registry.prune().await.expect("pruned");
    assert_eq!(ids(&registry).await.len(), 2, "one/repo is gone");
    den.clock.advance(Duration::from_secs(120));
    let (registry, _) = den.open().await;
    assert_eq!(ids(&registry).await, ["kept:a"], "an operator's stays");
    registry.remove_workspace("kept").await.expect("removed");
    assert!(matches!(registry.remove_workspace("kept").await, Err(AgentError::NoSuchWorkspace(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_workspace_is_known_by_the_path_that_its_clients_use() {
    let den = Den::new();
    den.write("repo/.claude/agents/a.md", "a", "");
    den.write(".claude/agents/a.md", "a", "");
    std::os::unix::fs::symlink(den.home.join("repo"), den.home.join("link")).expect("linked");
    let (registry, _) = den.open().await;
    registry.saw_workspace(&den.path("link")).await.expect("seen");
    let agents = registry.agents();
    assert_eq!(&*agents.by_name("a", Some(&den.path("link"))).expect("one").id, "repo:a");
    assert_eq!(&*agents.named_by("I am a.", Some(&den.path("link/deep"))).expect("one").id, "repo:a");
}

#[tokio::test]
async fn there_are_no_more_workspaces_than_so_many() {
    let den = Den::new();
    let (registry, _) = den.open().await;
    fs::create_dir_all(den.home.join("manual")).expect("made");
    registry.add_workspace(&den.path("manual")).await.expect("added");
    for number in 0..MOST_WORKSPACES {
        let path = format!("repo{number}");
        fs::create_dir_all(den.home.join(&path)).expect("made");
        den.clock.advance(Duration::from_secs(1));
        registry.saw_workspace(&den.path(&path)).await.expect("seen");
    }
    let paths: Vec<_> = registry.overview().await.workspaces.into_iter().map(|(it, _)| it.path.to_string()).collect();
    assert_eq!(paths.len(), MOST_WORKSPACES);
    assert!(paths.contains(&den.path("manual")) && !paths.contains(&den.path("repo0")), "the one not seen for longest");
}

#[derive(Debug)]
struct SameFamily;

impl crate::agents::Compatibility for SameFamily {
    fn check(&self, from: Option<&str>, to: &str) -> Result<(), String> {
        match from {
            Some(from) if from.contains("opus") != to.contains("opus") => Err(format!("{from} is no {to}")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_preference_that_makes_no_sense_is_refused_with_the_reason() {
    let den = Den::new();
    den.write(".claude/agents/a.md", "a", "model: opus\n");
    den.write(".claude/agents/b.md", "b", "");
    let options = AgentOptions {
        directories: vec![den.home.join(".claude/agents")],
        compatibility: Some(Arc::new(SameFamily)),
        default_model: Some("claude-haiku-4-5".into()),
        ..AgentOptions::default()
    };
    let opened = Registry::open(options, Arc::clone(&den.store) as _, Arc::clone(&den.clock) as _).await;
    let (registry, _) = opened.expect("a registry");
    let refused = registry.prefer("a", "haiku").await;
    assert!(
        matches!(&refused, Err(AgentError::Invalid(why)) if why == "claude-opus-5-5 is no claude-haiku-5-5"),
        "{refused:?}"
    );
    for wrong in ["", "a b", "a\nb"] {
        assert!(matches!(registry.prefer("b", wrong).await, Err(AgentError::Invalid(_))), "{wrong:?}");
        assert!(matches!(registry.prefer("x\0", "opus").await, Err(AgentError::Invalid(_))));
    }
    let (updated, left) = registry.prefer_for_all("haiku").await.expect("for b");
    assert_eq!((updated, left.len(), &*left[0].0), (1, 1, "a"));
    let agents = registry.agents();
    let model = |agent| agents.preferred_model(agent, None).map(|model| model.to_string());
    assert_eq!(model("b").as_deref(), Some("claude-haiku-5-5"));
    assert_eq!(model("anyone").as_deref(), Some("claude-haiku-4-5"), "the configured default");
    registry.prefer(ANY_AGENT, "sonnet").await.expect("set");
    assert_eq!(model("anyone").as_deref(), Some("claude-sonnet-5-5"));
    registry.clear(ANY_AGENT).await.expect("cleared");
    assert_eq!(model("anyone").as_deref(), Some("claude-haiku-4-5"), "the configured one again");
    assert!(registry.clear("b").await.expect("cleared") && !registry.clear("b").await.expect("cleared"));
}

#[tokio::test]
async fn an_edit_is_seen_at_once_and_a_model_in_it_counts() {
    let den = Den::new();
    den.write(".claude/agents/a.md", "a", "");
    let (registry, _) = den.open().await;
    registry.prefer("a", "opus").await.expect("set");
    let edit = DefinitionEdit { model: Some("haiku".to_owned()), ..DefinitionEdit::default() };
    let edited = registry.edit("a", edit).await.expect("edited");
    assert_eq!(edited.written.model.as_deref(), Some("haiku"));
    assert_eq!(registry.agents().preferred_model("a", None), None, "what was preferred is forgotten");
    assert_eq!(registry.overview().await.agents[0].state, Lifecycle::Updated);
    let nobody = registry.edit("nobody", DefinitionEdit::default()).await;
    assert!(matches!(nobody, Err(AgentError::NoSuchAgent(_))));
}

#[tokio::test]
async fn settings_are_adopted_while_it_runs_and_an_operators_word_stays() {
    let den = Den::new();
    den.write(".claude/agents/a.md", "a", "");
    den.write("mine/b.md", "b", "");
    den.write("repo/.claude/agents/c.md", "c", "");
    let (registry, sightings) = den.open().await;
    let set = |agents| LiveOptions { agents, ..LiveOptions::from(&GatewayOptions::default()) };
    let live = Live::new(set(registry.options()));
    let (agents, following) = (registry.agents(), Following::live(Arc::clone(&registry), sightings, live.clone()));
    let model = || agents.preferred_model("anyone", None).map(|model| model.to_string());

    let mine = AgentOptions {
        directories: vec![den.home.join("mine")],
        default_model: Some("claude-haiku-4-5".into()),
        ..AgentOptions::default()
    };
    live.replace(set(mine.clone()));
    until(&registry, async || agents.by_id("b").is_some() && agents.by_id("a").is_none()).await;
    assert_eq!(model().as_deref(), Some("claude-haiku-4-5"));
    den.write("mine/d.md", "d", "");
    until(&registry, async || agents.by_id("d").is_some()).await;

    // Without roots nobody registers anything; with one, at once, though the directory was seen a moment ago.
    agents.seen_workspace(&den.path("repo"));
    registry.prefer(ANY_AGENT, "sonnet").await.expect("set");
    live.replace(set(AgentOptions { workspace_roots: vec![den.home.clone()], default_model: None, ..mine.clone() }));
    until(&registry, async || {
        agents.seen_workspace(&den.path("repo"));
        agents.by_id("repo:c").is_some()
    })
    .await;
    assert_eq!(model().as_deref(), Some("claude-sonnet-5-5"), "what an operator set");
    registry.clear(ANY_AGENT).await.expect("cleared");
    assert_eq!(model(), None, "and then what is configured now");
    following.stop().await;
}
