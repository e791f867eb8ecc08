//! Appends lines to files that are bounded in size, number and age.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::folder::{self, LogPlace};
use crate::domain::Timestamp;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogBounds {
    /// The size at which a new file is begun, in bytes. 16 MiB.
    pub file: u64,
    /// The size of all files together, in bytes. 128 MiB.
    pub total: u64,
    /// How long a file is kept after its last line. 14 days.
    pub age: Duration,
}

impl Default for LogBounds {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self { file: 16 * MIB, total: 128 * MIB, age: Duration::from_secs(14 * 24 * 60 * 60) }
    }
}

/// Appends lines. A file is named after the moment it was begun, and never renamed, so that a place in it stays.
#[derive(Debug)]
pub struct LogWriter {
    folder: PathBuf,
    bounds: LogBounds,
    file: Option<(File, u64)>,
}

impl LogWriter {
    /// Writes into `folder`, which is made if it is not there, for its owner alone. Goes on in its newest file.
    ///
    /// # Errors
    /// If the folder or its newest file can't be used.
    pub fn open(folder: &Path, bounds: LogBounds) -> io::Result<Self> {
        make(folder)?;
        let file = folder::files(folder)?.pop().map(|stamp| append(&folder::path(folder, stamp))).transpose()?;
        Ok(Self { folder: folder.to_owned(), bounds, file })
    }

    /// Appends whole lines (each with its line end) in one go. A file that is full is left for a new one; then what is
    /// too old or too much is deleted.
    ///
    /// # Errors
    /// If they can't be written. A next try begins a new file.
    pub fn write(&mut self, lines: &[u8], now: Timestamp) -> io::Result<()> {
        let (mut file, size) = match self.file.take() {
            Some((file, size)) if size == 0 || size + lines.len() as u64 <= self.bounds.file => (file, size),
            _ => self.next(now)?,
        };
        file.write_all(lines)?;
        self.file = Some((file, size + lines.len() as u64));
        Ok(())
    }

    fn next(&self, now: Timestamp) -> io::Result<(File, u64)> {
        let newest = folder::files(&self.folder)?.pop();
        let stamp = now.as_micros().unsigned_abs();
        // Even if the clock went back, the newest file has the greatest name.
        let stamp = newest.map_or(stamp, |newest| stamp.max(newest + 1));
        self.tidy(now)?;
        append(&folder::path(&self.folder, stamp))
    }

    /// Deletes the oldest files until the bounds hold, with room for one that is about to begin.
    ///
    /// # Errors
    /// If the folder can't be read. A file that can't be deleted stays.
    pub fn tidy(&self, now: Timestamp) -> io::Result<()> {
        let mut room = self.bounds.total.saturating_sub(self.bounds.file);
        for stamp in folder::files(&self.folder)?.into_iter().rev() {
            let path = folder::path(&self.folder, stamp);
            let Ok(about) = fs::metadata(&path) else { continue };
            let last = about.modified().map_or(now, Timestamp::from);
            let fits = about.len() <= room;
            room = if fits { room - about.len() } else { 0 };
            if !fits || now.since(last) > self.bounds.age {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// The place behind the last line.
    #[must_use]
    pub fn end(folder: &Path) -> Option<LogPlace> {
        let stamp = folder::files(folder).ok()?.pop()?;
        let length = fs::metadata(folder::path(folder, stamp)).ok()?.len();
        Some(LogPlace { file: stamp, offset: length })
    }
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files' own times are the machine's.
    fn now() -> Timestamp {
        std::time::SystemTime::now().into()
    }

    fn size(folder: &Path) -> (usize, u64) {
        let files = folder::files(folder).expect("readable");
        let sizes = files.iter().map(|stamp| folder::path(folder, *stamp).metadata().expect("there").len());
        (files.len(), sizes.sum())
    }

    #[test]
    fn however_much_is_logged_the_files_stay_within_their_bounds() {
        let folder = tempfile::tempdir().expect("a folder");
        let bounds = LogBounds { file: 100, total: 350, age: Duration::from_secs(3600) };
        let mut writer = LogWriter::open(folder.path(), bounds).expect("opened");
        let (line, now) = ([b'x'; 40], now());
        let mut most = 0;
        for _ in 0..100 {
            writer.write(&line, now).expect("written");
            most = most.max(size(folder.path()).1);
        }
        assert!((200..=350).contains(&most), "{most}");
        assert_eq!(size(folder.path()).0, 4, "even though the clock stands still, each file has a name");
    }

    #[test]
    fn a_new_writer_goes_on_where_the_last_one_stopped() {
        let folder = tempfile::tempdir().expect("a folder");
        for _ in 0..3 {
            let mut writer = LogWriter::open(folder.path(), LogBounds::default()).expect("opened");
            writer.write(b"line\n", now()).expect("written");
        }
        assert_eq!(size(folder.path()), (1, 15));
    }

    #[test]
    fn what_is_old_is_deleted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = LogWriter::open(folder.path(), LogBounds::default()).expect("opened");
        writer.write(b"line\n", now()).expect("written");
        let now = now();
        writer.tidy(now).expect("tidied");
        assert_eq!(size(folder.path()).0, 1);
        writer.tidy(now + LogBounds::default().age + Duration::from_secs(60)).expect("tidied");
        assert_eq!(size(folder.path()).0, 0);
    }
}
