//! Looks at everything that ccflare needs, says what it finds, and what to do about it.
//!
//! Looking changes nothing: no file is made, no account is asked for anything, nothing goes to the network except to a
//! server on this machine.

use std::time::SystemTime;

use ccflare_server::config::{Config, Flags, Places, Sources, WITHOUT_EFFECT};
use serde::Serialize;
use url::Url;

mod client;
mod files;
mod server;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It works, but not as somebody may think.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// What it is about.
    pub(crate) about: &'static str,
    /// What was found.
    pub(crate) what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl Finding {
    fn new(level: Level, about: &'static str, what: impl Into<String>) -> Self {
        Self { level, about, what: what.into(), next: None }
    }

    fn good(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Good, about, what)
    }

    fn note(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Note, about, what)
    }

    fn warning(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Warning, about, what)
    }

    fn problem(about: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Problem, about, what)
    }

    fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Diagnosis {
    pub(crate) findings: Vec<Finding>,
    /// What clients on this machine want in their environment: name and value.
    pub(crate) exports: Vec<(String, String)>,
}

impl Diagnosis {
    /// Whether something does not work.
    pub(crate) fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Problem)
    }
}

/// Looks at everything.
pub(crate) async fn look(flags: &Flags, url: Option<&Url>, places: &Places) -> Diagnosis {
    let sources = Sources::of_process(flags, places);
    let mut findings = settings(&sources);
    let Ok(config) = sources.read() else { return Diagnosis { findings, exports: Vec::new() } };
    findings.push(clock(SystemTime::now(), &config));
    findings.extend(files::look(&config, &sources));
    let (found, running) = server::look(&config, flags, url).await;
    findings.extend(found);
    let exports = client::exports(&config, url);
    findings.extend(client::look(&exports, running, &|name| sources.variable(name).map(str::to_owned)));
    Diagnosis { findings, exports }
}

fn settings(sources: &Sources) -> Vec<Finding> {
    let file = sources.file().display();
    let read = match sources.read() {
        Err(error) => Finding::problem("settings", error.to_string()).next(
            "mend it, then run `ccflare config check`; a server that is running keeps its old settings until then",
        ),
        Ok(_) if sources.file().exists() => Finding::good("settings", format!("{file} is right")),
        Ok(_) => Finding::good("settings", format!("there is no {file}; defaults, flags and variables count")),
    };
    let without = WITHOUT_EFFECT.iter().filter(|(name, _)| sources.variable(name).is_some());
    let without =
        without.map(|(name, why)| Finding::note("settings", format!("{name} is set and changes nothing: {why}")));
    std::iter::once(read).chain(without).collect()
}

/// A clock that is wrong makes tokens look valid or expired, and windows end at the wrong time.
fn clock(now: SystemTime, config: &Config) -> Finding {
    /// 2025-01-01: nobody has run this before.
    const BEFORE_US: u64 = 1_735_689_600;
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let next = "set the machine's clock (for example `timedatectl set-ntp true`)";
    if seconds < BEFORE_US {
        return Finding::problem(
            "clock",
            "the machine's clock is years behind: no TLS certificate and no token will be valid",
        )
        .next(next);
    }
    let written = std::fs::metadata(config.database()).and_then(|database| database.modified());
    let ahead = written.ok().and_then(|written| written.duration_since(now).ok()).map_or(0, |ahead| ahead.as_secs());
    if ahead > 120 {
        let what = format!("the database was written {ahead} s in the future: the machine's clock went back");
        return Finding::warning("clock", what).next(next);
    }
    Finding::good("clock", "the machine's clock makes sense")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config(folder: &std::path::Path) -> Config {
        let places = Places { config_dir: folder.into(), data_dir: folder.into(), home: None };
        Config::resolve([], |_| None, None, &places).expect("valid")
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = config(folder.path());
        let now = SystemTime::now();
        assert_eq!(clock(SystemTime::UNIX_EPOCH, &config).level, Level::Problem);
        assert_eq!(clock(now, &config).level, Level::Good);
        std::fs::write(config.database(), "").expect("a file");
        assert_eq!(clock(now, &config).level, Level::Good);
        assert_eq!(clock(now - Duration::from_secs(3600), &config).level, Level::Warning);
    }

    #[test]
    fn a_broken_file_is_a_problem_with_its_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = Places { config_dir: folder.path().into(), data_dir: folder.path().into(), home: None };
        std::fs::write(places.config_file(), "\nnonsense = 1\n").expect("a file");
        let env = [("RETRY_ATTEMPTS".to_owned(), "3".to_owned())].into();
        let findings = settings(&Sources::new(&Flags::default(), env, &places));
        assert_eq!((findings[0].level, findings[1].level), (Level::Problem, Level::Note));
        assert!(findings[0].what.contains("line 2"), "{:?}", findings[0]);
        assert!(findings[0].next.is_some());
    }
}
