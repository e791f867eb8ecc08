//! Strategies that can be changed for one another while requests are under way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::{Plan, Session, Standing, Strategy, Turn};
use crate::{
    domain::{AccountChange, AccountId, Facts, Timestamp},
    live::Live,
};

/// Several strategies, one of which decides. Each request is planned by the one that decides at that moment; all of them
/// are told how conversations go on, so that the next one knows its way.
#[derive(Debug)]
pub struct Switch {
    strategies: Vec<Arc<dyn Strategy>>,
    active: AtomicUsize,
    /// The settings, and the choice that they held last.
    live: Option<(Live, AtomicUsize)>,
}

/// The strategies that come along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StrategyName {
    /// [`Session`].
    #[default]
    Session,
    /// [`Conversation`](super::Conversation).
    Conversation,
}

impl StrategyName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Session, Self::Conversation];

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Conversation => "conversation",
        }
    }
}

/// There is no strategy of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no strategy {name:?}; there are: {}", known.join(", "))]
pub struct UnknownStrategy {
    /// The name asked for.
    pub name: String,
    /// Those there are.
    pub known: Vec<&'static str>,
}

impl Switch {
    /// A switch between `first`, which decides until another is chosen, and `others`.
    #[must_use]
    pub fn new(first: Arc<dyn Strategy>, others: impl IntoIterator<Item = Arc<dyn Strategy>>) -> Self {
        let strategies = [first].into_iter().chain(others).collect();
        Self { strategies, active: AtomicUsize::new(0), live: None }
    }

    /// The same, choosing another one when the settings do.
    #[must_use]
    pub fn following(self, live: Live) -> Self {
        let held = AtomicUsize::new(live.now().strategy as usize);
        Self { live: Some((live, held)), ..self }
    }

    /// The names of all strategies, whichever of them decides.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.strategies.iter().map(|strategy| strategy.name()).collect();
        names.sort_unstable();
        names
    }

    /// Lets the strategy of this name decide from the next request on.
    ///
    /// # Errors
    /// If there is none; says which there are.
    pub fn choose(&self, name: &str) -> Result<(), UnknownStrategy> {
        let found = self.strategies.iter().position(|strategy| strategy.name() == name);
        let index = found.ok_or_else(|| UnknownStrategy { name: name.to_owned(), known: self.names() })?;
        self.active.store(index, Ordering::Relaxed);
        Ok(())
    }

    /// The strategy that decides. Whoever plans and then writes down who planned asks once.
    #[must_use]
    pub fn active(&self) -> &Arc<dyn Strategy> {
        if let Some((live, held)) = &self.live {
            let name = live.read(|options| options.strategy);
            // Written only where it changes: all threads read it, for every request.
            if held.load(Ordering::Relaxed) != name as usize
                && held.swap(name as usize, Ordering::Relaxed) != name as usize
            {
                // They name only those that come along.
                let _ = self.choose(name.as_str());
            }
        }
        &self.strategies[self.active.load(Ordering::Relaxed)]
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self::new(Arc::new(Session::default()), [])
    }
}

impl Strategy for Switch {
    fn name(&self) -> &'static str {
        self.active().name()
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let active = self.active();
        Plan { by: active.name(), ..active.plan(standings, facts, now) }
    }

    fn served(
        &self,
        standings: &[Standing],
        account: AccountId,
        facts: &Facts,
        now: Timestamp,
    ) -> Option<AccountChange> {
        self.active().served(standings, account, facts, now)
    }

    fn notice(&self, turn: Turn<'_>, account: AccountId, facts: &Facts, at: Timestamp) {
        if let Turn::Begins = turn {
            return self.active().notice(turn, account, facts, at);
        }
        for strategy in &self.strategies {
            strategy.notice(turn, account, facts, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Other;

    impl Strategy for Other {
        fn name(&self) -> &'static str {
            "other"
        }

        fn plan(&self, _: &[Standing], _: &Facts, _: Timestamp) -> Plan {
            Plan::default()
        }
    }

    #[test]
    fn the_one_that_was_chosen_decides_and_an_unknown_one_changes_nothing() {
        let switch = Switch::new(Arc::new(Session::default()), [Arc::new(Other) as _]);
        assert_eq!((switch.name(), switch.names()), ("session", vec!["other", "session"]));
        switch.choose("other").expect("it is there");
        let error = switch.choose("round_robin").expect_err("it is not there").to_string();
        assert_eq!(error, "there is no strategy \"round_robin\"; there are: other, session");
        assert_eq!(switch.name(), "other");
    }

    #[test]
    fn a_change_of_the_settings_chooses_and_no_change_does_not() {
        #[derive(Debug)]
        struct Conversation;

        impl Strategy for Conversation {
            fn name(&self) -> &'static str {
                "conversation"
            }

            fn plan(&self, _: &[Standing], _: &Facts, _: Timestamp) -> Plan {
                Plan::default()
            }
        }

        let live = Live::default();
        let others: [Arc<dyn Strategy>; 2] = [Arc::new(Session::default()), Arc::new(Conversation)];
        let switch = Switch::new(Arc::new(Other), others).following(live.clone());
        let set = |strategy| {
            let mut options = (*live.now()).clone();
            options.strategy = strategy;
            live.replace(options);
        };
        set(StrategyName::Session);
        assert_eq!(switch.name(), "other", "the settings say what they said before");
        set(StrategyName::Conversation);
        assert_eq!(switch.name(), "conversation");
        switch.choose("other").expect("it is there");
        assert_eq!(switch.name(), "other");
    }
}
