//! What it costs requests that somebody looks on. Two servers stand before one mock: nobody looks at the first one, and all
//! of the watchers at the second, from the beginning to the end. They take turns under the same load.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{Figures, Plan, micros_at};
use crate::{
    ask::Ask,
    load::Fleet,
    roles::{Process, Role, Way, check_ledger},
    say,
    table::{Compare, Row, Target, Unit},
    watchers::Watchers,
};

/// Requests a second, of which each tells four events.
const RATE: u32 = 200;
const CONNECTIONS: usize = 32;
const TURN: Duration = Duration::from_secs(5);

const READERS: usize = 100;
const DASHBOARDS: usize = 50;

/// More than this is not called unchanged, and more growth than this not flat.
const UNCHANGED: f64 = 1.10;
const FLAT: f64 = 1.05;

pub(super) async fn readers(plan: Plan) -> Result<Vec<Row>> {
    measure(plan, |server| Watchers::slow(server, READERS)).await
}

pub(super) async fn dashboards(plan: Plan) -> Result<Vec<Row>> {
    measure(plan, |server| Watchers::dashboards(server, DASHBOARDS)).await
}

/// The two servers, in the table's columns.
struct Server {
    way: Way,
    process: Process,
    fleet: Fleet,
    memory: Vec<f64>,
}

async fn measure(plan: Plan, watch: impl FnOnce(std::net::SocketAddr) -> Watchers) -> Result<Vec<Row>> {
    let mock = Process::start(Role::Mock, None)?;
    let ask = Ask::message(mock.address, 1024).await?;
    let mut servers = Vec::new();
    for way in Way::PROXIES {
        let process = Process::start(Role::Ccflare, Some(mock.address))?;
        let fleet = Fleet::connect(process.address, CONNECTIONS, &ask).await?;
        servers.push(Server { way, process, fleet, memory: Vec::new() });
    }
    let mut watchers = watch(servers[1].process.address);
    let [mut p50, mut p99, mut cpu] = [(); 3].map(|()| Figures::default());
    let until = Instant::now() + plan.watched;
    let mut round = 0_u32;
    while Instant::now() < until {
        servers.rotate_left(1);
        for server in &mut servers {
            let before = server.process.used()?.cpu;
            let answers = server.fleet.run_at(RATE, TURN).await.with_context(|| format!("{:?}", server.way))?;
            let used = server.process.used()?;
            watchers.check()?;
            server.memory.push(used.resident);
            // The first round finds everything cold.
            if round > 0 {
                p50.push(server.way, micros_at(answers.iter().map(|answer| answer.whole), 0.5));
                p99.push(server.way, micros_at(answers.iter().map(|answer| answer.whole), 0.99));
                cpu.push(server.way, super::micros(used.cpu.saturating_sub(before)) / answers.len() as f64);
            }
        }
        round += 1;
    }
    let seen = &watchers.seen;
    say(&format!(
        "{round} rounds; watchers took {:.1} MiB of events and {} pages, and were sent away {} times",
        seen.bytes.load(Ordering::Relaxed) as f64 / 1024.0 / 1024.0,
        seen.pages.load(Ordering::Relaxed),
        seen.dropped.load(Ordering::Relaxed),
    ))?;
    let [mut early, mut late, mut growth] = [(); 3].map(|()| Figures::default());
    for Server { way, process, memory, .. } in &servers {
        check_ledger(process.address).await?;
        // Behind the first quarter every queue and cache has been filled once.
        let (first, last) = (mean(quarter(memory, 1)), mean(quarter(memory, 3)));
        early.push(*way, first);
        late.push(*way, last);
        growth.push(*way, last / first);
    }
    let flat =
        growth.row("memory, last quarter against the second", Unit::Times, Compare::Alone, Some(Target::AtMost(FLAT)));
    Ok(vec![
        p50.proxies("p50", Unit::Micros, None),
        p99.proxies("p99", Unit::Micros, Some(Target::AtMost(UNCHANGED))),
        cpu.proxies("CPU a request", Unit::Micros, None),
        early.proxies("memory in the second quarter", Unit::Memory, None),
        late.proxies("memory in the last quarter", Unit::Memory, None),
        Row { direct: None, ..flat },
    ])
}

fn quarter(figures: &[f64], number: usize) -> &[f64] {
    let quarter = (figures.len() / 4).max(1);
    let start = (quarter * number).min(figures.len().saturating_sub(1));
    let end = if number == 3 { figures.len() } else { (start + quarter).min(figures.len()) };
    &figures[start..end]
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}
