//! Whether a gateway is well: what `/readyz` is told, and how much room is left in what is bounded.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    domain::{ExchangeId, Timestamp},
    store::{Store, WriteBehind},
};

/// So long a store may take for one row until it counts as busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// A busy store (one that is being compacted, say) does no harm as long as this part of the ledger's queue is free.
const ENOUGH_ROOM: f64 = 0.1;

/// So long an answer of the store counts, however often somebody asks.
const FRESH: Duration = Duration::from_secs(1);

/// Looks at a running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Vitals(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    queue: WriteBehind,
    clock: Arc<dyn Clock>,
    places: Bound,
    bodies: Bound,
    /// When the store was asked last, and what came of it.
    asked: Mutex<Option<(Duration, Result<(), String>)>>,
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals").finish_non_exhaustive()
    }
}

/// Something there is only so much of.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) free: Arc<Semaphore>,
    pub(crate) of: usize,
}

impl Bound {
    fn left(&self) -> f64 {
        self.free.available_permits() as f64 / self.of.max(1) as f64
    }
}

/// One thing that has to be well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name: a word.
    pub name: &'static str,
    /// What is wrong with it.
    pub error: Option<String>,
}

impl Vitals {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        queue: WriteBehind,
        clock: Arc<dyn Clock>,
        places: Bound,
        bodies: Bound,
    ) -> Self {
        Self(Arc::new(Shared { store, queue, clock, places, bodies, asked: Mutex::default() }))
    }

    /// Looks at everything that has to be well: the store can be read, and the ledger can be written.
    pub async fn checks(&self) -> Vec<Check> {
        let store = self.ask().await.err();
        let ledger = self.0.queue.failing().map(|why| format!("the ledger can't be written: {why}"));
        vec![Check { name: "store", error: store }, Check { name: "ledger", error: ledger }]
    }

    async fn ask(&self) -> Result<(), String> {
        let Shared { store, queue, clock, asked, .. } = &*self.0;
        let now = clock.monotonic();
        if let Some((at, said)) = &*asked.lock()
            && now.saturating_sub(*at) < FRESH
        {
            return said.clone();
        }
        // Nobody's: the smallest thing that can be asked.
        let row = store.exchange(ExchangeId::new(Timestamp::default()));
        let said = match tokio::time::timeout(PATIENCE, row).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) if queue.room_left() >= ENOUGH_ROOM => Ok(()),
            Err(_) => Err("the store does not answer, and the ledger's queue is nearly full".to_owned()),
        };
        *asked.lock() = Some((clock.monotonic(), said.clone()));
        said
    }

    /// What part is left of all that is bounded, by name: 1 is all of it, 0 turns requests away or lets them wait.
    #[must_use]
    pub fn budgets(&self) -> [(&'static str, f64); 3] {
        let Shared { queue, places, bodies, .. } = &*self.0;
        [("in_flight", places.left()), ("bodies", bodies.left()), ("ledger", queue.room_left())]
    }

    /// How many records were given up, so far. It is 0 unless a store failed to the very end.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.queue.dropped()
    }
}
