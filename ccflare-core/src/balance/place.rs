//! The functions that decide, for the line and for whoever asks what the line would do.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use super::{BalanceLayer, Candidate, Plan, Standing, Strategy, allowance, ownership::Home};
use crate::{
    domain::{Account, ClientKey, Closure, Decision, Excluded, Ranked, RequestFacts, Timestamp},
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
    facts: &RequestFacts,
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
    /// If the balancer would refuse it without asking anybody.
    pub fn foretell(
        &self,
        request: &Request<Bytes>,
        facts: &RequestFacts,
        key: Option<&ClientKey>,
    ) -> Result<Option<Plan>, Refusal> {
        let shared = &*self.shared;
        if let Some(key) = key {
            allowance::model(key, facts.model.as_deref(), request.body().is_empty())?;
        }
        let now = shared.clock.now();
        let home = Home::of(&shared.providers.first().named(request), &shared.ownership, now);
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
pub fn decision(plan: &Plan, facts: &RequestFacts, now: Timestamp) -> Decision {
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
    Ranked { account: (&**account).into(), choice: *choice, headroom: headroom.clone(), wait: *wait }
}

fn excluded(account: &Arc<Account>, closure: Closure, facts: &RequestFacts, now: Timestamp) -> Excluded {
    let mark = account.closing_mark(facts.model.as_deref(), now).filter(|mark| mark.reason == closure.reason);
    let evidence = mark.map(|mark| Arc::clone(&mark.evidence)).unwrap_or_default();
    Excluded { account: (&**account).into(), reason: closure.reason, until: closure.until, evidence }
}
