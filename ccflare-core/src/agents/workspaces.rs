//! Which directories are workspaces.
//!
//! Clients name directories, and what they name is read; so a directory becomes a workspace by a client's word only if
//! it is there, below a root that the operator chose, and not where people keep what is theirs alone.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{AgentError, Compatibility, discovery};
use crate::domain::{Timestamp, Workspace};

/// So many workspaces there are at most.
pub(super) const MOST_WORKSPACES: usize = 256;

/// After so long without a request from it, a workspace is forgotten.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The time of the last request is written down no more often than this.
pub(super) const SEEN_EVERY: Duration = Duration::from_secs(60 * 60);

/// Where agents are defined, and where clients may say that they work.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AgentOptions {
    /// Directories of definitions for everybody; of two files with one name, that in the earlier directory has the
    /// plain id.
    pub directories: Vec<PathBuf>,
    /// Below these, directories that clients name become workspaces. Without any, operators register all of them.
    pub workspace_roots: Vec<PathBuf>,
    /// These and what is below them never become workspaces by a client's word: a home's own `.claude`.
    pub private: Vec<PathBuf>,
    /// The model of agents that nothing else is preferred for, until an operator sets one.
    pub default_model: Option<Arc<str>>,
    /// Which preferences make sense; any of a model that there is, if nobody says.
    pub compatibility: Option<Arc<dyn Compatibility>>,
}

/// Where somebody works.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    /// The canonical path of the directory.
    pub(super) path: Arc<str>,
    /// It and those above it in which agents are defined, the nearest first: clients look for them upwards.
    pub(super) defining: Vec<Arc<str>>,
}

/// The directory that a client named, if it may become a workspace. Blocks.
pub(super) fn admit(options: &AgentOptions, named: &str) -> Option<Admitted> {
    let path = canonical(named).ok()?;
    let real = |paths: &[PathBuf]| paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect::<Vec<_>>();
    let (roots, private) = (real(&options.workspace_roots), real(&options.private));
    let global = real(&options.directories);
    let is_welcome = |path: &&Path| {
        roots.iter().any(|root| path.starts_with(root) && path != root)
            && !private.iter().any(|private| path.starts_with(private))
            && !global.contains(&agents_of(path))
    };
    let admitted = path.ancestors().filter(is_welcome).filter_map(Path::to_str);
    let defining = admitted.filter(|path| agents_of(Path::new(path)).is_dir()).map(Arc::from).collect();
    let path = Some(&*path).filter(is_welcome)?.to_str()?.into();
    Some(Admitted { path, defining })
}

/// Where the agents of a workspace are defined.
pub(super) fn agents_of(workspace: &Path) -> PathBuf {
    workspace.join(".claude").join("agents")
}

/// The canonical path of a directory that an operator named. Blocks.
///
/// # Errors
/// If it is no directory.
pub(super) fn chosen(named: &str) -> Result<Arc<str>, AgentError> {
    let path = canonical(named).map_err(|why| AgentError::Invalid(format!("{named:?} can't be a workspace: {why}")))?;
    path.to_str().map(Arc::from).ok_or_else(|| AgentError::Invalid("a workspace's path is Unicode".to_owned()))
}

fn canonical(named: &str) -> Result<PathBuf, String> {
    if !Path::new(named).is_absolute() {
        return Err("its path is not absolute".to_owned());
    }
    let path = fs::canonicalize(named).map_err(|error| error.to_string())?;
    if !path.is_dir() {
        return Err("it is no directory".to_owned());
    }
    if path.to_str().is_none_or(|path| path.chars().any(char::is_control)) {
        return Err("its path has control characters".to_owned());
    }
    Ok(path)
}

/// A workspace that was not there before: the first of its name is called by it, others by something of their path, too.
pub(super) fn new(path: Arc<str>, known: &BTreeMap<Arc<str>, Workspace>, manual: bool, now: Timestamp) -> Workspace {
    let name = Path::new(&*path).file_name().and_then(|name| name.to_str()).unwrap_or("root");
    let is_taken = known.values().any(|workspace| *workspace.label == *name);
    let label = if is_taken { discovery::distinct(name, Path::new(&*path)) } else { name.to_owned() };
    Workspace { path, label: label.into(), first_seen: now, last_seen: now, manual }
}

/// Which one makes room for another: the one that nobody came from for longest, of those that no operator registered.
pub(super) fn least(known: &BTreeMap<Arc<str>, Workspace>) -> Option<&Workspace> {
    known.values().filter(|workspace| !workspace.manual).min_by_key(|workspace| workspace.last_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn only_directories_below_a_root_become_workspaces_by_a_clients_word() {
        let kept = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(kept.path()).expect("there");
        for directory in ["home/repo/deep", "home/.claude/projects", "home/x", "other/repo", "homely"] {
            fs::create_dir_all(root.join(directory)).expect("made");
        }
        fs::write(root.join("home/file"), "x").expect("written");
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("other/repo"), root.join("home/out")).expect("linked");
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("home/repo"), root.join("other/in")).expect("linked");
        let options = AgentOptions {
            workspace_roots: vec![root.join("home"), root.join("none")],
            private: vec![root.join("home/.claude")],
            directories: vec![root.join("home/.claude/agents"), root.join("home/x/.claude/agents")],
            ..AgentOptions::default()
        };
        fs::create_dir_all(root.join("home/x/.claude/agents")).expect("made");
        let at = |path: &str| root.join(path).to_str().expect("Unicode").to_owned();
        let admitted = |path: &str| admit(&options, path).map(|admitted| admitted.path.to_string());
        for path in ["home/repo", "home/repo/", "home/repo/deep/..", "home/../home/repo", "other/in"] {
            assert_eq!(admitted(&at(path)), Some(at("home/repo")), "{path}");
        }
        for path in [
            "home",
            "home/",
            "home/file",
            "home/none",
            "home/.claude",
            "home/.claude/projects",
            "home/repo/../..",
            "other",
            "other/repo",
            "home/out",
            "homely",
            "home/x",
            "home/repo\0",
        ] {
            assert_eq!(admitted(&at(path)), None, "{path}");
        }
        assert_eq!((admitted(""), admitted("."), admitted("repo"), admitted("/")), (None, None, None, None));
        assert_eq!(admit(&AgentOptions::default(), &at("home/repo")), None, "without a root, none");
        assert_eq!(&*chosen(&at("other/repo")).expect("an operator's word counts anywhere"), at("other/repo"));
        assert!(chosen("other").is_err() && chosen(&at("home/file")).is_err());

        for directory in ["home/repo", "home/repo/deep", "."] {
            fs::create_dir_all(agents_of(&root.join(directory))).expect("made");
        }
        let defining = |path: &str| admit(&options, &at(path)).map(|admitted| admitted.defining);
        fs::create_dir_all(root.join("home/repo/deep/deeper")).expect("made");
        let both = ["home/repo/deep", "home/repo"].map(|path| at(path).into()).to_vec();
        assert_eq!(defining("home/repo/deep/deeper"), Some(both), "and nothing above a root");
    }

    #[test]
    fn labels_are_unique_and_stay() {
        let mut known = BTreeMap::new();
        for path in ["/a/repo", "/b/repo", "/c/repo"] {
            let workspace = new(path.into(), &known, false, NOW);
            known.insert(Arc::clone(&workspace.path), workspace);
        }
        let labels: Vec<_> = known.values().map(|workspace| workspace.label.to_string()).collect();
        assert_eq!(labels[0], "repo");
        assert!(labels[1].starts_with("repo-") && labels[2].starts_with("repo-") && labels[1] != labels[2]);
        known.remove("/a/repo");
        assert_eq!(new("/b/repo".into(), &BTreeMap::new(), true, NOW).label.as_ref(), "repo");
        assert_eq!(&*new("/".into(), &known, true, NOW).label, "root");
    }
}
