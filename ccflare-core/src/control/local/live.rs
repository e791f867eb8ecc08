//! Events of this process, and the log that it keeps.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Local, analytics::asked::moment, feed::Feed};
use crate::{
    control::{
        ControlError, EventStream, LiveControl,
        views::{EventQuery, LogLevelView, LogPage, LogQuery},
    },
    logs::{LogFolder, LogSwitch, Sought},
    record::Topics,
};

/// The original's.
const LINES: usize = 1000;

const MOST_LINES: usize = 10_000;

/// What an operator hears: events, and the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ears {
    pub(crate) feed: Option<Feed>,
    pub(crate) logs: Logs,
}

/// Where log lines are kept, and what decides which.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// Their files. None: they are not kept.
    pub folder: Option<LogFolder>,
    /// Which lines there are. None: it can't be changed here.
    pub switch: Option<Arc<dyn LogSwitch>>,
}

fn no_server(what: &str) -> ControlError {
    ControlError::Unavailable(format!("{what} comes from a running server; start one with `ccflare serve`"))
}

#[async_trait]
impl LiveControl for Local {
    async fn events(&self, query: EventQuery) -> Result<EventStream, ControlError> {
        let topics = match query.topics.as_deref() {
            None | Some("") => Topics::all(),
            Some(topics) => topics.parse().map_err(ControlError::Invalid)?,
        };
        let feed = self.ears.feed.as_ref().ok_or_else(|| no_server("what happens"))?;
        Ok(feed.listen(topics, query.after))
    }

    async fn logs(&self, query: LogQuery) -> Result<LogPage, ControlError> {
        let sought = sought(query)?;
        let folder = self.ears.logs.folder.clone();
        let folder = folder.ok_or_else(|| ControlError::Unavailable("no log is kept here".to_owned()))?;
        let found = tokio::task::spawn_blocking(move || folder.find(&sought)).await.map_err(std::io::Error::other);
        let found =
            found.flatten().map_err(|error| ControlError::Unavailable(format!("can't read the log: {error}")))?;
        Ok(LogPage { lines: found.lines, next: found.next.map(|place| place.to_string()) })
    }

    async fn log_level(&self) -> Result<LogLevelView, ControlError> {
        let switch = self.ears.logs.switch.as_ref().ok_or_else(|| no_server("the log level"))?;
        Ok(LogLevelView { level: switch.filter() })
    }

    async fn set_log_level(&self, filter: &str) -> Result<LogLevelView, ControlError> {
        let switch = self.ears.logs.switch.as_ref().ok_or_else(|| no_server("the log level"))?;
        switch.set(filter).map_err(ControlError::Invalid)?;
        Ok(LogLevelView { level: switch.filter() })
    }
}

fn sought(query: LogQuery) -> Result<Sought, ControlError> {
    let at = |what, text: Option<String>| text.map(|text| moment(what, &text)).transpose();
    let (from, to) = (at("from", query.from)?, at("to", query.to)?);
    let limit = query.limit.unwrap_or(LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(ControlError::Invalid(format!("limit must be from 1 to {MOST_LINES}")));
    }
    Ok(Sought {
        level: query.level.map(|level| level.parse()).transpose().map_err(ControlError::Invalid)?,
        text: query.text.filter(|text| !text.is_empty()),
        request: query.request,
        from,
        to,
        before: query.before.map(|before| before.parse()).transpose().map_err(ControlError::Invalid)?,
        limit,
    })
}
