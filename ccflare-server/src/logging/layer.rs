//! Makes lines of what is logged.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use ccflare_core::{
    domain::Timestamp,
    logs::{LogLevel, LogLine},
    record::{EventKind, Events, current_request},
};
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use super::{Look, files::Files};

/// Where lines go.
pub(super) struct Outlets {
    look: Look,
    files: OnceLock<Files>,
    events: OnceLock<Events>,
}

impl fmt::Debug for Outlets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlets").finish_non_exhaustive()
    }
}

impl Outlets {
    pub(super) const fn new(look: Look) -> Self {
        Self { look, files: OnceLock::new(), events: OnceLock::new() }
    }

    /// A process keeps one log: the first one stays.
    pub(super) fn keep(&self, files: Files) {
        let _ = self.files.set(files);
    }

    pub(super) fn tell(&self, events: Events) {
        let _ = self.events.set(events);
    }

    pub(super) fn flush(&self) {
        if let Some(files) = self.files.get() {
            files.flush();
        }
    }

    fn write(&self, line: LogLine) {
        // Whoever reads standard error may be gone; that is no reason to stop.
        let _ = std::io::stderr().write_all((self.look)(&line).as_bytes());
        if let Some(files) = self.files.get() {
            files.write(&line);
        }
        if let Some(events) = self.events.get() {
            events.step(|| EventKind::Log(Arc::new(line)));
        }
    }
}

/// A subscriber's layer that makes a line of each event.
#[derive(Debug)]
pub(super) struct Lines(Arc<Outlets>);

impl Lines {
    pub(super) const fn new(outlets: Arc<Outlets>) -> Self {
        Self(outlets)
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.write(line(event));
    }
}

/// What is logged while a request is worked on is about that request, unless it names another one.
fn line(event: &Event<'_>) -> LogLine {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let request = match fields.data.remove("request") {
        Some(Value::String(id)) => Some(id),
        Some(other) => Some(other.to_string()),
        None => current_request().map(|id| id.to_string()),
    };
    let about = event.metadata();
    LogLine {
        ts: Timestamp::from(SystemTime::now()).as_millis(),
        level: level(*about.level()),
        target: about.target().to_owned(),
        msg: fields.message,
        request,
        data: fields.data,
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    data: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.data.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use ccflare_core::clock::SystemClock;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_line_is_told_to_whoever_listens_with_the_request_that_it_is_about() {
        let (events, mut told) = Events::new(Arc::new(SystemClock::new()), Vec::new());
        let _watching = events.watch();
        let outlets = Arc::new(Outlets::new(|_| String::new()));
        outlets.tell(events);
        let subscriber = tracing_subscriber::registry().with(Lines::new(outlets));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(request = "r1", status = 529, "attempt failed")
        });
        let EventKind::Log(line) = told.try_recv().expect("an event").kind else { panic!("not a line") };
        assert_eq!((&*line.msg, line.level, line.request.as_deref()), ("attempt failed", LogLevel::Warn, Some("r1")));
        assert_eq!(line.data["status"], 529);
    }
}
