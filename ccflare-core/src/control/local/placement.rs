//! Where requests go: decided by the functions that the line decides by.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};

use super::{Local, explained};
use crate::{
    balance::{Plan, decision},
    control::{
        ControlError, PlacementControl,
        views::{ExplainRequest, ExplainView, SettingsEdit, StrategyView},
    },
    domain::{ClientKey, Facts, Move, Timestamp},
    error::Refusal,
    key_ring::KeyRing,
};

#[async_trait]
impl PlacementControl for Local {
    async fn strategy(&self) -> Result<StrategyView, ControlError> {
        let strategies = self.strategy.names().into_iter().map(str::to_owned).collect();
        Ok(StrategyView { strategy: self.strategy.active().name().to_owned(), strategies })
    }

    async fn set_strategy(&self, name: &str) -> Result<StrategyView, ControlError> {
        self.strategy.choose(name).map_err(|error| ControlError::Invalid(error.to_string()))?;
        tracing::info!(strategy = name, "another strategy decides from now on");
        if let Some(settings) = &self.settings
            && let Err(error) = settings.change_settings(SettingsEdit::of("strategy", name)).await
        {
            tracing::warn!(%error, strategy = name, "the strategy decides until the next start only");
        }
        self.strategy().await
    }

    async fn explain(&self, request: ExplainRequest) -> Result<ExplainView, ControlError> {
        let named = self.key_of(request.client_key.as_deref()).await?;
        let mut request = imagine(&request)?;
        let now = self.clock.now();
        // A key that is sent along counts as it would at the door.
        let sent = KeyRing::new(self.store.client_keys().await?).admit(request.headers(), false, now);
        let key = named.map_or(sent, |named| Ok(Some(named)));
        if let Ok(Some(key)) = &key {
            request.extensions_mut().insert(Arc::clone(key));
        }
        let facts = self.intercept.foretell(&mut request);
        let foretold = key.and_then(|key| self.balance.foretell(&request, &facts, key.as_deref()));
        Ok(explain(foretold, &facts, now))
    }
}

impl Local {
    async fn key_of(&self, named: Option<&str>) -> Result<Option<Arc<ClientKey>>, ControlError> {
        let Some(named) = named else { return Ok(None) };
        let keys = self.store.client_keys().await?;
        let by_id = keys.iter().find(|key| key.id.to_string() == named);
        let found = by_id.or_else(|| keys.iter().find(|key| *key.name == *named && key.revoked.is_none()));
        let found = found.ok_or_else(|| ControlError::NotFound(format!("there is no client key {named:?}")))?;
        Ok(Some(Arc::new(found.clone())))
    }
}

/// The request as the line would have it.
fn imagine(told: &ExplainRequest) -> Result<Request<Bytes>, ControlError> {
    let invalid = |what: &str, told: &str| ControlError::Invalid(format!("{told:?} is no {what}"));
    let mut request = Request::new(Bytes::from(told.body.clone()));
    *request.method_mut() = Method::from_bytes(told.method.as_bytes()).map_err(|_| invalid("method", &told.method))?;
    *request.uri_mut() = told.path.parse().map_err(|_| invalid("path", &told.path))?;
    for (name, value) in &told.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid("name of a header", name))?;
        // The value is not repeated: it may be a credential.
        let value = HeaderValue::from_str(value).map_err(|_| {
            ControlError::Invalid(format!("the header {name:?} has characters that no header can have"))
        })?;
        request.headers_mut().append(header, value);
    }
    Ok(request)
}

fn explain(foretold: Result<Option<Plan>, Refusal>, facts: &Facts, now: Timestamp) -> ExplainView {
    let (plan, summary) = match foretold {
        Ok(Some(plan)) => (plan, None),
        Ok(None) => (Plan::default(), Some("no account is there: the client's own credentials would go on".to_owned())),
        Err(refusal) => (Plan::default(), Some(format!("it would be refused: {refusal}"))),
    };
    let mut decision = decision(&plan, facts, now);
    if let Some(stake) = &plan.stake {
        decision.moved = stake.leaving.filter(|_| !plan.candidates.is_empty()).map(|reason| Move {
            from: stake.account,
            from_name: stake.name.clone(),
            reason,
            cached_tokens: stake.cached_tokens,
            price: stake.price,
        });
    }
    let decision = explained::decision(&decision);
    ExplainView {
        summary: summary.unwrap_or_else(|| explained::summary(&decision)),
        account: decision.candidates.first().map(|candidate| candidate.account.clone()),
        facts: explained::facts(facts),
        decision,
    }
}
