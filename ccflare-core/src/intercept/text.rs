//! Text as it stands in JSON: between its quotes, escapes and all. It is hashed, compared and searched in that form, so
//! that nothing is copied of a body that may be megabytes long.

use std::{borrow::Cow, sync::LazyLock};

use memchr::memmem::Finder;
use xxhash_rust::xxh3::Xxh3;

use crate::json;

/// Text between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// What stands between quotes; bytes that are not UTF-8 are no text.
    pub(super) fn of(inside: &'a [u8]) -> Option<Self> {
        std::str::from_utf8(inside).ok().map(Raw)
    }

    /// As it stands.
    pub(super) const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether the text, white space in front of it left out, begins with these words.
    pub(super) fn begins_with(self, words: &str) -> bool {
        let mut rest = self.0;
        loop {
            let shorter = rest.strip_prefix("\\n").unwrap_or(rest).trim_start();
            if shorter.len() == rest.len() {
                return rest.starts_with(words);
            }
            rest = shorter;
        }
    }

    /// What it means, which is nothing if it is half a surrogate. Copies it, unless it has no escapes.
    pub(super) fn unescaped(self) -> Cow<'a, str> {
        json::unescaped(self.0.as_bytes()).unwrap_or_default()
    }

    /// The hash of what it means, white space around it left out: however it was written, the same text has the same
    /// one. Copies nothing but an escape at a time.
    pub(super) fn meaning(self) -> u128 {
        let mut hash = Meaning::default();
        let mut rest = self.0;
        while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
            hash.add(&rest[..at]);
            // An escape is two characters, or six, or twelve for a pair of surrogates.
            let length = match rest.as_bytes().get(at + 1) {
                Some(b'u') if is_lead(&rest[at..]) => 12,
                Some(b'u') => 6,
                _ => 2,
            };
            let Some(escape) = rest.get(at..at + length) else { break };
            hash.add(&Raw(escape).unescaped());
            rest = &rest[at + length..];
        }
        hash.add(rest);
        hash.inner.digest128()
    }
}

/// Whether an escape is the first half of a pair of surrogates.
fn is_lead(escape: &str) -> bool {
    escape
        .get(2..6)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .is_some_and(|c| (0xd800..0xdc00).contains(&c))
}

/// The hash of a text as [`Raw::meaning`] computes it.
pub(super) fn meaning(text: &str) -> u128 {
    let mut hash = Meaning::default();
    hash.add(text);
    hash.inner.digest128()
}

/// Hashes text without the white space at its ends: what is white is held back until something follows it.
#[derive(Default)]
struct Meaning {
    inner: Xxh3,
    begun: bool,
    newlines: String,
}

impl Meaning {
    fn add(&mut self, piece: &str) {
        let piece = if self.begun { piece } else { piece.trim_start() };
        let (solid, white) = piece.split_at(piece.trim_end().len());
        if !solid.is_empty() {
            self.inner.update(self.newlines.as_bytes());
            self.newlines.clear();
            self.inner.update(solid.as_bytes());
            self.begun = true;
        }
        if self.begun && self.newlines.len() + white.len() <= LONGEST_WHITE {
            self.newlines.push_str(white);
        }
    }
}

/// More white space in a row than this is cut to it.
const LONGEST_WHITE: usize = 1024;

static DIRECTORY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("orking directory: "));
static INSTRUCTIONS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("/CLAUDE.md (project instructions"));

/// More white space than this begins no line that names a directory.
const LONGEST_MARGIN: usize = 32;

/// Where the first line ends in JSON: at a backslash and an `n`, unless another backslash stands for the one.
fn end_of_line(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        if text.as_bytes().get(at + next + 1) == Some(&b'n') {
            return at + next;
        }
        at = (at + next + 2).min(text.len());
    }
    text.len()
}

/// What stands behind the last line's end.
fn last_line(text: &str) -> &str {
    let is_end = |at: &usize| text[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
    let mut ends = text.rmatch_indices("\\n").map(|(at, _)| at);
    ends.find(is_end).map_or(text, |at| &text[at + 2..])
}

/// The directory that an environment's text names: ` - Primary working directory: /w` or `Working directory: /w` on a
/// line of its own.
pub(super) fn working_directory<'a>(text: Raw<'a>) -> Option<Raw<'a>> {
    let text = text.as_str();
    DIRECTORY.find_iter(text.as_bytes()).find_map(|at| {
        let before = text[..at].strip_suffix("Primary w").or_else(|| text[..at].strip_suffix('W'))?;
        let margin = &before[before.floor_char_boundary(before.len().saturating_sub(LONGEST_MARGIN))..];
        let line = last_line(margin);
        let begins = line.len() < margin.len() || margin.len() == before.len();
        if !begins || !matches!(line.trim_start_matches([' ', '\t']), "" | "-" | "- ") {
            return None;
        }
        let behind = &text[at + DIRECTORY.needle().len()..];
        let found = behind[..end_of_line(behind)].trim_end();
        (!found.is_empty()).then_some(Raw(found))
    })
}

/// The directory whose CLAUDE.md a reminder quotes.
pub(super) fn instructions_directory<'a>(text: Raw<'a>) -> Option<Raw<'a>> {
    let text = text.as_str();
    let before = &text[..INSTRUCTIONS.find(text.as_bytes())?];
    let (_, path) = last_line(before).rsplit_once("Contents of ")?;
    (!path.is_empty()).then_some(Raw(path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> Raw<'_> {
        let mut reader = json::Reader::new(json.as_bytes());
        reader.text().expect("JSON").and_then(Raw::of).expect("text")
    }

    #[test]
    fn a_working_directory_stands_on_a_line_of_its_own() {
        for (text, found) in [
            ("# Environment\n - Primary working directory: /w/my repo\n - Is a git", Some("/w/my repo")),
            ("<env>\nWorking directory: /w\nPlatform", Some("/w")),
            ("Working directory: /w", Some("/w")),
            ("  - Primary working directory: C:\\src\\x", Some("C:\\src\\x")),
            ("a\n - Primary working directory: C:\\new\\n\nnext", Some("C:\\new\\n")),
            ("C:\\nWorking directory: /w", None),
            ("the Working directory: /w", None),
            ("Secondary working directory: /w", None),
            ("Working directory: \nnext", None),
            ("say Working directory: /a\nWorking directory: /b", Some("/b")),
        ] {
            let json = serde_json::to_string(text).expect("JSON");
            let directory = working_directory(raw(&json));
            assert_eq!(directory.map(Raw::unescaped).as_deref(), found, "{text:?}");
        }
    }

    #[test]
    fn instructions_name_their_directory_and_a_users_own_file_is_none() {
        for (text, found) in [
            ("x\nContents of /w/a/CLAUDE.md (project instructions, checked in):\n", Some("/w/a")),
            ("Contents of /home/me/.claude/CLAUDE.md (user's private global instructions)", None),
            (
                "Contents of /h/.claude/CLAUDE.md (user's private)\n\nContents of /w/CLAUDE.md (project instructions)",
                Some("/w"),
            ),
            ("/w/CLAUDE.md (project instructions", None),
        ] {
            let json = serde_json::to_string(text).expect("JSON");
            let directory = instructions_directory(raw(&json));
            assert_eq!(directory.map(Raw::unescaped).as_deref(), found, "{text:?}");
        }
    }

    #[test]
    fn words_that_are_said_again_and_again_cost_no_more_than_others() {
        for words in ["Working directory: ", "\nWorking directory: \n", "\\\\nWorking directory: "] {
            // It would go on for hours, if each were looked for over the whole text.
            let text = "x".to_owned() + &words.repeat(1 << 20);
            assert_eq!(working_directory(Raw(&text)), None, "{words:?}");
        }
    }

    #[test]
    fn a_beginning_is_found_behind_white_space() {
        for (json, begins) in [
            (r#""<system-reminder>""#, true),
            (r#""\n\n  <system-reminder>\nx""#, true),
            (r#""x <system-reminder>""#, false),
            (r#""""#, false),
        ] {
            assert_eq!(raw(json).begins_with("<system-reminder>"), begins, "{json}");
        }
    }

    #[test]
    fn however_a_text_is_written_it_means_the_same() {
        for json in [r#""a\nb\u00e9\ud83d\ude00\"""#, r#""  a\u000ab\u00E9😀\" \n""#, "\"a\\nbé😀\\u0022\""] {
            assert_eq!(raw(json).meaning(), meaning("a\nbé😀\""), "{json}");
        }
        assert_ne!(meaning("a b"), meaning("ab"));
    }

    proptest! {
        #[test]
        fn a_hash_is_that_of_the_trimmed_text(text in "[ \\n\\t\"\\\\a-cé😀]{0,40}") {
            let json = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(raw(&json).meaning(), meaning(text.trim()));
        }
    }
}
