//! How long a request takes while the machine is not busy.

use anyhow::{Context, Result};

use super::{Figures, Fleets, Plan, micros, micros_at};
use crate::{
    ask::Ask,
    roles::{Stage, Way},
    table::{Compare, Row, Target, Unit},
};

const RATE: u32 = 1000;
const CONNECTIONS: usize = 32;

pub(super) async fn measure(plan: Plan) -> Result<Vec<Row>> {
    let stage = Stage::start()?;
    let ask = Ask::message(stage.process(Way::Direct).address, 1024).await?;
    let mut fleets = Fleets::connect(&stage, CONNECTIONS, &ask).await?;
    let [mut p50, mut p99, mut cpu] = [(); 3].map(|()| Figures::default());
    let plan = plan.in_short_turns();
    for _ in 0..plan.rounds {
        for (way, fleet) in fleets.in_turn() {
            let before = stage.process(way).used()?.cpu;
            let answers = fleet.run_at(RATE, plan.turn).await.with_context(|| format!("{way:?}"))?;
            let used = stage.process(way).used()?.cpu - before;
            p50.push(way, micros_at(answers.iter().map(|answer| answer.whole), 0.5));
            p99.push(way, micros_at(answers.iter().map(|answer| answer.whole), 0.99));
            cpu.push(way, micros(used) / answers.len() as f64);
        }
    }
    stage.check_ledger().await?;
    Ok(vec![
        p50.row("p50", Unit::Micros, Compare::Added, Some(Target::AtMost(60.0))),
        p99.row("p99", Unit::Micros, Compare::Added, Some(Target::AtMost(250.0))),
        cpu.proxies("CPU", Unit::Micros, None),
    ])
}
