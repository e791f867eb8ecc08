//! Reads lines from the end of the files.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    str::FromStr,
};

use super::{LogLevel, LogLine};

/// So much is read at once.
const BLOCK: u64 = 64 * 1024;

/// So much is searched for one answer; whoever wants to know more asks on from where it stopped.
const SEARCH: u64 = 64 * 1024 * 1024;

/// A line that is longer is not one of ours.
const LINE: usize = 1024 * 1024;

const PREFIX: &str = "ccflare-";
const SUFFIX: &str = ".log";

/// A place between two lines: written `FILE.OFFSET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// The file, by the moment it was begun.
    pub file: u64,
    /// Bytes from its beginning.
    pub offset: u64,
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.file, self.offset)
    }
}

impl FromStr for LogPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('.').and_then(|(file, offset)| Some((file.parse().ok()?, offset.parse().ok()?)));
        let (file, offset) = parts.ok_or_else(|| format!("{text:?} is no place in the log; take a page's `next`"))?;
        Ok(Self { file, offset })
    }
}

/// Which lines are looked for.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// As grave as this, or graver.
    pub level: Option<LogLevel>,
    /// With this text in it, in whatever case.
    pub text: Option<String>,
    /// About this request.
    pub request: Option<String>,
    /// Before this place.
    pub before: Option<LogPlace>,
    /// No more than this.
    pub limit: usize,
}

impl Sought {
    /// Whether a line is one of them.
    #[must_use]
    pub fn matches(&self, line: &LogLine) -> bool {
        let text = || match &self.text {
            Some(text) => {
                let text = text.to_lowercase();
                let data = line.data.iter().map(|(name, value)| format!("{name}={value}"));
                line.msg.to_lowercase().contains(&text)
                    || line.target.contains(&text)
                    || data.into_iter().any(|field| field.to_lowercase().contains(&text))
            }
            None => true,
        };
        self.level.is_none_or(|level| line.level >= level)
            && self.request.as_ref().is_none_or(|request| line.request.as_ref() == Some(request))
            && text()
    }

    /// Whether the raw text may hold such a line: a cheap look before it is read.
    fn may_match(&self, raw: &[u8]) -> bool {
        self.request.as_ref().is_none_or(|request| memchr::memmem::find(raw, request.as_bytes()).is_some())
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Oldest first.
    pub lines: Vec<LogLine>,
    /// Where to go on, if there may be more.
    pub next: Option<LogPlace>,
}

/// The files of a log.
#[derive(Clone, Debug)]
pub struct LogFolder(PathBuf);

impl LogFolder {
    /// The files in `folder`, which need not be there.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Looks for lines from the end on. Blocks while it reads.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn find(&self, sought: &Sought) -> io::Result<Found> {
        let mut found = Found::default();
        let mut budget = SEARCH;
        for file in files(&self.0)?.into_iter().rev() {
            let end = match sought.before {
                Some(before) if file > before.file => continue,
                Some(before) if file == before.file => Some(before.offset),
                _ => None,
            };
            let Some(mut lines) = Backwards::open(&path(&self.0, file), end)? else { continue };
            while let Some((offset, raw)) = lines.next()? {
                if sought.may_match(&raw)
                    && let Ok(line) = serde_json::from_slice(&raw)
                    && sought.matches(&line)
                {
                    found.lines.push(line);
                }
                budget = budget.saturating_sub(raw.len() as u64 + 1);
                if found.lines.len() >= sought.limit || budget == 0 {
                    found.next = Some(LogPlace { file, offset });
                    found.lines.reverse();
                    return Ok(found);
                }
            }
        }
        found.lines.reverse();
        Ok(found)
    }
}

/// The stamps of the files in a folder, oldest first; none if there is no folder.
pub(super) fn files(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let stamp = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let mut stamps: Vec<u64> = entries.filter_map(|entry| stamp(entry.ok()?.file_name().to_str()?)).collect();
    stamps.sort_unstable();
    Ok(stamps)
}

pub(super) fn path(folder: &Path, stamp: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{stamp}{SUFFIX}"))
}

/// The lines of a file from its end on.
struct Backwards {
    file: File,
    /// What has not been read yet ends here.
    unread: u64,
    /// What has been read and not been given yet; it begins at `unread`.
    held: Vec<u8>,
}

impl Backwards {
    /// From `end` on, or from the file's own. Nothing, if the file has gone.
    fn open(path: &Path, end: Option<u64>) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        Ok(Some(Self { file, unread: end.map_or(length, |end| end.min(length)), held: Vec::new() }))
    }

    /// The line before those given so far, and where it begins.
    fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            // The last byte may be the end of the line that is sought.
            let searched = self.held.strip_suffix(b"\n").unwrap_or(&self.held);
            if let Some(end) = memchr::memrchr(b'\n', searched) {
                let mut line = self.held.split_off(end + 1);
                line.truncate(line.strip_suffix(b"\n").map_or(line.len(), <[u8]>::len));
                return Ok(Some((self.unread + end as u64 + 1, line)));
            }
            if self.unread == 0 {
                let mut line = std::mem::take(&mut self.held);
                line.truncate(line.strip_suffix(b"\n").map_or(line.len(), <[u8]>::len));
                return Ok((!line.is_empty()).then_some((0, line)));
            }
            if self.held.len() > LINE {
                self.held.clear();
            }
            self.read_block()?;
        }
    }

    fn read_block(&mut self) -> io::Result<()> {
        let size = BLOCK.min(self.unread);
        let mut block = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.seek(SeekFrom::Start(self.unread - size))?;
        self.file.read_exact(&mut block)?;
        block.append(&mut self.held);
        self.held = block;
        self.unread -= size;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Timestamp,
        logs::{LogBounds, LogWriter},
    };

    fn line(number: usize) -> LogLine {
        let level = if number.is_multiple_of(10) { LogLevel::Warn } else { LogLevel::Info };
        let data = [("number".to_owned(), number.into())].into_iter().collect();
        let request = (number.is_multiple_of(3)).then(|| format!("request-{number}"));
        LogLine { ts: number as i64, level, target: "tests".into(), msg: format!("Line {number}"), request, data }
    }

    /// A thousand lines over several files.
    fn thousand() -> (tempfile::TempDir, LogFolder) {
        let folder = tempfile::tempdir().expect("a folder");
        let bounds = LogBounds { file: 20_000, ..LogBounds::default() };
        let mut writer = LogWriter::open(folder.path(), bounds).expect("opened");
        for number in 0..1000 {
            let text = serde_json::to_string(&line(number)).expect("JSON") + "\n";
            writer.write(text.as_bytes(), Timestamp::from(std::time::SystemTime::now())).expect("written");
        }
        let found = LogFolder::new(folder.path().to_owned());
        (folder, found)
    }

    #[test]
    fn pages_put_together_are_the_whole_log_and_nothing_twice() {
        let (kept, folder) = thousand();
        assert!(files(kept.path()).expect("readable").len() > 3, "one file only");
        let mut sought = Sought { limit: 97, ..Sought::default() };
        let mut all = Vec::new();
        loop {
            let found = folder.find(&sought).expect("readable");
            all.splice(0..0, found.lines);
            sought.before = found.next;
            if sought.before.is_none() {
                break;
            }
        }
        assert_eq!(all, (0..1000).map(line).collect::<Vec<_>>());
    }

    #[test]
    fn filters_are_answered_with_the_newest_that_match() {
        let (_kept, folder) = thousand();
        let find = |sought: Sought| {
            let found = folder.find(&Sought { limit: 2, ..sought }).expect("readable");
            found.lines.into_iter().map(|line| line.ts).collect::<Vec<_>>()
        };
        assert_eq!(find(Sought::default()), [998, 999]);
        assert_eq!(find(Sought { level: Some(LogLevel::Warn), ..Sought::default() }), [980, 990]);
        assert_eq!(find(Sought { text: Some("LINE 77".into()), ..Sought::default() }), [778, 779]);
        assert_eq!(find(Sought { text: Some("number=5".into()), ..Sought::default() }), [598, 599]);
        assert_eq!(find(Sought { request: Some("request-3".into()), ..Sought::default() }), [3]);
    }

    #[test]
    fn lines_longer_than_a_block_and_a_last_one_without_an_end_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = LogLine { msg: "x".repeat(200_000), ..line(1) };
        let text = format!(
            "{}\nnot JSON\n{}",
            serde_json::to_string(&long).expect("JSON"),
            serde_json::to_string(&line(2)).expect("JSON")
        );
        fs::write(path(folder.path(), 7), text).expect("written");
        let found = LogFolder::new(folder.path().to_owned()).find(&Sought { limit: 10, ..Sought::default() });
        assert_eq!(found.expect("readable").lines, [long, line(2)]);
    }

    #[test]
    fn where_nothing_was_logged_nothing_is_found() {
        let found = LogFolder::new("/nowhere/at/all".into()).find(&Sought { limit: 1, ..Sought::default() });
        assert!(found.expect("no error").lines.is_empty());
    }
}
