//! The running mock.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, timeout, timeout_at};

use crate::serve::{self, Tasks};
use crate::shared::Shared;
use crate::{Identified, LimitAfter, MockConfig, RateLimits, Received, Spent, Step, Totals, economy};

/// A running mock. Dropping it ends it at once.
pub struct MockUpstream {
    addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl MockUpstream {
    /// Binds and serves.
    ///
    /// # Panics
    ///
    /// If the address cannot be bound; see [`MockUpstream::try_start`].
    pub async fn start(config: MockConfig) -> Self {
        Self::try_start(config).await.expect("the mock's address can be bound")
    }

    /// Binds and serves.
    pub async fn try_start(config: MockConfig) -> io::Result<Self> {
        let addr = config.addr.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config, addr.port()));
        let tasks = Tasks::new();
        serve::start(listener, Arc::clone(&shared), &tasks);
        Ok(Self { addr, shared, tasks })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Appends steps to the script of a key: one for each of its requests, then [`MockUpstream::always`],
    /// then the default. Requests without a key follow the script of "".
    pub fn script(&self, key: &str, steps: impl IntoIterator<Item = Step>) {
        self.shared.script(key, steps);
    }

    /// What a key gets once its script is used up.
    pub fn always(&self, key: &str, step: Step) {
        self.shared.always(key, step);
    }

    /// Forgets the script of a key, its `always` and its used quota.
    pub fn clear(&self, key: &str) {
        self.shared.clear(key);
    }

    /// Steps of a key not used yet.
    pub fn pending_steps(&self, key: &str) -> usize {
        self.shared.pending_steps(key)
    }

    /// Changes the rate-limit headers of a key.
    pub fn set_limits(&self, key: &str, limits: RateLimits) {
        self.shared.set_limits(key, &limits);
    }

    /// Gives a key a quota of requests, counted from now.
    pub fn limit_after(&self, key: &str, limit: LimitAfter) {
        self.shared.limit_after(key, limit);
    }

    /// All requests on record, in the order they arrived.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.ledger.requests()
    }

    /// The requests of one key.
    pub fn requests_of(&self, key: &str) -> Vec<Received> {
        self.requests().into_iter().filter(|request| request.key.as_deref() == Some(key)).collect()
    }

    /// Sums over all requests; kept even without a record.
    pub fn totals(&self) -> Totals {
        self.shared.ledger.totals()
    }

    /// What became of the requests that carried `x-mock-id`; kept even without a record.
    pub fn identified(&self) -> Vec<Identified> {
        self.shared.ledger.identified()
    }

    /// What each key has used, by the economy's own books; nothing without one.
    pub fn spent(&self) -> BTreeMap<String, Spent> {
        self.shared.economy.as_ref().map(economy::Ledger::spent).unwrap_or_default()
    }

    /// Whether the economy would answer a message of this key now.
    pub fn is_open(&self, key: &str) -> bool {
        self.shared.economy.as_ref().is_none_or(|economy| economy.is_open(key))
    }

    /// Forgets requests and totals, but not scripts.
    pub fn forget(&self) {
        self.shared.ledger.reset();
    }

    /// Connections open now.
    pub fn connections_open(&self) -> u64 {
        self.shared.counters.open.load(Ordering::Acquire)
    }

    /// Connections accepted ever.
    pub fn connections_accepted(&self) -> u64 {
        self.shared.counters.accepted.load(Ordering::Acquire)
    }

    /// Waits until the condition holds, asking again whenever a request begins or ends and a connection opens or
    /// closes. `false` if it does not hold in time.
    #[must_use = "the condition may not have come true"]
    pub async fn wait_for(&self, mut condition: impl FnMut(&Self) -> bool, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            if condition(self) {
                return true;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return condition(self);
            }
        }
    }

    /// Waits until no request is under way, see [`MockUpstream::wait_for`].
    #[must_use = "requests may still be under way"]
    pub async fn settled(&self, limit: Duration) -> bool {
        self.wait_for(|mock| mock.totals().pending == 0, limit).await
    }

    /// Tasks still running.
    pub fn tasks(&self) -> usize {
        self.tasks.tracker.len()
    }

    /// Ends everything at once: the port is closed, answers under way are cut. Returns after the last task.
    pub async fn shutdown(&self) {
        self.shared.ledger.stopping();
        self.tasks.drain.cancel();
        self.tasks.stop.cancel();
        self.tasks.tracker.close();
        self.tasks.tracker.wait().await;
    }

    /// Ends in peace: the port is closed, requests under way may end within `limit`; then as
    /// [`MockUpstream::shutdown`].
    pub async fn drain(&self, limit: Duration) {
        self.tasks.drain.cancel();
        self.tasks.tracker.close();
        // Whoever is late is cut.
        let _ = timeout(limit, self.tasks.tracker.wait()).await;
        self.shutdown().await;
    }
}

impl Drop for MockUpstream {
    fn drop(&mut self) {
        self.shared.ledger.stopping();
        self.tasks.stop.cancel();
    }
}

impl std::fmt::Debug for MockUpstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MockUpstream").field("addr", &self.addr).finish_non_exhaustive()
    }
}
