//! What requests add up to, read from the store behind the queue.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::{Local, present};
use crate::{
    analytics::{Filter, Question},
    control::{
        AnalyticsControl, ControlError,
        views::{AnalyticsQuery, AnalyticsView, ResetView, SessionDetail, SessionPage, SessionPageQuery, StatsView},
    },
    domain::{AccountId, ClientKeyId},
    store::{PageRequest, Wanted},
};

pub(super) mod asked;
mod conversation;
mod shown;

/// Requests of a conversation that are shown with it.
const SHOWN: usize = 1000;

/// Errors that are looked at for those that differ.
const ERRORS: usize = 100;

#[async_trait]
impl AnalyticsControl for Local {
    async fn analytics(&self, query: AnalyticsQuery) -> Result<AnalyticsView, ControlError> {
        self.catch_up().await;
        let kept = self.store.kept().await?;
        let called = self.called().await?;
        let filter = asked::filter(&query.filter, &called)?;
        let asked = asked::Asked::understand(&query, filter, self.clock.now(), kept)?;
        let answer = self.store.answer(&asked.question).await?;
        let previous = self.store.answer(&asked.previous()).await?;
        Ok(shown::analytics(&asked, &answer, &previous, &called))
    }

    async fn stats(&self) -> Result<StatsView, ControlError> {
        self.catch_up().await;
        let answer = self.store.answer(&Question::ever(Filter::default()).sums_only()).await?;
        let failed = Filter { success: Some(false), ..Filter::default() };
        let errors = self.store.find(&Wanted { filter: failed, limit: ERRORS, ..Wanted::default() }).await?;
        Ok(shown::stats(&answer, &errors.exchanges, &self.called().await?))
    }

    async fn reset_stats(&self) -> Result<ResetView, ControlError> {
        self.catch_up().await;
        let removed_requests = self.store.forget_exchanges().await?;
        tracing::info!(removed_requests, "the statistics begin anew");
        Ok(ResetView { removed_requests })
    }

    async fn sessions(&self, query: SessionPageQuery) -> Result<SessionPage, ControlError> {
        self.catch_up().await;
        asked::limit(query.limit)?;
        let before = asked::cursor(query.before.as_deref())?;
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.sessions(PageRequest { before, limit: query.limit + 1 }).await?;
        let more = page.len() > query.limit;
        page.truncate(query.limit);
        let next = page.last().filter(|_| more).map(|session| session.last.to_string());
        Ok(SessionPage { sessions: page.iter().map(conversation::session).collect(), next })
    }

    async fn session(&self, id: &str) -> Result<SessionDetail, ControlError> {
        self.catch_up().await;
        let missing = || ControlError::NotFound(format!("there is no session {id:?}"));
        let summary = self.store.session(id).await?.ok_or_else(missing)?;
        let wanted = Wanted { session: Some(id.into()), limit: SHOWN, ..Wanted::default() };
        let mut found = self.store.find(&wanted).await?;
        found.exchanges.reverse();
        // Its sums outlive what retention takes.
        let truncated = found.next.is_some() || (found.exchanges.len() as u64) < summary.all.requests;
        Ok(conversation::detail(&summary, &found.exchanges, truncated))
    }
}

/// What accounts and client keys are called: now, or as they were called last.
#[derive(Debug, Default)]
pub(super) struct Called {
    pub(super) accounts: HashMap<AccountId, Arc<str>>,
    pub(super) client_keys: HashMap<ClientKeyId, Arc<str>>,
}

impl Local {
    pub(super) async fn called(&self) -> Result<Called, ControlError> {
        let mut accounts = self.store.account_names().await?;
        accounts.extend(self.pool.snapshot().iter().map(|account| (account.id, Arc::clone(&account.name))));
        let keys = self.store.client_keys().await?;
        Ok(Called { accounts, client_keys: keys.into_iter().map(|key| (key.id, key.name)).collect() })
    }
}
