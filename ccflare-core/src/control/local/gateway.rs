//! How the gateway of this process stands.

use async_trait::async_trait;

use super::Local;
use crate::{
    control::{
        ControlError, GatewayControl,
        views::{BrowserLinkView, StatusView},
    },
    store::WriteBehind,
};

const NO_SERVER: &str = "browsers are logged in by a running server; start one with `ccflare serve`";

#[async_trait]
impl GatewayControl for Local {
    async fn status(&self) -> Result<StatusView, ControlError> {
        let (accounts, now) = (self.pool.snapshot(), self.clock.now());
        let available = accounts.iter().filter(|account| account.closed_for(|| None, now).is_none()).count();
        Ok(StatusView {
            status: if self.queue.is_some() { "ok" } else { StatusView::OFFLINE }.to_owned(),
            accounts: accounts.len(),
            available_accounts: available,
            timestamp: now.to_string(),
            strategy: self.strategy.active().name().to_owned(),
            active_account: self.active().map(|account| account.name.to_string()),
            in_flight: accounts.iter().map(|account| self.pool.in_flight(account.id)).sum(),
            queued_writes: self.queue.as_ref().map_or(0, WriteBehind::queued),
            last_commit_ms: self
                .queue
                .as_ref()
                .and_then(WriteBehind::last_commit)
                .map(|commit| commit.took.as_secs_f64() * 1e3),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        Err(ControlError::Unavailable(NO_SERVER.to_owned()))
    }
}
