//! What it is worth to keep conversations where their caches are: a working day of 200 conversations over eight accounts
//! with limits, once with each strategy, and once on a single account that has none.
//!
//! ```text
//! cargo run --release -p ccflare-examples --example placement
//! ```
//!
//! Everything but the people is real: requests shaped like those of Claude Code go through the whole line to an upstream
//! that keeps a prompt cache for each account and model, prices, and windows that can be exceeded. The day takes as long
//! as the requests do: gateway and upstream go by a clock that jumps from one turn to the next.
//!
//! How to read the table stands in `docs/placement.md`. Fails if `conversation` does not do what is promised there.

use std::sync::Arc;

use ccflare_core::balance::StrategyName;

mod baselines;
mod day;
mod report;
mod workload;

use baselines::{LeastUsed, RoundRobin};
use day::{Chooser, Day};

/// The accounts: what they are called, which is also their key, and the dollars that each bears in five hours. Together
/// they bear about a third more than the day asks for if caches are kept; nobody tells the gateway how large they are.
const ACCOUNTS: [(&str, u64); 8] =
    [("a", 8), ("b", 12), ("c", 16), ("d", 16), ("e", 16), ("f", 20), ("g", 20), ("h", 20)];

/// What an account bears in a week, as a multiple of its five hours: it is not the week that runs out here.
const WEEK: u64 = 15;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let reference = Day::without_limits().await?;
    report::head();
    report::row("one, without limits", &reference, &reference);
    let mut kept = None;
    for chooser in [
        Chooser::Own(Arc::new(RoundRobin::default())),
        Chooser::Own(Arc::new(LeastUsed)),
        Chooser::Named(StrategyName::Session),
        Chooser::Named(StrategyName::Conversation),
    ] {
        let day = Day::with_limits(&chooser).await?;
        report::row(chooser.name(), &day, &reference);
        if matches!(chooser, Chooser::Named(StrategyName::Conversation)) {
            kept = Some(day);
        }
    }
    let kept = kept.ok_or_else(|| anyhow::anyhow!("the strategy was not tried"))?;
    report::verdict(&kept, &reference)
}
