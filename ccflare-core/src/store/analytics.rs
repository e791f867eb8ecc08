//! What can be asked of the ledger beside its pages.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::{LedgerStore, PageRequest, StoreError};
use crate::{
    analytics::{Answer, Cell, Dimensions, Filter, Fold, Kept, Minute, Question, SessionSummary},
    domain::{AccountId, Exchange, ExchangeId, Timestamp},
};

/// Sums, searches and conversations. What has a default here is answered by reading the ledger from end to end, which is
/// right for a backend of some thousand requests; one of millions keeps sums and indexes.
#[async_trait]
pub trait AnalyticsStore: LedgerStore {
    /// What the requests of a time add up to.
    ///
    /// # Errors
    /// If the backend fails.
    async fn answer(&self, question: &Question) -> Result<Answer, StoreError> {
        answer_by_scan(self, question).await
    }

    /// Since when sums are kept, and how finely.
    ///
    /// # Errors
    /// If the backend fails.
    async fn kept(&self) -> Result<Kept, StoreError> {
        Ok(Kept::default())
    }

    /// What the accounts of settled exchanges were called when they last answered, those that are gone included.
    ///
    /// # Errors
    /// If the backend fails.
    async fn account_names(&self) -> Result<HashMap<AccountId, Arc<str>>, StoreError> {
        names_by_scan(self).await
    }

    /// Settled exchanges that are wanted, newest first.
    ///
    /// # Errors
    /// If the backend fails.
    async fn find(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        find_by_scan(self, wanted).await
    }

    /// Conversations, the one with the latest request first.
    ///
    /// # Errors
    /// If the backend fails.
    async fn sessions(&self, page: PageRequest) -> Result<Vec<SessionSummary>, StoreError> {
        let mut sessions = sessions_by_scan(self).await?;
        sessions.retain(|session| page.before.is_none_or(|before| session.last < before));
        sessions.truncate(page.limit);
        Ok(sessions)
    }

    /// One conversation.
    ///
    /// # Errors
    /// If the backend fails.
    async fn session(&self, id: &str) -> Result<Option<SessionSummary>, StoreError> {
        Ok(sessions_by_scan(self).await?.into_iter().find(|session| *session.id == *id))
    }

    /// Forgets all settled exchanges, what they carried, and what they add up to. Says how many exchanges there were.
    ///
    /// # Errors
    /// If the backend fails.
    async fn forget_exchanges(&self) -> Result<u64, StoreError>;

    /// Deletes at most `limit` settled exchanges that arrived before `before`, oldest first, and says how many. What they
    /// add up to stays, until [`sweep_sums`](Self::sweep_sums).
    ///
    /// # Errors
    /// If the backend fails.
    async fn sweep_exchanges(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;

    /// Deletes at most `limit` sums that are older than they are to be kept, and says how many.
    ///
    /// # Errors
    /// If the backend fails.
    async fn sweep_sums(&self, keep: Kept, limit: usize) -> Result<usize, StoreError> {
        let _ = (keep, limit);
        Ok(0)
    }
}

/// Which settled exchanges are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those older than this one: the cursor of the page before.
    pub before: Option<ExchangeId>,
    /// Only those that arrived then or later.
    pub from: Option<Timestamp>,
    /// Only those that arrived earlier.
    pub to: Option<Timestamp>,
    /// Which of them.
    pub filter: Filter,
    /// Only those of this conversation.
    pub session: Option<Arc<str>>,
    /// Only those whose client saw this status.
    pub status: Option<u16>,
    /// At most this many.
    pub limit: usize,
}

impl Wanted {
    /// Whether this exchange is wanted, by all but its place in the pages.
    #[must_use]
    pub fn admits(&self, exchange: &Exchange) -> bool {
        let session = exchange.intent.asker.as_ref().map(|asker| &asker.session);
        self.from.is_none_or(|from| from <= exchange.intent.at)
            && self.to.is_none_or(|to| exchange.intent.at < to)
            && self.session.as_ref().is_none_or(|wanted| Some(wanted) == session)
            && self.status.is_none_or(|status| Some(status) == exchange.status)
            && self.filter.admits(&Dimensions::of(exchange))
    }
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Newest first; perhaps fewer than wanted although there are more, where the search was long.
    pub exchanges: Vec<Exchange>,
    /// Where the search goes on, if it has not come to the end.
    pub next: Option<ExchangeId>,
}

/// Rows that are looked at before a page is given back unfinished.
pub(crate) const LOOKED_AT: usize = 10_000;

const PAGE: usize = 1000;

async fn answer_by_scan(ledger: &(impl LedgerStore + ?Sized), question: &Question) -> Result<Answer, StoreError> {
    let (mut fold, mut series) = (Fold::new(question), HashMap::new());
    let mut page = PageRequest { before: None, limit: PAGE };
    loop {
        let exchanges = ledger.exchanges(page).await?;
        for exchange in &exchanges {
            let (dimensions, minute) = (Dimensions::of(exchange), Minute::of(exchange.intent.at));
            if minute < question.from || minute >= question.to {
                continue;
            }
            let place = series.entry(dimensions).or_insert_with_key(|dimensions| fold.series(dimensions));
            if let Some(series) = *place {
                fold.add(series, minute, &Cell::of(exchange));
            }
        }
        match exchanges.last() {
            Some(last) if exchanges.len() == PAGE => page.before = Some(last.intent.id),
            _ => return Ok(fold.finish()),
        }
    }
}

async fn names_by_scan(ledger: &(impl LedgerStore + ?Sized)) -> Result<HashMap<AccountId, Arc<str>>, StoreError> {
    let mut names = HashMap::new();
    let mut page = PageRequest { before: None, limit: PAGE };
    loop {
        let exchanges = ledger.exchanges(page).await?;
        let attempts = exchanges.iter().filter_map(|exchange| exchange.final_attempt());
        for (id, name) in attempts.filter_map(|attempt| attempt.account.as_ref()) {
            names.entry(*id).or_insert_with(|| Arc::clone(name));
        }
        match exchanges.last() {
            Some(last) if exchanges.len() == PAGE => page.before = Some(last.intent.id),
            _ => return Ok(names),
        }
    }
}

async fn find_by_scan(ledger: &(impl LedgerStore + ?Sized), wanted: &Wanted) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut page = PageRequest { before: wanted.before, limit: PAGE };
    for _ in 0..LOOKED_AT / PAGE {
        let exchanges = ledger.exchanges(page).await?;
        let count = exchanges.len();
        for exchange in exchanges {
            page.before = Some(exchange.intent.id);
            if wanted.admits(&exchange) {
                if found.exchanges.len() == wanted.limit {
                    found.next = found.exchanges.last().map(|last| last.intent.id);
                    return Ok(found);
                }
                found.exchanges.push(exchange);
            }
        }
        if count < PAGE {
            return Ok(found);
        }
    }
    found.next = page.before;
    Ok(found)
}

async fn sessions_by_scan(ledger: &(impl LedgerStore + ?Sized)) -> Result<Vec<SessionSummary>, StoreError> {
    let mut sessions: HashMap<Arc<str>, SessionSummary> = HashMap::new();
    let mut page = PageRequest { before: None, limit: PAGE };
    loop {
        let exchanges = ledger.exchanges(page).await?;
        for exchange in &exchanges {
            let Some(asker) = &exchange.intent.asker else { continue };
            let id = &asker.session;
            match sessions.get_mut(id) {
                Some(session) => session.add(exchange),
                None => drop(sessions.insert(Arc::clone(id), SessionSummary::begin(Arc::clone(id), exchange))),
            }
        }
        match exchanges.last() {
            Some(last) if exchanges.len() == PAGE => page.before = Some(last.intent.id),
            _ => break,
        }
    }
    let mut sessions: Vec<_> = sessions.into_values().collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.last));
    Ok(sessions)
}
