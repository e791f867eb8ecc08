//! What is measured. Each scenario starts its own processes, takes turns, and makes rows of the table.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, Result};

use crate::{
    ask::Ask,
    load::{Fleet, Tally, Until},
    measure::{Rounds, quantile},
    roles::{Stage, Way},
    table::{Compare, Row, Target, Unit},
};

mod latency;
mod memory;
mod streams;
mod throughput;
mod watched;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often each way has its turn.
    pub rounds: usize,
    /// How long a turn takes.
    pub turn: Duration,
    /// Turns with processes that are started anew for each.
    pub fresh_rounds: usize,
    /// Deltas of a slow stream, one a second.
    pub slow_deltas: usize,
    /// Requests of the long run.
    pub many: u64,
    /// How long watchers look on, or deleting is looked at.
    pub watched: Duration,
    /// What there is to delete.
    pub old: u64,
}

impl Plan {
    /// About ten minutes.
    pub fn full() -> Self {
        let (turn, many) = (Duration::from_secs(2), 200_000);
        let watched = Duration::from_secs(120);
        Self { rounds: 7, turn, fresh_rounds: 3, slow_deltas: 10, many, watched, old: 1_000_000 }
    }

    /// Less than one.
    pub fn quick() -> Self {
        let (turn, many) = (Duration::from_millis(300), 20_000);
        let watched = Duration::from_secs(40);
        Self { rounds: 2, turn, fresh_rounds: 1, slow_deltas: 3, many, watched, old: 300_000 }
    }
}

impl Plan {
    /// As much, in turns a quarter as long: for what a hiccup of the machine moves by more than what is looked for. It spoils
    /// the one turn that it falls into, and the middle one is none of those.
    fn in_short_turns(self) -> Self {
        Self { rounds: self.rounds * 4, turn: self.turn / 4, ..self }
    }
}

/// One thing that can be measured by itself.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// What is compared, in the table's columns.
    pub between: (&'static str, &'static str),
    /// Measures it.
    pub run: fn(Plan) -> Measuring,
}

type Measuring = Pin<Box<dyn Future<Output = Result<Vec<Row>>>>>;

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "throughput",
        about: "closed loop, small JSON answers; CPU is the proxy's own",
        between: PROXIES,
        run: |plan| Box::pin(throughput::measure(plan)),
    },
    Scenario {
        name: "latency",
        about: "open loop at 1000 requests a second, 1 KiB, over 32 connections; timed from when each was due",
        between: PROXIES,
        run: |plan| Box::pin(latency::measure(plan)),
    },
    Scenario {
        name: "first-byte",
        about: "open loop at 200 streams a second; until the body's first byte",
        between: PROXIES,
        run: |plan| Box::pin(streams::first_byte(plan)),
    },
    Scenario {
        name: "fast-streams",
        about: "100 deltas as fast as they go, 16 connections",
        between: PROXIES,
        run: |plan| Box::pin(streams::fast(plan)),
    },
    Scenario {
        name: "slow-streams",
        about: "2000 streams at once, a delta a second; memory is the process's peak",
        between: PROXIES,
        run: |plan| Box::pin(streams::slow(plan)),
    },
    Scenario {
        name: "memory",
        about: "one long run over 64 connections, 1 KiB; resident memory of each proxy along the way",
        between: PROXIES,
        run: |plan| Box::pin(memory::measure(plan)),
    },
    Scenario {
        name: "readers",
        about: "open loop at 200 requests a second; 100 slow readers of events, by stream and by WebSocket",
        between: LOOKED_AT,
        run: |plan| Box::pin(watched::readers(plan)),
    },
    Scenario {
        name: "dashboards",
        about: "open loop at 200 requests a second; 50 dashboards, each with its events and its page again on news",
        between: LOOKED_AT,
        run: |plan| Box::pin(watched::dashboards(plan)),
    },
    Scenario {
        name: "retention",
        about: "open loop at 200 requests a second, while a million old requests are deleted",
        between: ("nothing to delete", "deleting"),
        run: |plan| Box::pin(watched::retention(plan)),
    },
];

const PROXIES: (&str, &str) = ("bare", "ccflare");

/// ccflare twice.
const LOOKED_AT: (&str, &str) = ("unwatched", "watched");

/// One figure on each way.
#[derive(Debug, Default)]
struct Figures {
    direct: Rounds,
    bare: Rounds,
    ccflare: Rounds,
}

impl Figures {
    fn push(&mut self, way: Way, figure: f64) {
        match way {
            Way::Direct => self.direct.push(figure),
            Way::Bare => self.bare.push(figure),
            Way::Ccflare => self.ccflare.push(figure),
        }
    }

    /// A row with all three.
    fn row(self, what: impl Into<String>, unit: Unit, compare: Compare, target: Option<Target>) -> Row {
        let Self { direct, bare, ccflare } = self;
        Row { what: what.into(), unit, direct: Some(direct), bare, ccflare, compare, target }
    }

    /// A row of the proxies alone.
    fn proxies(self, what: impl Into<String>, unit: Unit, target: Option<Target>) -> Row {
        Row { direct: None, ..self.row(what, unit, Compare::Ratio, target) }
    }
}

/// A fleet on each way.
struct Fleets(Vec<(Way, Fleet)>);

impl Fleets {
    async fn connect(stage: &Stage, connections: usize, ask: &Arc<Ask>) -> Result<Self> {
        let mut fleets = Vec::new();
        for way in Way::ALL {
            let fleet = Fleet::connect(stage.process(way).address, connections, ask).await;
            fleets.push((way, fleet.with_context(|| format!("{way:?}"))?));
        }
        Ok(Self(fleets))
    }

    /// All of them, each time beginning with another.
    fn in_turn(&mut self) -> impl Iterator<Item = (Way, &mut Fleet)> {
        self.0.rotate_left(1);
        self.0.iter_mut().map(|(way, fleet)| (*way, fleet))
    }
}

/// A closed loop's turn: answers a second, and processor time of the process asked for each, in microseconds.
async fn turn(stage: &Stage, way: Way, fleet: &mut Fleet, time: Duration) -> Result<(f64, f64)> {
    let before = stage.process(way).used()?.cpu;
    let Tally { answers, took } = fleet.run(Until::Time(time)).await.with_context(|| format!("{way:?}"))?;
    let cpu = stage.process(way).used()?.cpu - before;
    Ok((answers as f64 / took.as_secs_f64(), micros(cpu) / answers as f64))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The same share of several times, in microseconds.
fn micros_at(times: impl Iterator<Item = Duration>, share: f64) -> f64 {
    quantile(&times.map(micros).collect::<Vec<_>>(), share)
}
