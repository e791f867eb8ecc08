//! How lines look on standard error.

use ccflare_core::{
    domain::Timestamp,
    logs::{LogLevel, LogLine},
};

use super::Look;

/// For machines: the line as it is kept in files.
pub(super) fn json(line: &LogLine) -> String {
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

/// For people.
pub(super) fn pretty(colours: bool) -> Look {
    if colours { coloured } else { plain }
}

fn plain(line: &LogLine) -> String {
    render(line, "", "")
}

fn coloured(line: &LogLine) -> String {
    let colour = match line.level {
        LogLevel::Error => "\x1b[31m",
        LogLevel::Warn => "\x1b[33m",
        LogLevel::Info => "\x1b[32m",
        LogLevel::Debug => "\x1b[34m",
        LogLevel::Trace => "\x1b[35m",
    };
    render(line, colour, "\x1b[0m")
}

fn render(line: &LogLine, colour: &str, end: &str) -> String {
    use std::fmt::Write as _;
    let at = Timestamp::from_micros(line.ts.saturating_mul(1000));
    let mut text = format!("{at} {colour}{:>5}{end} {}: {}", line.level.as_str(), line.target, clean(&line.msg));
    if let Some(request) = &line.request {
        let _ = write!(text, " request={request}");
    }
    for (name, value) in &line.data {
        let _ = match value.as_str() {
            // Quoted where it would not stand for itself; that also keeps a line a line.
            Some(plain) if !plain.is_empty() && plain.chars().all(|c| c.is_ascii_graphic() && c != '"') => {
                write!(text, " {name}={plain}")
            }
            _ => write!(text, " {name}={value}"),
        };
    }
    text.push('\n');
    text
}

/// What others wrote must not look like a line of its own, or steer a terminal.
fn clean(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_whatever_is_in_it() {
        let data = [("error".to_owned(), "two\nlines".into()), ("status".to_owned(), 429.into())].into_iter().collect();
        let line = LogLine {
            ts: 1_800_000_000_123,
            level: LogLevel::Warn,
            target: "ccflare".into(),
            msg: "attempt\nfailed\x1b[2J".into(),
            request: Some("r1".into()),
            data,
        };
        let text = plain(&line);
        assert_eq!(
            text,
            "2027-01-15T08:00:00.123Z  WARN ccflare: attempt failed [2J request=r1 error=\"two\\nlines\" status=429\n"
        );
        assert_eq!(json(&line).lines().count(), 1);
    }
}
