//! Strategies that know nothing of caches. They are here to be compared with, not to be used.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ccflare_core::{
    balance::{Plan, Standing, Strategy},
    domain::{Account, Facts, Timestamp},
};

/// Each request to the next account.
#[derive(Debug, Default)]
pub(crate) struct RoundRobin(AtomicUsize);

impl Strategy for RoundRobin {
    fn name(&self) -> &'static str {
        "round-robin"
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let mut accounts = accounts(standings);
        let turn = self.0.fetch_add(1, Ordering::Relaxed) % accounts.len().max(1);
        accounts.rotate_left(turn);
        Plan::of(accounts, facts, now)
    }
}

/// Each request to the account whose fullest window has most room.
#[derive(Debug)]
pub(crate) struct LeastUsed;

impl Strategy for LeastUsed {
    fn name(&self) -> &'static str {
        "least-used"
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let mut accounts = accounts(standings);
        accounts.sort_by(|a, b| used(a, now).total_cmp(&used(b, now)));
        Plan::of(accounts, facts, now)
    }
}

fn accounts(standings: &[Standing]) -> Vec<Arc<Account>> {
    standings.iter().map(|standing| Arc::clone(&standing.account)).collect()
}

/// The share of its fullest window that an account has used; of a window that is over, nothing.
fn used(account: &Account, now: Timestamp) -> f64 {
    let running = account.limits.windows.iter().filter(|window| window.resets.is_none_or(|resets| now < resets));
    running.filter_map(|window| window.utilization).fold(0.0, f64::max)
}
