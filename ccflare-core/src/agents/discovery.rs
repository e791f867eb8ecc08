//! Finds the files that define agents. It blocks, so it is done where that harms nobody.
//!
//! Nothing outside of a directory is read, wherever links in it lead; nothing in it makes more of it than a few
//! megabytes. What can't be read is a warning with its path, and the rest is found all the same.

use std::{
    collections::HashSet,
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{AgentDefinition, Written, workspaces::agents_of};
use crate::domain::{ANY_AGENT, Timestamp, Workspace};

/// The longest file that is taken for a definition: prompts have a few kilobytes.
pub(super) const LONGEST_FILE: u64 = 256 << 10;

/// So many files of one directory are read.
const MOST_FILES: usize = 512;

/// So many entries of one directory are looked at, those of directories below it included.
const MOST_ENTRIES: usize = 8192;

/// So many directories of one are looked into, itself included, and so deep below it.
const MOST_FOLDERS: usize = 64;
const DEEPEST: usize = 4;

/// So many definitions there are in all, and so many bytes.
const MOST_AGENTS: usize = 4096;
const MOST_BYTES: usize = 32 << 20;

/// A directory in which agents may be defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    /// The workspace that it belongs to.
    pub(super) workspace: Option<Workspace>,
}

impl Place {
    /// A directory for everybody.
    pub(super) fn global(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), workspace: None }
    }

    /// That of a workspace.
    pub(super) fn of(workspace: &Workspace) -> Self {
        Self { directory: agents_of(Path::new(&*workspace.path)), workspace: Some(workspace.clone()) }
    }
}

/// Something about a file that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file, or the directory.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
    /// Whether it defines no agent because of that.
    pub is_invalid: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) definitions: Vec<Arc<AgentDefinition>>,
    pub(super) warnings: Vec<Warning>,
    taken: HashSet<Arc<str>>,
    bytes: usize,
}

/// Looks into all places. Earlier ones have the first right to an id.
pub(super) fn find(places: &[Place]) -> Found {
    let mut found = Found::default();
    for place in places {
        if let Err(why) = found.look_into(place) {
            found.warn(&place.directory, why, true);
        }
    }
    found
}

impl Found {
    fn look_into(&mut self, place: &Place) -> Result<(), String> {
        let Some(directory) = real(place)? else { return Ok(()) };
        let Tree { mut files, unread, .. } = Tree::of(&directory);
        for (folder, why) in unread {
            self.warn(&folder, why, true);
        }
        if files.len() > MOST_FILES {
            let why = format!("there are {} definitions in it; only the first {MOST_FILES} are read", files.len());
            self.warn(&directory, why, false);
            files.truncate(MOST_FILES);
        }
        for file in files {
            if self.definitions.len() >= MOST_AGENTS || self.bytes >= MOST_BYTES {
                return Err(format!(
                    "there are too many agents already: {MOST_AGENTS}, or {} MiB of them; the rest is left out",
                    MOST_BYTES >> 20
                ));
            }
            if let Err(why) = self.take(&directory, &file, place.workspace.as_ref()) {
                self.warn(&file, why, true);
            }
        }
        Ok(())
    }

    fn take(&mut self, directory: &Path, file: &Path, workspace: Option<&Workspace>) -> Result<(), String> {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).ok_or("its name is no Unicode")?;
        if stem == ANY_AGENT || stem.chars().any(char::is_control) || stem.chars().count() > 200 {
            return Err("its name can't be an agent's id".to_owned());
        }
        let Contents { text, modified } = read(directory, file)?;
        let (written, overlooked) = Written::read(&text)?;
        self.bytes += text.len();
        if let Some(overlooked) = overlooked {
            self.warn(file, format!("read all the same, but put the text in quotes: {overlooked}"), false);
        }
        let id = self.id(stem, file, workspace);
        self.definitions.push(Arc::new(AgentDefinition {
            id,
            written,
            file: file.into(),
            directory: directory.into(),
            workspace: workspace.map(|workspace| Arc::clone(&workspace.path)),
            modified,
        }));
        Ok(())
    }

    /// The first of a name has it alone; others have something of their path behind it.
    fn id(&mut self, stem: &str, file: &Path, workspace: Option<&Workspace>) -> Arc<str> {
        let plain = workspace.map_or_else(|| stem.to_owned(), |workspace| format!("{}:{stem}", workspace.label));
        let id: Arc<str> = if self.taken.contains(&*plain) { distinct(&plain, file).into() } else { plain.into() };
        self.taken.insert(Arc::clone(&id));
        id
    }

    fn warn(&mut self, file: &Path, why: String, is_invalid: bool) {
        self.warnings.push(Warning { file: file.display().to_string(), why, is_invalid });
    }
}

/// What lies in a directory of definitions and in those below it. No link to a directory is followed.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The directory itself and those below it.
    pub(super) folders: Vec<PathBuf>,
    /// What is called like a definition: what is nearer to the directory first, each folder in order.
    files: Vec<PathBuf>,
    /// Folders that can't be read, and why.
    unread: Vec<(PathBuf, String)>,
}

impl Tree {
    pub(super) fn of(directory: &Path) -> Self {
        let mut tree = Self::default();
        let (mut level, mut left) = (vec![directory.to_owned()], MOST_ENTRIES);
        for _ in 0..=DEEPEST {
            let mut below = Vec::new();
            for folder in level {
                if tree.folders.len() < MOST_FOLDERS {
                    if let Err(error) = tree.look_into(&folder, &mut left, &mut below) {
                        tree.unread.push((folder.clone(), error.to_string()));
                    }
                    tree.folders.push(folder);
                }
            }
            below.sort();
            level = below;
        }
        tree
    }

    fn look_into(&mut self, folder: &Path, left: &mut usize, below: &mut Vec<PathBuf>) -> io::Result<()> {
        let first = self.files.len();
        for entry in fs::read_dir(folder)? {
            let Some(fewer) = left.checked_sub(1) else { break };
            *left = fewer;
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                self.files.push(path);
            } else if entry.file_type()?.is_dir() {
                below.push(path);
            }
        }
        self.files[first..].sort();
        Ok(())
    }
}

/// A name that only this path can have.
pub(super) fn distinct(name: &str, path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{digits}")
}

/// The directory itself, behind whatever links lead to it; `None` if there is none. A workspace's has to lie in it.
fn real(place: &Place) -> Result<Option<PathBuf>, String> {
    let directory = match fs::canonicalize(&place.directory) {
        Ok(directory) if directory.is_dir() => directory,
        Ok(_) => return Err("it is no directory".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let lies_in = |workspace: &Workspace| directory.starts_with(&*workspace.path);
    if place.workspace.as_ref().is_some_and(|workspace| !lies_in(workspace)) {
        return Err(format!("it is a link out of its workspace, to {}; nothing is read there", directory.display()));
    }
    Ok(Some(directory))
}

/// A file's text.
pub(super) struct Contents {
    pub(super) text: String,
    pub(super) modified: Option<Timestamp>,
}

/// The file itself, behind links that do not lead out of the (canonical) directory.
///
/// # Errors
/// If it lies elsewhere, or is no plain file.
pub(super) fn confine(directory: &Path, file: &Path) -> Result<PathBuf, String> {
    let real = fs::canonicalize(file).map_err(|error| error.to_string())?;
    if !real.starts_with(directory) {
        return Err("it is a link out of its directory; nothing is read there".to_owned());
    }
    // Opening a pipe would wait for whoever writes to it.
    let is_file = fs::symlink_metadata(&real).map_err(|error| error.to_string())?.is_file();
    if is_file { Ok(real) } else { Err("it is no plain file".to_owned()) }
}

/// Reads a file of this directory.
///
/// # Errors
/// As [`confine`]; if it is too long, or no text.
pub(super) fn read(directory: &Path, file: &Path) -> Result<Contents, String> {
    let real = confine(directory, file)?;
    let opened = fs::File::open(real).map_err(|error| error.to_string())?;
    let modified = opened.metadata().and_then(|metadata| metadata.modified()).ok().map(Timestamp::from);
    let mut bytes = Vec::new();
    opened.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("it is longer than {} KiB", LONGEST_FILE >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text")?;
    Ok(Contents { text, modified })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(name: &str) -> String {
        format!("---\nname: {name}\ndescription: it\n---\nI am {name}.\n")
    }

    fn workspace(path: &Path) -> Workspace {
        let now = Timestamp::from_seconds(1_800_000_000);
        let path: Arc<str> = path.to_str().expect("Unicode").into();
        Workspace { path, label: "repo".into(), first_seen: now, last_seen: now, manual: false }
    }

    fn root() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = fs::canonicalize(directory.path()).expect("it is there");
        (directory, path)
    }

    fn ids(found: &Found) -> Vec<&str> {
        found.definitions.iter().map(|definition| &*definition.id).collect()
    }

    #[test]
    fn definitions_are_found_in_order_and_what_is_wrong_is_told() {
        let (_kept, root) = root();
        for (name, text) in [
            ("b.md", definition("b").as_str()),
            ("a.md", &definition("a")),
            ("bad.md", "no frontmatter"),
            ("*.md", &definition("star")),
            ("notes.txt", &definition("no")),
            ("long.md", &format!("{}{}", definition("long"), "x".repeat(LONGEST_FILE as usize))),
        ] {
            fs::write(root.join(name), text).expect("written");
        }
        fs::write(root.join("bytes.md"), b"---\nname: \xff\n---\n").expect("written");
        fs::create_dir(root.join("folder.md")).expect("made");
        let found = find(&[Place::global(&root), Place::global(&root.join("none"))]);
        assert_eq!(ids(&found), ["a", "b"]);
        let told: Vec<_> =
            found.warnings.iter().map(|it| (it.file.rsplit('/').next().unwrap_or(""), it.is_invalid)).collect();
        assert_eq!(
            told,
            [("*.md", true), ("bad.md", true), ("bytes.md", true), ("folder.md", true), ("long.md", true)]
        );
        assert!(found.warnings[1].why.contains("frontmatter"), "{:?}", found.warnings[1]);
    }

    #[test]
    fn folders_are_looked_into_and_what_is_nearer_has_the_first_right_to_an_id() {
        let (_kept, root) = root();
        let deep = (0..=DEEPEST).map(|depth| format!("{depth}/")).collect::<String>();
        for file in ["z.md", "review/a.md", "review/z.md", "review/security/b.md", &format!("{deep}c.md")] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("a directory")).expect("made");
            fs::write(&file, definition("it")).expect("written");
        }
        let found = find(&[Place::global(&root)]);
        let ids = ids(&found);
        assert_eq!((ids.len(), ids[0], ids[1], ids[3]), (4, "z", "a", "b"), "{ids:?}");
        assert!(ids[2].starts_with("z-") && found.warnings.is_empty(), "{ids:?} {:?}", found.warnings);
    }

    #[test]
    fn ids_are_unique_and_stay_with_their_files() {
        let (_kept, root) = root();
        let places: Vec<_> = ["one", "two", "w"].iter().map(|name| root.join(name)).collect();
        let workspace = workspace(&places[2]);
        for directory in [&places[0], &places[1], &Place::of(&workspace).directory] {
            fs::create_dir_all(directory).expect("made");
            fs::write(directory.join("a.md"), definition("a")).expect("written");
        }
        fs::write(places[0].join("repo:a.md"), definition("a")).expect("written");
        let places = [Place::global(&places[0]), Place::global(&places[1]), Place::of(&workspace)];
        let found = find(&places);
        let again = find(&places);
        assert_eq!(ids(&found), ids(&again));
        let ids = ids(&found);
        assert_eq!(ids[..2], ["a", "repo:a"]);
        assert!(ids[2].starts_with("a-") && ids[2].len() == 10, "{ids:?}");
        assert!(ids[3].starts_with("repo:a-"), "{ids:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_else() {
        use std::os::unix::fs::symlink;
        let (_kept, root) = root();
        let (agents, secret) = (root.join("agents"), root.join("secret.md"));
        fs::create_dir(&agents).expect("made");
        fs::write(&secret, definition("secret")).expect("written");
        fs::write(agents.join("a.md"), definition("a")).expect("written");
        symlink(&secret, agents.join("out.md")).expect("linked");
        symlink("../secret.md", agents.join("up.md")).expect("linked");
        symlink("a.md", agents.join("same.md")).expect("linked");
        symlink("nothing", agents.join("dangling.md")).expect("linked");
        symlink(&root, agents.join("folder.md")).expect("linked");
        let found = find(&[Place::global(&agents)]);
        assert_eq!(ids(&found), ["a", "same"]);
        assert_eq!(found.warnings.len(), 4, "{:?}", found.warnings);

        // An operator's own directory may be a link; a workspace's may not lead out of it.
        symlink(&agents, root.join("link")).expect("linked");
        assert_eq!(find(&[Place::global(&root.join("link"))]).definitions.len(), 2);
        let repo = root.join("repo");
        fs::create_dir_all(repo.join(".claude")).expect("made");
        symlink(&agents, repo.join(".claude/agents")).expect("linked");
        let found = find(&[Place::of(&workspace(&repo))]);
        assert_eq!((found.definitions.len(), found.warnings.len()), (0, 1));
        assert!(found.warnings[0].why.contains("out of its workspace"));
    }

    #[test]
    fn a_directory_has_no_more_than_so_many() {
        let (_kept, root) = root();
        for number in 0..MOST_FILES + 1 {
            fs::write(root.join(format!("{number:04}.md")), definition("x")).expect("written");
        }
        let found = find(&[Place::global(&root)]);
        assert_eq!((found.definitions.len(), found.warnings.len()), (MOST_FILES, 1));
    }
}
