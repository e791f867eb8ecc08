//! The flags of the TypeScript ccflare (and of its fork), understood as the commands that do the same here.
//!
//! They are not shown anywhere: whoever has them in a script or in the fingers is not stopped.

use std::ffi::{OsStr, OsString};

/// How many values go with a flag of the original.
#[derive(Clone, Copy)]
enum Takes {
    Nothing,
    /// It may be left out.
    Perhaps,
    One,
    Two,
}

/// The flag, its values, and the command it means; `{}` is a value.
const ALIASES: &[Alias] = &[
    ("--serve", Takes::Nothing, &["serve"]),
    ("--list", Takes::Nothing, &["account", "list"]),
    ("--add-account", Takes::One, &["account", "add", "{}", "--oauth"]),
    ("--remove", Takes::One, &["account", "remove", "{}", "--yes"]),
    ("--pause", Takes::One, &["account", "pause", "{}"]),
    ("--resume", Takes::One, &["account", "resume", "{}"]),
    ("--set-priority", Takes::Two, &["account", "priority", "{}", "{}"]),
    ("--reauthenticate", Takes::One, &["account", "login", "{}"]),
    ("--force-reset-rate-limit", Takes::One, &["account", "resume", "{}"]),
    ("--show-config", Takes::Nothing, &["config", "show"]),
    ("--stats", Takes::Nothing, &["stats", "--json"]),
    ("--reset-stats", Takes::Nothing, &["stats", "reset", "--yes"]),
    ("--clear-history", Takes::Nothing, &["stats", "reset", "--yes"]),
    ("--logs", Takes::Perhaps, &["logs", "--follow", "--lines", "{}"]),
    ("--analyze", Takes::Nothing, &["analyze"]),
    ("--compact", Takes::Nothing, &["maintenance", "compact"]),
    ("--get-model", Takes::Nothing, &["agent", "default"]),
    ("--set-model", Takes::One, &["agent", "default", "{}"]),
    ("--doctor", Takes::Nothing, &["doctor"]),
    ("--generate-api-key", Takes::One, &["key", "create", "{}"]),
    ("--list-api-keys", Takes::Nothing, &["key", "list"]),
    ("--delete-api-key", Takes::One, &["key", "revoke", "{}", "--yes"]),
];

/// Flags that go before a command and take a value.
const WITH_VALUE: [&str; 7] = ["--port", "--listen", "--data-dir", "--config", "--server", "--tier", "--priority"];

/// What was typed, in words of today. Everything but the original's flags stays as it is.
pub(crate) fn translate(typed: Vec<OsString>) -> Vec<OsString> {
    let Some((at, (_, takes, words))) = find(&typed) else { return typed };
    let text = |index: usize| typed.get(index).filter(|word| !word.to_string_lossy().starts_with("--"));
    let most = match takes {
        Takes::Nothing => 0,
        Takes::Perhaps | Takes::One => 1,
        Takes::Two => 2,
    };
    let values: Vec<_> = (at + 1..=at + most).map_while(text).cloned().collect();
    let mut rest = typed[..at].to_vec();
    rest.extend_from_slice(&typed[at + 1 + values.len()..]);
    let (program, rest) =
        rest.split_first().map_or((OsString::from("ccflare"), &[][..]), |(first, rest)| (first.clone(), rest));
    let mut values = values.into_iter().peekable();
    let mut translated = vec![program];
    for word in *words {
        match (*word, values.next_if(|_| *word == "{}")) {
            ("{}", Some(value)) => translated.push(value),
            // A value that was left out takes its option with it.
            ("{}", None) => drop(translated.pop_if(|option| option.to_string_lossy().starts_with("--"))),
            (word, _) => translated.push(word.into()),
        }
    }
    translated.extend(without_mode(rest));
    translated
}

/// A flag of the original, how many values go with it, and the words of today.
type Alias = (&'static str, Takes, &'static [&'static str]);

/// The first flag of the original, if no command stands before it.
fn find(typed: &[OsString]) -> Option<(usize, &'static Alias)> {
    let mut words = typed.iter().enumerate().skip(1);
    while let Some((at, word)) = words.next() {
        let word = word.to_str()?;
        if let Some(alias) = ALIASES.iter().find(|(flag, ..)| *flag == word) {
            return Some((at, alias));
        }
        if !word.starts_with("--") {
            return None;
        }
        if WITH_VALUE.contains(&word) || word == "--mode" {
            words.next();
        }
    }
    None
}

/// `--mode max|console` chose between two servers that were built in; here they are in the file.
fn without_mode(rest: &[OsString]) -> Vec<OsString> {
    let mut kept = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if word == OsStr::new("--mode") {
            words.next();
        } else {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Arguments;

    fn translated(typed: &str) -> String {
        let typed = std::iter::once("ccflare").chain(typed.split_whitespace()).map(OsString::from).collect();
        let words: Vec<_> = translate(typed).into_iter().map(|word| word.into_string().expect("text")).collect();
        words[1..].join(" ")
    }

    #[test]
    fn the_originals_flags_mean_commands() {
        for (typed, meant) in [
            ("--serve", "serve"),
            ("--serve --port 9000", "serve --port 9000"),
            ("--port 9000 --serve", "serve --port 9000"),
            ("--add-account work --mode max --tier 5", "account add work --oauth --tier 5"),
            ("--remove work", "account remove work --yes"),
            ("--logs", "logs --follow"),
            ("--logs 20", "logs --follow --lines 20"),
            ("--pause work", "account pause work"),
            ("--list --json", "account list --json"),
            ("--set-priority work 3", "account priority work 3"),
        ] {
            assert_eq!(translated(typed), meant);
        }
    }

    #[test]
    fn everything_else_stays_as_it_was_typed() {
        for typed in ["", "status", "account add --oauth work", "account list --list", "--json status", "--help"] {
            assert_eq!(translated(typed), typed);
        }
    }

    #[test]
    fn every_alias_is_a_command_that_exists() {
        for (flag, takes, _) in ALIASES {
            let values = match takes {
                Takes::Nothing | Takes::Perhaps => "",
                Takes::One => "x",
                Takes::Two => "x 3",
            };
            let typed = format!("{flag} {values}");
            let words = translated(&typed);
            let parsed = Arguments::try_parse_from(std::iter::once("ccflare").chain(words.split_whitespace()));
            assert!(parsed.is_ok(), "{typed} means {words}, and that is none: {}", parsed.expect_err("none"));
        }
    }
}
