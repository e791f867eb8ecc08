//! Connections that wait for another request.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use foldhash::fast::RandomState;
use http::uri::{Authority, Scheme};
use parking_lot::Mutex;
use tokio::{runtime, task::AbortHandle, time::Instant};

use super::connection::Connection;

/// Shorter than servers keep idle connections, so that a request seldom meets one that is being closed.
const LIFE: Duration = Duration::from_secs(50);

/// How often those are closed whose time is over.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Where a connection leads, and the runtime that watches its socket. One that is used on another runtime waits for that
/// one's thread, and for ever once that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    pub(super) runtime: runtime::Id,
}

/// All that rest, by where they lead.
#[derive(Default)]
pub(super) struct Idle {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of each origin, what has rested shortest is last.
    resting: HashMap<Origin, Vec<Resting>, RandomState>,
    /// Runs while anything rests.
    sweeping: Option<AbortHandle>,
}

struct Resting {
    since: Instant,
    /// By the clock on the wall, too: the other one stands still while the machine sleeps, and servers do not.
    since_on_the_wall: SystemTime,
    connection: Box<Connection>,
}

impl Resting {
    fn is_fresh(&self) -> bool {
        // A clock that was put back says nothing.
        self.since.elapsed() < LIFE && self.since_on_the_wall.elapsed().is_ok_and(|rested| rested < LIFE)
    }
}

impl Idle {
    /// The one that was used last: it is the least likely to have been closed.
    pub(super) fn take(&self, origin: &Origin) -> Option<Box<Connection>> {
        let rested = self.state.lock().resting.get_mut(origin)?.pop()?;
        rested.is_fresh().then_some(rested.connection)
    }

    /// Closes all that lead there.
    pub(super) fn forget(&self, origin: &Origin) {
        let forgotten = self.state.lock().resting.remove(origin);
        drop(forgotten);
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(self: &Arc<Self>, origin: &Origin, connection: Box<Connection>) {
        let rested = Resting { since: Instant::now(), since_on_the_wall: SystemTime::now(), connection };
        let mut state = self.state.lock();
        match state.resting.get_mut(origin) {
            Some(resting) => resting.push(rested),
            None => drop(state.resting.insert(origin.clone(), vec![rested])),
        }
        // It ends with its runtime, too.
        if state.sweeping.as_ref().is_none_or(AbortHandle::is_finished) {
            state.sweeping = Some(tokio::spawn(sweep(Arc::downgrade(self))).abort_handle());
        }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        if let Some(sweeping) = &self.state.get_mut().sweeping {
            sweeping.abort();
        }
    }
}

/// Closes what has rested too long, and what the upstream has closed, until nothing rests.
async fn sweep(idle: Weak<Idle>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut state = idle.state.lock();
        for resting in state.resting.values_mut() {
            resting.retain_mut(|rested| rested.is_fresh() && rested.connection.is_open());
        }
        state.resting.retain(|_, resting| !resting.is_empty());
        if state.resting.is_empty() {
            state.sweeping = None;
            return;
        }
    }
}
