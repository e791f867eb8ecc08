//! Care of the database.

use std::io::{self, IsTerminal};

use anyhow::Result;
use ccflare_core::{
    control::views::{MaintenanceView, SizesView},
    report::{Count, Size},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{json, line, right, table};
use crate::args::Output;

/// How far long work has come: on a terminal, and nowhere else. Goes away when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(task: &str) -> Self {
        let shown =
            if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, shown).with_message(task.to_owned());
        bar.set_style(ProgressStyle::default_spinner());
        Self(bar)
    }

    /// So much of so much; of how much is perhaps not known.
    pub(crate) fn show(&self, done: u64, total: u64) {
        if total > 0 && self.0.length() != Some(total) {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} % {eta}");
            self.0.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.0.set_length(total);
        }
        self.0.set_position(done);
        self.0.tick();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

pub(crate) fn sizes(sizes: &SizesView, output: Output) -> Result<()> {
    if output.json {
        return json(sizes);
    }
    line(&format!("file      {}", Size(sizes.file_bytes)))?;
    line(&format!("requests  {}, {}", Count(sizes.requests), Size(sizes.request_bytes)))?;
    line(&format!("payloads  {}, {}\n", Count(sizes.payloads), Size(sizes.payload_bytes)))?;
    let mut rows = table(&["TABLE", "ROWS"]);
    for table in &sizes.tables {
        rows.add_row([table.name.clone(), table.rows.to_string()]);
    }
    right(&mut rows, &[1]);
    line(&format!("{rows}"))
}

pub(crate) fn ended(ended: &MaintenanceView, output: Output) -> Result<()> {
    if output.json {
        return json(ended);
    }
    let result = ended.result.clone().unwrap_or_default();
    if let (Some(requests), Some(payloads)) = (result.removed_requests, result.removed_payloads) {
        let cutoff = result.cutoff_iso.unwrap_or_default();
        line(&format!("{requests} requests from before {cutoff} and {payloads} payloads are deleted"))?;
    }
    if let (Some(before), Some(after)) = (result.bytes_before, result.bytes_after) {
        line(&format!("the file had {}, and has {} now", Size(before), Size(after)))?;
    }
    if let (Some(path), Some(bytes)) = (result.path, result.bytes) {
        line(&format!("{path} has everything, in {}", Size(bytes)))?;
    }
    if let (Some(rows), Some(problems)) = (result.checked_rows, result.problems) {
        problems.iter().try_for_each(|problem| line(problem))?;
        let found = if problems.is_empty() { "nothing is wrong" } else { "the above is wrong" };
        line(&format!("{} requests and the file were looked at; {found}", Count(rows)))?;
    }
    Ok(())
}
