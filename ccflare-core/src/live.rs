//! Settings that may change while the gateway runs.
//!
//! Whoever needs one asks [`Live`] when it needs it, and keeps no copy; whoever changes them replaces them all at once,
//! so that no request sees half of a change.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::{
    agents::AgentOptions, balance::StrategyName, gateway::GatewayOptions, intercept::CompatibleModels,
    record::CaptureOptions, retention::RetentionPolicy,
};

/// What may change. The meanings are those of [`GatewayOptions`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveOptions {
    /// The strategy that decides.
    pub strategy: StrategyName,
    /// How long one account stays the active one.
    pub session_duration: Duration,
    /// The longest wait in place for a throttled account.
    pub throttle_wait: Duration,
    /// The longest wait where a conversation's cache is worth it.
    pub conversation_wait: Duration,
    /// How long what is kept, and how much of it.
    pub retention: RetentionPolicy,
    /// How to keep what exchanges carry, if it is kept.
    pub capture: Option<Arc<CaptureOptions>>,
    /// Where agents are defined, and which preferences make sense.
    pub agents: AgentOptions,
    /// Which models an agent's preferred one may take the place of.
    pub compatible_models: CompatibleModels,
}

impl From<&GatewayOptions> for LiveOptions {
    fn from(options: &GatewayOptions) -> Self {
        Self {
            strategy: options.strategy,
            session_duration: options.session_duration,
            throttle_wait: options.throttle_wait,
            conversation_wait: options.conversation_wait,
            retention: options.retention,
            capture: options.capture.clone().map(Arc::new),
            agents: options.agent_options(),
            compatible_models: options.compatible_models.clone(),
        }
    }
}

/// The settings as they are now. Cheap to clone and to ask; all clones see the same.
#[derive(Clone, Debug)]
pub struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: ArcSwap<LiveOptions>,
    changed: Notify,
}

impl Live {
    /// Begins with these.
    #[must_use]
    pub fn new(options: LiveOptions) -> Self {
        Self { shared: Arc::new(Shared { options: ArcSwap::from_pointee(options), changed: Notify::new() }) }
    }

    /// As they are now.
    #[must_use]
    pub fn now(&self) -> Arc<LiveOptions> {
        self.shared.options.load_full()
    }

    /// One of them as it is now. What every request asks for is not counted by all threads together, as [`now`](Self::now) is.
    pub(crate) fn read<T>(&self, one: impl FnOnce(&LiveOptions) -> T) -> T {
        one(&self.shared.options.load())
    }

    /// Replaces them all; the next request sees the new ones.
    pub fn replace(&self, options: LiveOptions) {
        self.shared.options.store(Arc::new(options));
        self.shared.changed.notify_waiters();
    }

    /// Ends when they are replaced. Ask for it before [`Live::now`], so that nothing is missed in between.
    pub fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.shared.changed.notified()
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new(LiveOptions::from(&GatewayOptions::default()))
    }
}
