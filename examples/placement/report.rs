//! The table, and what was promised of it.

use crate::day::Day;

/// The share of the reference's cache reads that has to be reached.
const READS: f64 = 0.97;

/// So much more than the reference it may cost.
const COST: f64 = 1.05;

pub(crate) fn head() {
    println!(
        "| strategy | answered | read from cache | of the reference | dollars | of the reference | 429s seen | avoidable | moves | sub-agents apart | accounts limited |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
}

pub(crate) fn row(name: &str, day: &Day, reference: &Day) {
    println!(
        "| {name} | {} | {:.2} % | {:.1} % | {:.2} | {:.1} % | {} | {} | {} | {} | {} |",
        day.answered,
        100.0 * day.read_share(),
        100.0 * reads(day, reference),
        dollars(day),
        100.0 * cost(day, reference),
        day.refused,
        day.avoidable,
        day.moves,
        day.apart,
        day.limited,
    );
}

/// Whether the day was as good as is promised.
pub(crate) fn verdict(day: &Day, reference: &Day) -> anyhow::Result<()> {
    anyhow::ensure!(day.avoidable == 0, "clients saw {} limits while some account was open", day.avoidable);
    anyhow::ensure!(day.apart == 0, "{} sub-agents were not sent where their session was", day.apart);
    anyhow::ensure!(reads(day, reference) >= READS, "too little was read from caches");
    anyhow::ensure!(cost(day, reference) <= COST, "it cost too much");
    println!(
        "\nconversation: no avoidable 429; {:.1} % of the cache reads and {:.1} % of the cost that one account without limits has",
        100.0 * reads(day, reference),
        100.0 * cost(day, reference)
    );
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn dollars(day: &Day) -> f64 {
    day.nano_usd as f64 / 1e9
}

fn reads(day: &Day, reference: &Day) -> f64 {
    day.read_share() / reference.read_share()
}

#[allow(clippy::cast_precision_loss, reason = "a share")]
fn cost(day: &Day, reference: &Day) -> f64 {
    day.nano_usd as f64 / reference.nano_usd as f64
}
