//! Streams: how soon they begin, what fast ones cost, and how much room many slow ones take.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{Figures, Fleets, Plan, micros, micros_at, turn};
use crate::{
    ask::Ask,
    load::Fleet,
    measure::quantile,
    roles::{Stage, Way},
    table::{Compare, Row, Target, Unit},
};

/// Until the first byte, with an upstream that answers at once and with one that takes its time.
pub(super) async fn first_byte(plan: Plan) -> Result<Vec<Row>> {
    let cases = [
        ("upstream answers at once, p50", r#"{"deltas":10}"#, Some(Target::AtMost(1.1))),
        ("upstream takes 50 ms, p50", r#"{"deltas":10,"delay_ms":50}"#, None),
    ];
    let stage = Stage::start()?;
    let plan = plan.in_short_turns();
    let mut rows = Vec::new();
    for (what, shape, target) in cases {
        let ask = Ask::stream(stage.process(Way::Direct).address, 1024, shape).await?;
        let mut fleets = Fleets::connect(&stage, 32, &ask).await?;
        let mut p50 = Figures::default();
        for _ in 0..plan.rounds {
            for (way, fleet) in fleets.in_turn() {
                let answers = fleet.run_at(200, plan.turn).await.with_context(|| format!("{way:?}"))?;
                p50.push(way, micros_at(answers.iter().map(|answer| answer.first_byte), 0.5));
            }
        }
        rows.push(p50.row(what, Unit::Micros, Compare::Ratio, target));
    }
    stage.check_ledger().await?;
    Ok(rows)
}

/// 100 deltas in a row, as they leave a busy server and as they leave a fast model.
pub(super) async fn fast(plan: Plan) -> Result<Vec<Row>> {
    let cases = [
        ("back to back", r#"{"deltas":100,"framing":"burst"}"#),
        ("an event a write", r#"{"deltas":100,"framing":"event_per_write"}"#),
    ];
    let stage = Stage::start()?;
    let mut rows = Vec::new();
    for (what, shape) in cases {
        let ask = Ask::stream(stage.process(Way::Direct).address, 1024, shape).await?;
        let mut fleets = Fleets::connect(&stage, 16, &ask).await?;
        let (mut rate, mut cost) = (Figures::default(), Figures::default());
        for _ in 0..plan.rounds {
            for (way, fleet) in fleets.in_turn() {
                let (per_second, cpu) = turn(&stage, way, fleet, plan.turn).await?;
                rate.push(way, per_second);
                cost.push(way, cpu);
            }
        }
        rows.push(rate.row(what, Unit::PerSecond, Compare::Ratio, None));
        rows.push(cost.proxies(format!("CPU of a stream, {what}"), Unit::Micros, None));
    }
    stage.check_ledger().await?;
    Ok(rows)
}

const SLOW: usize = 2000;

/// Opened one after the other over this time: faster, and connections would wait in the kernel's queues.
const RAMP: Duration = Duration::from_secs(2);

/// Many at once. A process's peak is for its whole life, so each turn has new ones.
pub(super) async fn slow(plan: Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (kibibytes, target) in [(1, Some(Target::AtMost(1.5))), (100, None)] {
        let [mut peak, mut cpu, mut late] = [(); 3].map(|()| Figures::default());
        for _ in 0..plan.fresh_rounds {
            let stage = Stage::start()?;
            let shape = format!(r#"{{"deltas":{},"pace_ms":1000}}"#, plan.slow_deltas);
            let ask = Ask::stream(stage.process(Way::Direct).address, kibibytes * 1024, &shape).await?;
            for way in Way::PROXIES {
                let before = stage.process(way).used()?.cpu;
                let mut fleet = Fleet::unused(stage.process(way).address, SLOW, &ask).await?;
                let answers = fleet.run_once(RAMP).await.with_context(|| format!("{way:?}"))?;
                let used = stage.process(way).used()?;
                peak.push(way, used.peak);
                cpu.push(way, micros(used.cpu - before) / SLOW as f64);
                let due = plan.slow_deltas.saturating_sub(1) as f64 * 1000.0;
                let over: Vec<_> = answers.iter().map(|answer| micros(answer.whole) / 1000.0 - due).collect();
                late.push(way, quantile(&over, 0.99));
            }
            stage.check_ledger().await?;
        }
        rows.push(peak.proxies(format!("peak memory, {kibibytes} KiB requests"), Unit::Memory, target));
        rows.push(cpu.proxies(format!("CPU of a stream, {kibibytes} KiB requests"), Unit::Micros, None));
        rows.push(late.proxies(format!("end after it was due, p99, {kibibytes} KiB requests"), Unit::Millis, None));
    }
    Ok(rows)
}
