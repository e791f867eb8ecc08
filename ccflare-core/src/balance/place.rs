//! The functions that decide, for the line and for whoever asks what the line would do.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use super::{BalanceLayer, Candidate, Plan, Standing, Strategy, allowance, ownership::Home};
use crate::{
    domain::{Account, ClientKey, Closure, Decision, Excluded, Facts, Ranked, Timestamp},
    error::Refusal,
    pool::AccountPool,
};

/// The accounts that may serve whoever asks, and have what is asked for.
pub(super) fn standings(pool: &AccountPool, home: &Home, key: Option<&ClientKey>) -> Vec<Standing> {
    let mut standings = pool.standings();
    standings.retain(|Standing { account, .. }| {
        home.permits(account.id) && key.is_none_or(|key| key.permits_account(account.id))
    });
    standings
}

/// Whom to ask, and why. Changes nothing.
pub(super) fn plan(
    strategy: &dyn Strategy,
    home: &Home,
    standings: &[Standing],
    facts: &Facts,
    now: Timestamp,
) -> Plan {
    let mut plan = strategy.plan(standings, facts, now);
    if plan.by.is_empty() {
        plan.by = strategy.name();
    }
    home.bind(&mut plan);
    plan
}

impl BalanceLayer {
    /// Whom the balancer would ask now for a request with these facts: by the very functions it runs, and nothing is sent
    /// or remembered. `None`: no account is there, and the client's own credentials would go on.
    ///
    /// # Errors
    /// If it would be refused without asking anybody, by the balancer or, for its path, before it comes there.
    pub fn foretell(
        &self,
        request: &Request<Bytes>,
        facts: &Facts,
        key: Option<&ClientKey>,
    ) -> Result<Option<Plan>, Refusal> {
        let shared = &*self.shared;
        let (method, path) = (request.method(), request.uri().path());
        if !shared.providers.first().permits(method, path) {
            return Err(Refusal::NotPermitted(format!("{method} {path}")));
        }
        if let Some(key) = key {
            allowance::model(key, facts, request.body().is_empty())?;
        }
        let now = shared.clock.now();
        let home = Home::of(&shared.providers.first().named(request), &shared.ownership, || now);
        let standings = standings(&shared.pool, &home, key);
        home.check(!standings.is_empty(), |id| shared.pool.get(id).is_some())?;
        if standings.is_empty() {
            return key.map_or(Ok(()), allowance::some_account).map(|()| None);
        }
        Ok(Some(plan(&*shared.strategy, &home, &standings, facts, now)))
    }
}

/// A plan as it is written down.
#[must_use]
pub fn decision(plan: &Plan, facts: &Facts, now: Timestamp) -> Decision {
    let Plan { by, candidates, closed, .. } = plan;
    let unnamed = candidates.len().saturating_sub(Decision::NAMED) + closed.len().saturating_sub(Decision::NAMED);
    let excluded = |(account, closure): &(Arc<Account>, Closure)| excluded(account, *closure, facts, now);
    Decision {
        strategy: (*by).into(),
        candidates: candidates.iter().take(Decision::NAMED).map(ranked).collect(),
        excluded: closed.iter().take(Decision::NAMED).map(excluded).collect(),
        unnamed: u32::try_from(unnamed).unwrap_or(u32::MAX),
        moved: None,
    }
}

fn ranked(candidate: &Candidate) -> Ranked {
    let Candidate { account, choice, headroom, wait } = candidate;
    Ranked {
        account: (&**account).into(),
        priority: account.priority,
        choice: *choice,
        headroom: headroom.clone(),
        wait: *wait,
    }
}

fn excluded(account: &Arc<Account>, closure: Closure, facts: &Facts, now: Timestamp) -> Excluded {
    let mark = account.closing_mark(|| facts.model.as_deref(), now).filter(|mark| mark.reason == closure.reason);
    let evidence = mark.map(|mark| Arc::clone(&mark.evidence)).unwrap_or_default();
    Excluded { account: (&**account).into(), reason: closure.reason, until: closure.until, evidence }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use http::Response;
    use http_body_util::Full;
    use proptest::prelude::*;
    use tower::{Layer, Service, service_fn};

    use super::*;
    use crate::{
        balance::{Attempt, Conversation, ConversationOptions, Session, Switch, conversation::Bindings},
        clock::{Clock, ManualClock},
        domain::{ClosureReason, Credential, Mark, RequestFacts, Scope, Secret, SessionKey},
        error::AttemptError,
        provider::Providers,
        record::Trail,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// What happens before a request: who it is asked by, which account is closed for how long, how much time passes,
    /// and which strategy decides.
    type Step = (u128, Option<(usize, bool, u64)>, u64, bool);

    fn account(number: usize) -> Account {
        let key = Credential::ApiKey(Secret::new("k"));
        let mut account = Account::new(&format!("account {number}"), "anthropic", key, NOW);
        account.priority = u32::try_from(number / 2).expect("small");
        account
    }

    struct Stage {
        clock: Arc<ManualClock>,
        pool: Arc<AccountPool>,
        switch: Arc<Switch>,
        layer: BalanceLayer,
    }

    fn stage() -> Stage {
        let clock = Arc::new(ManualClock::new(NOW));
        let pool = Arc::new(AccountPool::new((0..4).map(account).collect()));
        let options = ConversationOptions { longest_wait: Duration::ZERO, ..ConversationOptions::default() };
        let conversation = Conversation::new(Arc::new(Bindings::default()), options);
        let switch = Arc::new(Switch::new(Arc::new(conversation), [Arc::new(Session::default()) as _]));
        let (deciding, time) = (Arc::clone(&switch) as _, Arc::clone(&clock) as Arc<dyn Clock>);
        let layer = BalanceLayer::new(Arc::clone(&pool), deciding, Providers::default(), time);
        Stage { clock, pool, switch, layer }
    }

    async fn upstream(_: Attempt) -> Result<Response<Full<Bytes>>, AttemptError> {
        Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
    }

    proptest! {
        /// What is foretold is what then happens, whatever went before.
        #[test]
        fn what_is_foretold_happens(
            steps in prop::collection::vec(
                (0_u128..4, prop::option::of((0_usize..4, any::<bool>(), 1_u64..600)), 0_u64..400, any::<bool>()),
                1..25,
            )
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            let stage = stage();
            for step in steps {
                let (foretold, happened) = runtime.block_on(take(&stage, step));
                prop_assert_eq!(foretold, happened);
            }
        }
    }

    async fn take(
        stage: &Stage,
        (session, closing, passes, by_conversation): Step,
    ) -> (Option<Decision>, Option<Decision>) {
        let Stage { clock, pool, switch, layer } = stage;
        clock.advance(Duration::from_secs(passes));
        switch.choose(if by_conversation { "conversation" } else { "session" }).expect("it is there");
        if let Some((index, is_quota, seconds)) = closing {
            let until = Some(clock.now() + Duration::from_secs(seconds));
            let reason = if is_quota { ClosureReason::Quota } else { ClosureReason::Throttled };
            let mark = Mark { reason, scope: Scope::Account, since: clock.now(), until, evidence: "said".into() };
            pool.close(pool.snapshot()[index].id, &mark, clock.now());
        }
        let model = Some("claude-opus-5-5".into());
        let facts = Facts::from(RequestFacts { session: Some(SessionKey(session)), model, ..RequestFacts::default() });
        let mut request = Request::post("/v1/messages").body(Bytes::from_static(b"{}")).expect("a request");
        let foretold = layer.foretell(&request, &facts, None).expect("nothing is refused").expect("accounts are there");
        let foretold = decision(&foretold, &facts, clock.now());
        let trail = Trail::new(Arc::clone(clock) as _);
        request.extensions_mut().insert(facts);
        request.extensions_mut().insert(trail.clone());
        let _ = layer.layer(service_fn(upstream)).call(request).await;
        let mut happened = trail.take_decision().map(|decision| *decision);
        if let Some(happened) = &mut happened {
            // What comes of it is told only afterwards.
            happened.moved = None;
        }
        (Some(foretold), happened)
    }
}
