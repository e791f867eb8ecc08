//! Log lines.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use ccflare_core::{
    domain::Timestamp,
    logs::{LogLevel, LogLine},
};

use super::{as_json, on_one_line};
use crate::args::Output;

/// One a line; as JSON, they are the lines of the files.
pub(crate) fn lines(lines: &[LogLine], output: Output) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for line in lines {
        if output.json {
            writeln!(out, "{}", as_json(line, serde_json::to_string)?)?;
            continue;
        }
        let (at, style) = (Timestamp::from_micros(line.ts.saturating_mul(1000)), style(line.level));
        write!(out, "{at} {style}{:>5}{style:#} {}", line.level.as_str(), on_one_line(&line.msg))?;
        if let Some(request) = &line.request {
            write!(out, " request={}", on_one_line(request))?;
        }
        for (name, value) in &line.data {
            write!(out, " {name}={}", value.as_str().map_or_else(|| value.to_string(), on_one_line))?;
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

fn style(level: LogLevel) -> Style {
    match level {
        LogLevel::Error => AnsiColor::Red.on_default().bold(),
        LogLevel::Warn => AnsiColor::Yellow.on_default(),
        LogLevel::Info => AnsiColor::Green.on_default(),
        LogLevel::Debug | LogLevel::Trace => AnsiColor::Blue.on_default(),
    }
}
