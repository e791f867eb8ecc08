//! Reads lines from the end of the files.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use super::{LogLevel, LogLine, backwards::Backwards};
use crate::domain::Timestamp;

/// So much is searched for one answer; whoever wants to know more asks on from where it stopped.
const SEARCH: u64 = 64 * 1024 * 1024;

/// Lines of several threads may stand in each other's order, but not by more than this.
const DISORDER: Duration = Duration::from_secs(5);

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
    /// Of this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
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
            && self.from.is_none_or(|from| line.ts >= from.as_millis())
            && self.to.is_none_or(|to| line.ts < to.as_millis())
            && self.request.as_ref().is_none_or(|request| line.request.as_ref() == Some(request))
            && text()
    }

    /// Whether neither this line nor any before it can be one of them.
    fn is_past(&self, line: &LogLine) -> bool {
        self.from.is_some_and(|from| line.ts < from.as_millis() - as_millis(DISORDER))
    }

    /// Lines from this moment on, in milliseconds, are none of them.
    fn end(&self) -> Option<i64> {
        self.to.map(|to| to.as_millis() + as_millis(DISORDER))
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
    /// How many bytes were read for it.
    pub read: u64,
}

fn as_millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
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

    /// Looks for lines from the end on, where a time is given from there. Blocks while it reads.
    ///
    /// # Errors
    /// If a file can't be read.
    pub fn find(&self, sought: &Sought) -> io::Result<Found> {
        let mut found = Found::default();
        for file in files(&self.0)?.into_iter().rev() {
            let is_over = self.search(file, sought, &mut found)?;
            if is_over {
                break;
            }
        }
        found.lines.reverse();
        Ok(found)
    }

    /// Looks in one file, newest first. Says whether nothing is to be looked for in older ones.
    fn search(&self, file: u64, sought: &Sought, found: &mut Found) -> io::Result<bool> {
        let end = match sought.before {
            Some(before) if file > before.file => return Ok(false),
            Some(before) if file == before.file => Some(before.offset),
            _ => None,
        };
        let Some(mut lines) = Backwards::open(&path(&self.0, file), end)? else { return Ok(false) };
        if let Some(end) = sought.end() {
            lines.skip_from(end)?;
        }
        let before = found.read;
        while let Some((offset, raw)) = lines.next()? {
            found.read = before + lines.read();
            // With a beginning given, each line may be the one that is too old.
            if (sought.from.is_some() || sought.may_match(&raw))
                && let Ok(line) = serde_json::from_slice(&raw)
            {
                if sought.is_past(&line) {
                    return Ok(true);
                }
                if sought.matches(&line) {
                    found.lines.push(line);
                }
            }
            if found.lines.len() >= sought.limit || found.read >= SEARCH {
                found.next = Some(LogPlace { file, offset });
                return Ok(true);
            }
        }
        found.read = before + lines.read();
        Ok(false)
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
    fn a_time_is_found_without_reading_what_is_not_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        // A hundred lines a second for a quarter of an hour, and more than is searched for one answer.
        let lines = 80_000;
        let mut text = String::new();
        for number in 0..lines {
            let mut line = line(number);
            line.ts = number as i64 * 10;
            line.msg = format!("Line {number} {}", "x".repeat(800));
            text += &serde_json::to_string(&line).expect("JSON");
            text += "\n";
        }
        fs::write(path(folder.path(), 7), &text).expect("written");
        let size = text.len() as u64;
        assert!(size > SEARCH, "{size}");
        let folder = LogFolder::new(folder.path().to_owned());
        let at = |seconds: u64| Timestamp::default() + Duration::from_secs(seconds);
        let find = |from: u64, to: u64, limit| {
            let sought = Sought { from: Some(at(from)), to: Some(at(to)), limit, ..Sought::default() };
            folder.find(&sought).expect("readable")
        };
        for from in [0, 7, 500, 790] {
            let found = find(from, from + 10, 5000);
            let numbers = found.lines.iter().map(|line| line.ts / 10);
            let expected = i64::try_from(from).expect("small") * 100;
            assert!(numbers.eq(expected..expected + 1000), "from {from}");
            assert!(found.read < size / 20, "{} of {size} bytes", found.read);
        }
        assert!(find(5000, 6000, 10).lines.is_empty());
        let last = folder.find(&Sought { limit: 100, ..Sought::default() }).expect("readable");
        assert!(last.read < 256 * 1024, "{} bytes for the last hundred lines", last.read);
        let nowhere = Sought { text: Some("line 3 ".into()), limit: 1, ..Sought::default() };
        let found = folder.find(&nowhere).expect("readable");
        assert!(found.lines.is_empty() && found.read < SEARCH + 256 * 1024, "{}", found.read);
        let rest = folder.find(&Sought { before: found.next, ..nowhere }).expect("readable");
        assert_eq!(rest.lines.len(), 1, "who asks on finds it");
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
