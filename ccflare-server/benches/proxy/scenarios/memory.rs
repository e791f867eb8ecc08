//! Whether memory stays what it is, however many requests there are.

use anyhow::{Context, Result};

use super::{Figures, Plan};
use crate::{
    ask::Ask,
    load::{Fleet, Until},
    roles::{Stage, Way},
    table::{Compare, Row, Target, Unit},
};

const CONNECTIONS: usize = 64;

/// Where the memory is looked at: at every quarter of the run.
const LOOKS: u64 = 4;

/// More growth than this is not called flat.
const FLAT: f64 = 1.05;

pub(super) async fn measure(plan: Plan) -> Result<Vec<Row>> {
    let stage = Stage::start()?;
    let ask = Ask::message(stage.process(Way::Direct).address, 1024).await?;
    let mut looks: Vec<Figures> = (0..LOOKS).map(|_| Figures::default()).collect();
    let mut growth = Figures::default();
    for way in Way::PROXIES {
        let mut fleet = Fleet::connect(stage.process(way).address, CONNECTIONS, &ask).await?;
        // Until then what is bounded fills: the ledger keeps 16 MiB of its file at hand.
        fleet.run(Until::Answers(plan.many / 2)).await.with_context(|| format!("{way:?}"))?;
        let mut seen = Vec::new();
        for look in &mut looks {
            fleet.run(Until::Answers(plan.many / LOOKS)).await.with_context(|| format!("{way:?}"))?;
            let resident = stage.process(way).used()?.resident;
            look.push(way, resident);
            seen.push(resident);
        }
        growth.push(way, seen[seen.len() - 1] / seen[0]);
    }
    stage.check_ledger().await?;
    let rows = looks.into_iter().zip(1..).map(|(look, quarter)| {
        look.proxies(format!("after {} requests more", quarter * plan.many / LOOKS), Unit::Memory, None)
    });
    let mut rows: Vec<_> = rows.collect();
    let growth = growth.row("last look against the first", Unit::Times, Compare::Alone, Some(Target::AtMost(FLAT)));
    rows.push(Row { direct: None, ..growth });
    Ok(rows)
}
