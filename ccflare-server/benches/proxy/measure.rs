//! What Linux says of a process and of the machine, and how several rounds become one figure.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Processor time, its own and the kernel's for it; in steps of 10 ms.
    pub cpu: Duration,
    /// Memory in RAM, in bytes.
    pub resident: f64,
    /// The most there ever was of it, in bytes.
    pub peak: f64,
}

/// The unit of times in `/proc/PID/stat`, by Linux' ABI 100 to the second.
const TICK: Duration = Duration::from_millis(10);

impl Used {
    /// Reads `/proc/PID`.
    pub fn of(pid: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let memory = |name| status_bytes(&status, name).with_context(|| format!("/proc/{pid}/status has no {name}"));
        let ticks = ticks(&stat).with_context(|| format!("/proc/{pid}/stat is not understood"))?;
        Ok(Self { cpu: TICK * ticks, resident: memory("VmRSS:")?, peak: memory("VmHWM:")? })
    }
}

/// `utime` and `stime`, the 14th and 15th field; the second one may hold spaces and ends with the last parenthesis.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

fn status_bytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0)
}

/// One figure, measured once in each round.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// One round more.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        quantile(&self.0, 0.5)
    }

    /// The least and the greatest.
    pub fn spread(&self) -> (f64, f64) {
        (quantile(&self.0, 0.0), quantile(&self.0, 1.0))
    }

    /// Compares round by round, so that what disturbs a whole round disturbs nothing.
    pub fn against(&self, other: &Self, compare: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(mine, theirs)| compare(*mine, *theirs)).collect())
    }
}

/// The figure below which lies this share of all.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// One line about the machine and what else it is doing.
pub fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let virtualised = if info.contains(" hypervisor") { ", virtualised" } else { "" };
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{cpus} x {model}{virtualised}; load average {}", load_average())
}

/// Over 1, 5 and 15 minutes.
pub fn load_average() -> String {
    let line = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    line.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// How many descriptors this process may open: the soft limit and the hard one.
pub fn descriptors() -> Option<(u64, u64)> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let mut fields = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    let mut limit = || fields.next()?.replace("unlimited", "1048576").parse().ok();
    Some((limit()?, limit()?))
}
