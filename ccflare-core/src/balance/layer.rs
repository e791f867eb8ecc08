//! Makes balancers.

use std::{sync::Arc, time::Duration};

use tower::Layer;

use super::{Balance, Strategy};
use crate::{clock::Clock, live::Live, ownership::Ownership, pool::AccountPool, provider::Providers};

/// Puts a [`Balance`] over a service that takes attempts.
#[derive(Clone, Debug)]
pub struct BalanceLayer {
    pub(super) shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) pool: Arc<AccountPool>,
    pub(super) strategy: Arc<dyn Strategy>,
    pub(super) providers: Providers,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) options: BalanceOptions,
    pub(super) ownership: Arc<Ownership>,
}

impl Shared {
    pub(super) fn longest_wait(&self) -> Duration {
        self.options.live.as_ref().map_or(self.options.longest_wait, |live| live.read(|options| options.throttle_wait))
    }
}

/// What can be set about balancing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BalanceOptions {
    /// The longest wait in place, for a throttle or before a retry. One second, so that nobody notices.
    pub longest_wait: Duration,
    /// Where that is set instead, if it may change.
    pub live: Option<Live>,
}

impl Default for BalanceOptions {
    fn default() -> Self {
        Self { longest_wait: Duration::from_secs(1), live: None }
    }
}

impl BalanceLayer {
    /// Balances over the accounts of `pool` in the order that `strategy` gives them.
    #[must_use]
    pub fn new(
        pool: Arc<AccountPool>,
        strategy: Arc<dyn Strategy>,
        providers: Providers,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (options, ownership) = (BalanceOptions::default(), Arc::default());
        Self { shared: Arc::new(Shared { pool, strategy, providers, clock, options, ownership }) }
    }

    /// The same with other options.
    #[must_use]
    pub fn with_options(self, options: BalanceOptions) -> Self {
        self.changed(|shared| shared.options = options)
    }

    /// The same with what is known of things that live on one account. Who reads the answers learns more for it
    /// ([`Learner`](crate::ownership::Learner)).
    #[must_use]
    pub fn with_ownership(self, ownership: Arc<Ownership>) -> Self {
        self.changed(|shared| shared.ownership = ownership)
    }

    fn changed(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared::clone(&self.shared);
        change(&mut shared);
        Self { shared: Arc::new(shared) }
    }
}

impl<S> Layer<S> for BalanceLayer {
    type Service = Balance<S>;

    fn layer(&self, inner: S) -> Balance<S> {
        Balance { inner, shared: Arc::clone(&self.shared) }
    }
}
