//! What it costs requests that somebody looks on, or that much is deleted. Two servers stand before one mock: nobody looks at
//! the first one, and all of the watchers at the second, from the beginning to the end. They take turns under the same load.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{Figures, Plan, micros_at};
use crate::{
    ask::Ask,
    load::{self, Fleet},
    roles::{Process, Role, TOKEN, Way, check_ledger},
    say,
    table::{Row, Target, Unit},
};

/// Requests a second, of which each tells four events.
const RATE: u32 = 200;
const CONNECTIONS: usize = 32;
const TURN: Duration = Duration::from_secs(5);

/// More than this is not called unchanged, and more growth than without watchers not flat.
const UNCHANGED: f64 = 1.10;
const FLAT: f64 = 1.05;

pub(super) async fn readers(plan: Plan) -> Result<Vec<Row>> {
    measure(plan, Role::Readers).await
}

pub(super) async fn dashboards(plan: Plan) -> Result<Vec<Row>> {
    measure(plan, Role::Dashboards).await
}

/// The two servers, in the table's columns.
struct Server {
    way: Way,
    process: Process,
    fleet: Fleet,
    memory: Vec<f64>,
}

impl Server {
    async fn both(processes: [Process; 2], ask: &Arc<Ask>) -> Result<Vec<Self>> {
        let mut servers = Vec::new();
        for (way, process) in Way::PROXIES.into_iter().zip(processes) {
            let fleet = Fleet::connect(process.address, CONNECTIONS, ask).await?;
            servers.push(Self { way, process, fleet, memory: Vec::new() });
        }
        Ok(servers)
    }
}

/// How long requests took, and how much processor time.
#[derive(Default)]
struct Costs {
    p50: Figures,
    p99: Figures,
    cpu: Figures,
    /// Of all rounds: a round's p99 is its tenth worst, which moves by a factor from round to round.
    times: Vec<(Way, Duration)>,
}

impl Costs {
    /// Lets the servers take turns until the time is over or `goes_on` says no. Also says how many rounds there were.
    async fn measure(
        servers: &mut [Server],
        time: Duration,
        mut goes_on: impl AsyncFnMut() -> Result<bool>,
    ) -> Result<(Self, u32)> {
        let (mut costs, mut round) = (Self::default(), 0);
        let until = Instant::now() + time;
        while Instant::now() < until && goes_on().await? {
            servers.rotate_left(1);
            for server in &mut *servers {
                let before = server.process.used()?.cpu;
                let answers = server.fleet.run_at(RATE, TURN).await.with_context(|| format!("{:?}", server.way))?;
                let used = server.process.used()?;
                server.memory.push(used.resident);
                // The first round finds everything cold.
                if round > 0 {
                    let times = || answers.iter().map(|answer| answer.whole);
                    costs.p50.push(server.way, micros_at(times(), 0.5));
                    costs.p99.push(server.way, micros_at(times(), 0.99));
                    let cpu = super::micros(used.cpu.saturating_sub(before)) / answers.len() as f64;
                    costs.cpu.push(server.way, cpu);
                    costs.times.extend(times().map(|time| (server.way, time)));
                }
            }
            round += 1;
        }
        for server in servers {
            check_ledger(server.process.address).await?;
        }
        Ok((costs, round))
    }

    fn rows(self) -> Vec<Row> {
        let mut whole = Figures::default();
        for way in Way::PROXIES {
            let times = self.times.iter().filter(|(of, _)| *of == way);
            whole.push(way, micros_at(times.map(|(_, time)| *time), 0.99));
        }
        vec![
            self.p50.proxies("p50", Unit::Micros, None),
            self.p99.proxies("p99 of a round", Unit::Micros, None),
            whole.proxies("p99 of all", Unit::Micros, Some(Target::AtMost(UNCHANGED))),
            self.cpu.proxies("CPU a request", Unit::Micros, None),
        ]
    }
}

async fn measure(plan: Plan, watchers: Role) -> Result<Vec<Row>> {
    let mock = Process::start(Role::Mock, None)?;
    let ask = Ask::message(mock.address, 1024).await?;
    let server = || Process::start(Role::Ccflare, Some(mock.address));
    let mut servers = Server::both([server()?, server()?], &ask).await?;
    let mut watchers = Process::start(watchers, Some(servers[1].process.address))?;
    let (costs, rounds) = Costs::measure(&mut servers, plan.watched, async || watchers.check().map(|()| true)).await?;
    say(&format!("{rounds} rounds; {}", watchers.finish()?))?;
    let [mut early, mut late, mut growth] = [(); 3].map(|()| Figures::default());
    for Server { way, memory, .. } in &servers {
        // Behind the first quarter every queue and cache has been filled once.
        let (first, last) = (mean(quarter(memory, 1)), mean(quarter(memory, 3)));
        early.push(*way, first);
        late.push(*way, last);
        growth.push(*way, last / first);
    }
    // At this rate the ledger's cache fills all the while, with watchers and without.
    let growth = growth.proxies("memory, last quarter against the second", Unit::Times, Some(Target::AtMost(FLAT)));
    let mut rows = costs.rows();
    rows.extend([
        early.proxies("memory in the second quarter", Unit::Memory, None),
        late.proxies("memory in the last quarter", Unit::Memory, None),
        growth,
    ]);
    Ok(rows)
}

pub(super) async fn retention(plan: Plan) -> Result<Vec<Row>> {
    let mock = Process::start(Role::Mock, None)?;
    let ask = Ask::message(mock.address, 1024).await?;
    let deleting = Process::start_with_old(plan.old, mock.address)?;
    let (address, begun) = (deleting.address, Instant::now());
    let mut servers = Server::both([Process::start(Role::Ccflare, Some(mock.address))?, deleting], &ask).await?;
    // Those that are asked for meanwhile are of today, and are counted, too.
    let asked = |rounds: f64| rounds * f64::from(RATE) * TURN.as_secs_f64();
    let mut rounds = 0.0;
    let goes_on = async || {
        let left = kept(address).await? - asked(rounds);
        rounds += 1.0;
        Ok(left > 0.0)
    };
    let (costs, rounds) = Costs::measure(&mut servers, plan.watched, goes_on).await?;
    let deleted = plan.old as f64 - (kept(address).await? - asked(rounds.into()));
    say(&format!("{deleted:.0} of {} deleted, {:.0} a second", plan.old, deleted / begun.elapsed().as_secs_f64()))?;
    ensure!(deleted > 0.0, "nothing was deleted meanwhile");
    Ok(costs.rows())
}

/// How many finished requests there are.
async fn kept(server: SocketAddr) -> Result<f64> {
    let storage: serde_json::Value = serde_json::from_slice(&load::get(server, "/api/storage", TOKEN).await?)?;
    storage["requests"].as_f64().context("/api/storage tells no number of requests")
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
