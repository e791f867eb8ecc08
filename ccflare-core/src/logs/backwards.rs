//! The lines of a file from its end on, or from a moment on, without reading the rest.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde::Deserialize;

/// So much is read at once.
const BLOCK: u64 = 64 * 1024;

/// A line that is longer is not one of ours.
const LINE: usize = 1024 * 1024;

/// A file that is read towards its beginning.
pub(super) struct Backwards {
    file: File,
    /// What has not been read yet ends here.
    unread: u64,
    /// What has been read and not been given yet; it begins at `unread`.
    held: Vec<u8>,
    read: u64,
}

/// All of a line that a search by time has to know.
#[derive(Deserialize)]
struct At {
    ts: i64,
}

impl Backwards {
    /// From `end` on, or from the file's own. Nothing, if the file has gone.
    pub(super) fn open(path: &Path, end: Option<u64>) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        Ok(Some(Self { file, unread: end.map_or(length, |end| end.min(length)), held: Vec::new(), read: 0 }))
    }

    /// How many bytes were read.
    pub(super) const fn read(&self) -> u64 {
        self.read
    }

    /// Leaves out the lines at the end that were written at `moment` (in milliseconds) or later: halves what is left
    /// until it is a few blocks. Some such lines may stay.
    pub(super) fn skip_from(&mut self, moment: i64) -> io::Result<()> {
        let (mut low, mut high) = (0, self.unread);
        while high - low > 2 * BLOCK {
            let middle = low + (high - low) / 2;
            match self.line_behind(middle, high)? {
                Some((_, at)) if at < moment => low = middle,
                // What begins before it may still be wanted.
                Some((begins, _)) => high = begins,
                // A line longer than a block: what is left is read through.
                None => break,
            }
        }
        self.unread = high;
        Ok(())
    }

    /// The first whole line behind an offset: where it begins, and when it was written.
    fn line_behind(&mut self, offset: u64, end: u64) -> io::Result<Option<(u64, i64)>> {
        let block = self.read_at(offset, BLOCK.min(end - offset))?;
        let mut from = 0;
        while let Some(begins) = memchr::memchr(b'\n', &block[from..]).map(|found| from + found + 1) {
            let Some(length) = memchr::memchr(b'\n', &block[begins..]) else { return Ok(None) };
            if let Ok(At { ts }) = serde_json::from_slice(&block[begins..begins + length]) {
                return Ok(Some((offset + begins as u64, ts)));
            }
            from = begins;
        }
        Ok(None)
    }

    /// The line before those given so far, and where it begins.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
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
            let size = BLOCK.min(self.unread);
            let mut block = self.read_at(self.unread - size, size)?;
            block.append(&mut self.held);
            self.held = block;
            self.unread -= size;
        }
    }

    fn read_at(&mut self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        let mut block = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(&mut block)?;
        self.read += size;
        Ok(block)
    }
}
