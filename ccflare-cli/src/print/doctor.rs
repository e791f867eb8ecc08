//! What the doctor found.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Result;

use super::json;
use crate::{
    args::Output,
    doctor::{Diagnosis, Finding, Level},
};

pub(crate) fn diagnosis(diagnosis: &Diagnosis, output: Output) -> Result<()> {
    if output.json {
        return json(diagnosis);
    }
    // Colours only where somebody sees them, and has not asked for none.
    let mut out = anstream::stdout().lock();
    for finding in &diagnosis.findings {
        let (word, style) = look(finding);
        writeln!(out, "{style}{word:<8}{style:#} {:<9} {}", finding.about, finding.what)?;
        if let Some(next) = &finding.next {
            writeln!(out, "{:>18} -> {next}", "")?;
        }
    }
    if diagnosis.exports.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFor Claude Code and the SDKs:\n")?;
    for (name, value) in &diagnosis.exports {
        writeln!(out, "  export {name}={}", quoted(value))?;
    }
    Ok(())
}

fn look(finding: &Finding) -> (&'static str, Style) {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match finding.level {
        Level::Good => ("good", colour(AnsiColor::Green)),
        Level::Note => ("note", colour(AnsiColor::Cyan)),
        Level::Warning => ("warning", colour(AnsiColor::Yellow)),
        Level::Problem => ("problem", colour(AnsiColor::Red).bold()),
    }
}

fn quoted(value: &str) -> String {
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/[]".contains(c));
    if plain { value.to_owned() } else { format!("'{}'", value.replace('\'', "'\\''")) }
}
