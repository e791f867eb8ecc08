//! How things stand: accounts, their windows, the ledger's queue. Put down anew each time somebody asks.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
};

use ccflare_core::{
    control::views::{AccountView, StatusView},
    domain::Timestamp,
    vitals::Vitals,
};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Labels;

type Real = Gauge<f64, AtomicU64>;

/// The states that an account can be in, as views name them.
const STATES: [&str; 5] = ["active", "rate_limited", "paused", "needs_login", "on_hold"];

#[derive(Debug, Default)]
pub(super) struct Standing {
    state: Family<Labels<2>, Gauge>,
    active: Family<Labels<1>, Gauge>,
    in_flight: Family<Labels<1>, Gauge>,
    utilization: Family<Labels<2>, Real>,
    resets: Family<Labels<2>, Real>,
    pending: Gauge,
    commit: Real,
    budgets: Family<Labels<1>, Real>,
    dropped: Counter,
}

impl Standing {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let this = Self::default();
        registry.register("account_state", "1 for the state that an account is in", this.state.clone());
        registry.register("account_active", "1 for the account that new requests go to first", this.active.clone());
        registry.register("inflight", "Requests that an account is serving", this.in_flight.clone());
        let help = "The part of a limit window that is used; 1 is all of it";
        registry.register("account_utilization_ratio", help, this.utilization.clone());
        let help = "When a limit window is full again, since the epoch";
        registry.register("account_window_reset_timestamp_seconds", help, this.resets.clone());
        registry.register("ledger_pending", "Records that wait to be written", this.pending.clone());
        registry.register("ledger_commit_seconds", "How long the latest commit took", this.commit.clone());
        registry.register("ledger_dropped", "Records given up since the start", this.dropped.clone());
        let help = "The part that is left of what is bounded; at 0 requests wait or are turned away";
        registry.register("budget_remaining_ratio", help, this.budgets.clone());
        this
    }

    pub(super) fn set(&self, accounts: &[AccountView], status: &StatusView) {
        self.forget();
        for account in accounts {
            self.account(account);
        }
        self.pending.set(i64::try_from(status.queued_writes).unwrap_or(i64::MAX));
        self.commit.set(status.last_commit_ms.unwrap_or_default() / 1e3);
    }

    /// How much is left of what is bounded.
    pub(super) fn room(&self, vitals: &Vitals) {
        for (budget, left) in vitals.budgets() {
            self.budgets.get_or_create(&[("budget", Cow::Borrowed(budget))]).set(left);
        }
        self.dropped.inner().store(vitals.dropped(), Ordering::Relaxed);
    }

    /// An account that is gone leaves nothing behind.
    fn forget(&self) {
        self.state.clear();
        self.active.clear();
        self.in_flight.clear();
        self.utilization.clear();
        self.resets.clear();
    }

    fn account(&self, account: &AccountView) {
        let name = || ("account", Cow::Owned(account.name.clone()));
        for state in STATES {
            let is = i64::from(account.state == state);
            self.state.get_or_create(&[name(), ("state", Cow::Borrowed(state))]).set(is);
        }
        self.active.get_or_create(&[name()]).set(i64::from(account.active));
        self.in_flight.get_or_create(&[name()]).set(i64::try_from(account.in_flight).unwrap_or(i64::MAX));
        for window in &account.windows {
            let labels = [name(), ("window", Cow::Owned(window.name.clone()))];
            let of_count = || Some(1.0 - window.remaining? as f64 / window.limit.filter(|limit| *limit > 0)? as f64);
            if let Some(used) = window.utilization.or_else(of_count) {
                self.utilization.get_or_create(&labels).set(used);
            }
            let resets = window.resets_at.as_deref().and_then(Timestamp::parse_rfc3339);
            if let Some(resets) = resets {
                self.resets.get_or_create(&labels).set(resets.as_micros() as f64 / 1e6);
            }
        }
    }
}
