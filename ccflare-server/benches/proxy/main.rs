//! What ccflare costs, against the least that is a reverse proxy with hyper.
//!
//! `cargo bench -p ccflare-server --bench proxy [-- [--quick] [--minutes N] [SCENARIO...]]`
//!
//! The mock, the bare proxy and ccflare run as processes of their own; they take turns within each round, so that what
//! else the machine does disturbs them alike. ccflare records, prices and commits every request. This prints and
//! asserts no speed; it fails if an answer is missing or differs from the mock's own by a byte.
//!
//! `--minutes` is for how long watchers look on in `readers` and `dashboards`: two, if it is not said; ten are what those
//! scenarios are meant for. `PROXY_BENCH=quick` is the same as `--quick`; `PROXY_BENCH_THREADS` sets the worker threads of every process (as many
//! as there are processors if it is not set, which is what the server does).

#![allow(unreachable_pub, reason = "it is a program: nothing of it can be reached")]

mod ask;
mod bare;
mod load;
mod measure;
mod old;
mod roles;
mod scenarios;
mod table;
mod watchers;

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use anyhow::{Context, Result};
use roles::Role;
use scenarios::{Plan, SCENARIOS, Scenario};
use table::Rows;

/// As in the binary that is shipped, and for the bare proxy alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2000 streams are 4000 sockets in a proxy.
const DESCRIPTORS: u64 = 8192;

fn main() -> Result<ExitCode> {
    let threads = threads()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    if let Some(role) = Role::of_process() {
        runtime.block_on(role.play())?;
        return Ok(ExitCode::SUCCESS);
    }
    raise_descriptors()?;
    let (plan, chosen) = arguments()?;
    say(&format!("{}\n{threads} worker threads in each process; {} rounds", measure::machine(), plan.rounds))?;
    let failed = runtime.block_on(measure_all(&plan, &chosen))?;
    say(&format!("\nload average at the end {}", measure::load_average()))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the scenarios one after the other, and says how many of them failed.
async fn measure_all(plan: &Plan, chosen: &[&Scenario]) -> Result<u32> {
    let mut failed = 0;
    for scenario in chosen {
        say(&format!("\n{}: {}", scenario.name, scenario.about))?;
        match (scenario.run)(plan.clone()).await {
            Ok(rows) => say(&Rows { rows: &rows, between: scenario.between }.to_string())?,
            Err(error) => {
                failed += 1;
                say(&format!("FAILED: {error:#}"))?;
            }
        }
    }
    Ok(failed)
}

/// `--quick` and the names of scenarios; all of them if none is named. cargo adds a `--bench`.
fn arguments() -> Result<(Plan, Vec<&'static Scenario>)> {
    let mut quick = std::env::var("PROXY_BENCH").is_ok_and(|value| value == "quick");
    let mut chosen = Vec::new();
    let mut minutes = None;
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--bench" => {}
            "--quick" => quick = true,
            "--minutes" => {
                let number = given.next().context("--minutes wants a number")?;
                minutes = Some(number.parse::<f64>().context("--minutes wants a number")?);
            }
            name => chosen.extend([SCENARIOS.iter().find(|scenario| scenario.name == name).with_context(|| {
                let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
                format!("there is no scenario {name:?}; there are {}", names.join(", "))
            })?]),
        }
    }
    if chosen.is_empty() {
        chosen.extend(SCENARIOS);
    }
    let mut plan = if quick { Plan::quick() } else { Plan::full() };
    if let Some(minutes) = minutes {
        plan.watched = std::time::Duration::from_secs_f64(minutes * 60.0);
    }
    Ok((plan, chosen))
}

fn threads() -> Result<usize> {
    match std::env::var("PROXY_BENCH_THREADS") {
        Ok(threads) => threads.parse().context("PROXY_BENCH_THREADS is not a number"),
        Err(_) => Ok(std::thread::available_parallelism()?.into()),
    }
}

/// Starts this program again with more descriptors, if it has too few and may have more; the others inherit them.
fn raise_descriptors() -> Result<()> {
    let (soft, hard) = measure::descriptors().context("/proc/self/limits is not understood")?;
    if soft >= DESCRIPTORS || hard < DESCRIPTORS {
        return Ok(());
    }
    let raise = format!("ulimit -S -n {DESCRIPTORS} && exec \"$0\" \"$@\"");
    let mut again = Command::new("sh");
    again.arg("-c").arg(raise).arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    Err(again.exec().into())
}

fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
