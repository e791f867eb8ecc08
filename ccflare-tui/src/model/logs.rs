//! The newest lines of the log.

use std::collections::VecDeque;

use ccflare_core::{
    control::views::{LogLineView, LogPage},
    logs::LogLevel,
};

use super::{Effect, Form, Kind, Model, Purpose};
use crate::keys::Command;

/// More lines are not kept.
const MOST: usize = 5000;

/// The levels from the gravest on.
pub(crate) const LEVELS: [LogLevel; 5] =
    [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

/// The lines, and which of them are shown.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    /// Oldest first.
    lines: VecDeque<LogLineView>,
    /// Whether there is an answer about the past.
    pub(crate) is_known: bool,
    /// Why there is none.
    pub(crate) trouble: Option<String>,
    /// Lines less grave are not shown.
    pub(crate) level: LogLevel,
    pub(crate) filter: String,
    /// How many of the lines that are shown are below the screen; none: the newest are followed.
    pub(crate) behind: usize,
    /// Whether what comes is kept back.
    pub(crate) is_paused: bool,
    /// How many have come meanwhile.
    pub(crate) held: usize,
    /// What the server logs.
    pub(crate) logged: Option<String>,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            is_known: false,
            trouble: None,
            level: LogLevel::Trace,
            filter: String::new(),
            behind: 0,
            is_paused: false,
            held: 0,
            logged: None,
        }
    }
}

impl Logs {
    /// A line that was just logged.
    pub(crate) fn push(&mut self, line: LogLineView) {
        if self.is_paused {
            self.held += 1;
        } else if self.behind > 0 && self.lets_through(&line) {
            // Who looks at older lines goes on looking at them.
            self.behind += 1;
        }
        self.lines.push_back(line);
        if self.lines.len() > MOST {
            self.lines.pop_front();
        }
    }

    /// What was logged before.
    pub(crate) fn learn(&mut self, page: LogPage) {
        self.is_known = true;
        self.trouble = None;
        // What has come since is in the page, too.
        let newest = page.lines.last().map_or(0, |line| line.ts);
        let since: Vec<_> = self.lines.drain(..).filter(|line| line.ts > newest).collect();
        self.lines.extend(page.lines);
        self.lines.extend(since);
        while self.lines.len() > MOST {
            self.lines.pop_front();
        }
    }

    fn lets_through(&self, line: &LogLineView) -> bool {
        let needles = self.filter.split_whitespace().map(str::to_lowercase);
        let says = |needle: String| {
            let in_request = line.request.as_ref().is_some_and(|request| request.contains(&needle));
            let in_data =
                || line.data.iter().any(|(name, value)| format!("{name}={value}").to_lowercase().contains(&needle));
            line.msg.to_lowercase().contains(&needle) || line.target.contains(&needle) || in_request || in_data()
        };
        line.level >= self.level && needles.into_iter().all(says)
    }

    /// The lines of a screen of `height`, oldest first, and how many there are in all.
    pub(crate) fn shown(&self, height: usize) -> (Vec<&LogLineView>, usize) {
        let kept = self.lines.len() - self.held.min(self.lines.len());
        let all: Vec<_> = self.lines.iter().take(kept).filter(|line| self.lets_through(line)).collect();
        let end = all.len() - self.behind.min(all.len().saturating_sub(height));
        (all[end.saturating_sub(height)..end].to_vec(), all.len())
    }
}

impl Model {
    pub(crate) fn obey_in_logs(&mut self, command: Command) -> Vec<Effect> {
        let page = self.size.1.saturating_sub(5);
        let (_, count) = self.logs.shown(page);
        let logs = &mut self.logs;
        let last = count.saturating_sub(page);
        match command {
            Command::Up => logs.behind = (logs.behind + 1).min(last),
            Command::Down => logs.behind = logs.behind.saturating_sub(1),
            Command::PageUp => logs.behind = (logs.behind + page).min(last),
            Command::PageDown => logs.behind = logs.behind.saturating_sub(page),
            Command::First => logs.behind = last,
            Command::Last => (logs.behind, logs.is_paused, logs.held) = (0, false, 0),
            Command::Hold => (logs.is_paused, logs.held) = (!logs.is_paused, 0),
            Command::Level => logs.level = milder(logs.level),
            Command::LogLevel => {
                let now = logs.logged.clone().unwrap_or_default();
                let form = Form::of_one("What the server logs".to_owned(), "Level", Kind::Text(now), Purpose::LogLevel);
                let says = "error, warn, info, debug or trace; or a filter such as ccflare_core=debug,info. It holds \
                            until the next start.";
                return self.ask(Form { says: says.to_owned(), ..form });
            }
            _ => {}
        }
        Vec::new()
    }
}

/// The next milder level; after the mildest the gravest.
fn milder(level: LogLevel) -> LogLevel {
    let at = LEVELS.iter().position(|known| *known == level).unwrap_or(0);
    LEVELS[(at + 1) % LEVELS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ts: i64, level: LogLevel, msg: &str) -> LogLineView {
        LogLineView { ts, level, target: "ccflare".into(), msg: msg.into(), request: None, data: Default::default() }
    }

    fn shown(logs: &Logs, height: usize) -> Vec<i64> {
        logs.shown(height).0.iter().map(|line| line.ts).collect()
    }

    #[test]
    fn the_newest_are_followed_until_somebody_looks_up() {
        let mut logs = Logs::default();
        (1..=5).for_each(|ts| logs.push(line(ts, LogLevel::Info, "")));
        assert_eq!(shown(&logs, 2), [4, 5]);
        logs.behind = 1;
        logs.push(line(6, LogLevel::Info, ""));
        assert_eq!(shown(&logs, 2), [3, 4], "what is looked at stays");
    }

    #[test]
    fn what_comes_while_it_is_paused_waits() {
        let mut logs = Logs { is_paused: true, ..Logs::default() };
        logs.push(line(1, LogLevel::Info, ""));
        assert_eq!((shown(&logs, 2), logs.held), (vec![], 1));
        (logs.is_paused, logs.held) = (false, 0);
        assert_eq!(shown(&logs, 2), [1]);
    }

    #[test]
    fn the_past_comes_before_what_was_heard_already() {
        let mut logs = Logs::default();
        (3..=4).for_each(|ts| logs.push(line(ts, LogLevel::Info, "")));
        let lines = (1..=3).map(|ts| line(ts, LogLevel::Info, "")).collect();
        logs.learn(LogPage { lines, next: None });
        assert_eq!(shown(&logs, 9), [1, 2, 3, 4]);
    }

    #[test]
    fn lines_are_shown_by_level_and_words_and_bounded() {
        let mut logs = Logs { level: LogLevel::Warn, filter: "DISK full".into(), ..Logs::default() };
        logs.push(line(1, LogLevel::Info, "the disk is full"));
        logs.push(line(2, LogLevel::Error, "the disk is full"));
        logs.push(line(3, LogLevel::Error, "the disk is empty"));
        assert_eq!(shown(&logs, 9), [2]);
        logs.filter.clear();
        (0..10_000).for_each(|ts| logs.push(line(ts, LogLevel::Error, "")));
        assert_eq!(logs.lines.len(), MOST);
    }
}
