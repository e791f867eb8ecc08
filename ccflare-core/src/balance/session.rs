//! One active account for everybody.

use std::{sync::Arc, time::Duration};

use super::{
    Strategy,
    strategy::{Candidate, Plan},
};
use crate::{
    domain::{Account, AccountChange, AccountId, Choice, ClosureReason, Facts, Timestamp},
    live::Live,
    pool::Standing,
};

/// The default strategy: all requests go to the active account until its sticky window ends or it closes; then to the
/// next by priority and order, which becomes the active one. It never goes back in the middle of a window, because the
/// caches have moved too.
#[derive(Clone, Debug)]
pub struct Session {
    window: Window,
}

/// How long sticky windows last.
#[derive(Clone, Debug)]
enum Window {
    Always(Duration),
    AsSet(Live),
}

impl Session {
    /// Five hours, as long as a subscription's shortest window.
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(5 * 60 * 60);

    /// A strategy whose sticky windows last this long.
    #[must_use]
    pub const fn new(window: Duration) -> Self {
        Self { window: Window::Always(window) }
    }

    /// A strategy whose sticky windows last as long as is set at the time.
    #[must_use]
    pub const fn live(live: Live) -> Self {
        Self { window: Window::AsSet(live) }
    }

    fn window(&self) -> Duration {
        match &self.window {
            Window::Always(window) => *window,
            Window::AsSet(live) => live.read(|options| options.session_duration),
        }
    }

    /// The active account: the one whose session began last, if its window is still running.
    fn active<'a>(&self, standings: &'a [Standing], now: Timestamp) -> Option<&'a Arc<Account>> {
        let accounts = standings.iter().map(|standing| &standing.account);
        let latest = accounts.max_by_key(|account| account.session.map(|session| session.started))?;
        latest.session.filter(|session| now < session.started + self.window()).map(|_| latest)
    }
}

/// Whether it is better to go by the account that `answers` for this request's model than to move everybody there.
fn is_detour(active: &Account, answers: &Account, facts: &Facts, now: Timestamp) -> bool {
    let for_all = active.closed_for(|| None, now);
    let for_model = active.closed_for(|| facts.model.as_deref(), now);
    let is_about_model = for_all.is_none() && for_model.is_some();
    let is_for_good = for_model.is_some_and(|closure| closure.reason != ClosureReason::NotEntitled);
    // One that is closed to another family would send those who ask for it back.
    is_about_model && !(is_for_good && answers.standing(now).next().is_none())
}

impl Default for Session {
    fn default() -> Self {
        Self::new(Self::DEFAULT_WINDOW)
    }
}

impl Strategy for Session {
    fn name(&self) -> &'static str {
        "session"
    }

    fn plan(&self, standings: &[Standing], facts: &Facts, now: Timestamp) -> Plan {
        let active = self.active(standings, now).map(|account| account.id);
        let mut ordered: Vec<_> = standings.iter().map(|standing| Arc::clone(&standing.account)).collect();
        // Stable, so equal priorities keep the order in which they were added.
        ordered.sort_by_key(|account| (Some(account.id) != active, account.priority));
        let mut plan = Plan::of(ordered, facts, now);
        if let Some(Candidate { account, choice, .. }) = plan.candidates.first_mut() {
            *choice = match active {
                Some(id) if id == account.id => Choice::ActiveSession,
                Some(_) => Choice::FailOver,
                None => Choice::NewSession,
            };
        }
        plan
    }

    /// The account that heads the plan and answered becomes the active one. Comparing with the plan of this moment keeps
    /// a straggler (answered by an account that has closed meanwhile) and a single request's detour (the active account
    /// is still open) from moving everybody. What the active account can't serve for its model alone is a detour, too, where
    /// everybody would have to come back for another model.
    fn served(
        &self,
        standings: &[Standing],
        account: AccountId,
        facts: &Facts,
        now: Timestamp,
    ) -> Option<AccountChange> {
        if let Some(active) = self.active(standings, now) {
            let answers = standings.iter().map(|standing| &standing.account).find(|other| other.id == account)?;
            if active.id == account || is_detour(active, answers, facts, now) {
                return None;
            }
        }
        let plan = self.plan(standings, facts, now);
        let heads = plan.candidates.first().is_some_and(|candidate| candidate.account.id == account);
        // Later than every other session, even if the clock stood still in between.
        let latest = standings.iter().filter_map(|other| other.account.session).map(|session| session.started).max();
        let started = latest.map_or(now, |latest| now.max(latest + Duration::from_micros(1)));
        heads.then_some(AccountChange::SessionStarted(started))
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::prop, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::domain::{Credential, Mark, ModelFamily, RequestFacts, Scope, Secret};

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn accounts(count: usize) -> Vec<Arc<Account>> {
        let account = |number| {
            let key = Credential::ApiKey(Secret::new("k"));
            Arc::new(Account::new(&format!("account {number}"), "anthropic", key, START))
        };
        (0..count).map(account).collect()
    }

    fn standings(accounts: &[Arc<Account>]) -> Vec<Standing> {
        accounts.iter().map(|account| Standing { account: Arc::clone(account), in_flight: 0 }).collect()
    }

    fn apply(account: &mut Arc<Account>, change: AccountChange, now: Timestamp) {
        Arc::make_mut(account).apply(change, now);
    }

    fn close(account: &mut Arc<Account>, now: Timestamp, seconds: u64) {
        let until = Some(now + Duration::from_secs(seconds));
        let mark = Mark { reason: ClosureReason::Quota, scope: Scope::Account, since: now, until, evidence: "".into() };
        apply(account, AccountChange::Closed(mark), now);
    }

    /// Asks as the balancer does: the first candidate answers. Its index and why it was chosen.
    fn serve(accounts: &mut [Arc<Account>], now: Timestamp) -> Option<(usize, Choice)> {
        let strategy = Session::default();
        let facts = Facts::default();
        let plan = strategy.plan(&standings(accounts), &facts, now);
        let first = plan.candidates.first()?;
        let index = accounts.iter().position(|account| account.id == first.account.id)?;
        if let Some(change) = strategy.served(&standings(accounts), first.account.id, &facts, now) {
            apply(&mut accounts[index], change, now);
        }
        Some((index, first.choice))
    }

    #[test]
    fn a_session_stays_after_a_fail_over_although_the_first_account_opens_again() {
        let mut accounts = accounts(3);
        assert_eq!(serve(&mut accounts, START), Some((0, Choice::NewSession)));
        close(&mut accounts[0], START, 60);
        assert_eq!(serve(&mut accounts, START), Some((1, Choice::FailOver)));

        let opened = START + Duration::from_secs(61);
        assert_eq!(serve(&mut accounts, opened), Some((1, Choice::ActiveSession)));
        close(&mut accounts[1], opened, 60);
        assert_eq!(serve(&mut accounts, opened), Some((0, Choice::FailOver)), "the old one serves when it is needed");
    }

    #[test]
    fn when_the_window_ends_priority_decides_again() {
        let mut accounts = accounts(2);
        apply(&mut accounts[0], AccountChange::Prioritized(5), START);
        assert_eq!(serve(&mut accounts, START), Some((1, Choice::NewSession)));
        apply(&mut accounts[1], AccountChange::Prioritized(9), START);
        let almost = START + Session::DEFAULT_WINDOW - Duration::from_secs(1);
        assert_eq!(serve(&mut accounts, almost), Some((1, Choice::ActiveSession)));
        assert_eq!(serve(&mut accounts, START + Session::DEFAULT_WINDOW), Some((0, Choice::NewSession)));
    }

    #[test]
    fn what_is_closed_to_a_model_alone_moves_nobody_who_would_have_to_come_back() {
        let ask = |accounts: &mut [Arc<Account>], model: &str| {
            let strategy = Session::default();
            let facts = Facts::from(RequestFacts { model: Some(model.into()), ..RequestFacts::default() });
            let plan = strategy.plan(&standings(accounts), &facts, START);
            let first = &plan.candidates[0].account;
            let index = accounts.iter().position(|account| account.id == first.id).expect("one of them");
            let change = strategy.served(&standings(accounts), first.id, &facts, START);
            change.into_iter().for_each(|change| apply(&mut accounts[index], change, START));
            index
        };
        let (opus, sonnet, haiku) = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5");
        let close = |account: &mut Arc<Account>, reason, scope| {
            let until = Some(START + Duration::from_secs(3600));
            let mark = Mark { reason, scope, since: START, until, evidence: "".into() };
            apply(account, AccountChange::Closed(mark), START);
        };
        // Each of two is closed to another family.
        let mut both = accounts(2);
        assert_eq!(ask(&mut both, haiku), 0);
        close(&mut both[0], ClosureReason::Quota, Scope::Family(ModelFamily::Opus));
        close(&mut both[1], ClosureReason::Quota, Scope::Family(ModelFamily::Sonnet));
        let asked = [opus, haiku, sonnet, haiku, opus, haiku].map(|model| ask(&mut both, model));
        assert_eq!(asked, [1, 0, 0, 0, 1, 0]);
        // One is not entitled to a model.
        let mut one = accounts(2);
        assert_eq!(ask(&mut one, haiku), 0);
        close(&mut one[0], ClosureReason::NotEntitled, Scope::Model(opus.into()));
        assert_eq!([opus, haiku].map(|model| ask(&mut one, model)), [1, 0]);
        // A limit of one family moves all, and nobody comes back when it ends.
        let mut limited = accounts(2);
        assert_eq!(ask(&mut limited, haiku), 0);
        close(&mut limited[0], ClosureReason::Quota, Scope::Family(ModelFamily::Opus));
        assert_eq!([opus, haiku].map(|model| ask(&mut limited, model)), [1, 1]);
    }

    #[test]
    fn a_straggler_of_a_closed_account_does_not_bring_everybody_back() {
        let mut accounts = accounts(2);
        serve(&mut accounts, START);
        close(&mut accounts[0], START, 60);
        serve(&mut accounts, START);
        let late = Session::default().served(&standings(&accounts), accounts[0].id, &Facts::default(), START);
        assert_eq!(late, None);
    }

    proptest! {
        /// Whatever closes, opens and passes: an open account is found if there is one, a closed one is never first,
        /// and the account changes only when the active one is closed or its window has ended.
        #[test]
        fn it_moves_only_when_it_must(steps in prop::collection::vec((0usize..4, 0u64..20_000, 0u64..9_000), 1..80)) {
            let mut accounts = accounts(4);
            let mut now = START;
            let mut last: Option<(usize, Timestamp)> = None;
            for (victim, closed_for, passes) in steps {
                close(&mut accounts[victim], now, closed_for);
                now = now + Duration::from_secs(passes);
                let open = |account: &Arc<Account>| account.closed_for(|| None, now).is_none();
                let still_due = last.filter(|(index, began)| {
                    open(&accounts[*index]) && now < *began + Session::DEFAULT_WINDOW
                });
                let any_open = accounts.iter().any(open);
                let served = serve(&mut accounts, now).map(|(index, _)| index);
                prop_assert_eq!(served.is_some(), any_open);
                if let Some(index) = served {
                    prop_assert!(accounts[index].closed_for(|| None, now).is_none());
                    if let Some((due, _)) = still_due {
                        prop_assert_eq!(index, due);
                    }
                    let began = accounts[index].session.map_or(now, |session| session.started);
                    last = Some((index, began));
                }
            }
        }
    }
}
