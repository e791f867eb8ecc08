//! How many requests a second, and what each costs.

use anyhow::Result;

use super::{Figures, Fleets, Plan, turn};
use crate::{
    ask::Ask,
    roles::{Stage, Way},
    table::{Compare, Row, Target, Unit},
};

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
const BODIES: [usize; 2] = [1, 100];

/// Where the targets hold.
const AIMED_AT: usize = 64;

pub(super) async fn measure(plan: Plan) -> Result<Vec<Row>> {
    let stage = Stage::start()?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for kibibytes in BODIES {
        let ask = Ask::message(stage.process(Way::Direct).address, kibibytes * 1024).await?;
        for connections in CONNECTIONS {
            let mut fleets = Fleets::connect(&stage, connections, &ask).await?;
            let (mut rate, mut cost) = (Figures::default(), Figures::default());
            for _ in 0..plan.rounds {
                for (way, fleet) in fleets.in_turn() {
                    let (per_second, cpu) = turn(&stage, way, fleet, plan.turn).await?;
                    rate.push(way, per_second);
                    cost.push(way, cpu);
                }
            }
            let what = format!("{kibibytes} KiB, {connections} connections");
            let target = |target| (connections == AIMED_AT).then_some(target);
            rates.push(rate.row(what.clone(), Unit::PerSecond, Compare::Ratio, target(Target::AtLeast(0.85))));
            costs.push(cost.proxies(format!("CPU, {what}"), Unit::Micros, target(Target::AtMost(1.35))));
        }
    }
    stage.check_ledger().await?;
    rates.append(&mut costs);
    Ok(rates)
}
