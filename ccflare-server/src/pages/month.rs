//! The last thirty days, of which several pages show a part or name what is in it.
//!
//! Adding them up is the most that pages ask of the store, and an open page asks again every second. So the answer is
//! kept for a few seconds, for all who look on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ccflare_core::control::{
    Control, ControlError,
    views::{AnalyticsQuery, AnalyticsView},
};
use tokio::sync::Mutex;

/// For so long an answer is good enough.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// Cheap to clone; all clones keep the same answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Month {
    latest: Arc<Mutex<Option<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    since: Instant,
    sums: Arc<AnalyticsView>,
}

impl Month {
    /// What they add up to, unfiltered. Who comes while somebody asks the store waits for the same answer.
    ///
    /// # Errors
    /// If the server can't tell; then nothing is kept, and the next one asks again.
    pub(super) async fn of(&self, control: &dyn Control) -> Result<Arc<AnalyticsView>, ControlError> {
        let mut latest = self.latest.lock().await;
        if let Some(kept) = latest.as_ref().filter(|kept| kept.since.elapsed() < GOOD_FOR) {
            return Ok(Arc::clone(&kept.sums));
        }
        let sums = Arc::new(control.analytics(whole()).await?);
        *latest = Some(Kept { since: Instant::now(), sums: Arc::clone(&sums) });
        Ok(sums)
    }

    /// What is asked for: what is kept, if it is that, or fresh.
    ///
    /// # Errors
    /// If the server can't tell.
    pub(super) async fn or_ask(
        &self,
        control: &dyn Control,
        query: AnalyticsQuery,
    ) -> Result<Arc<AnalyticsView>, ControlError> {
        if query == whole() { self.of(control).await } else { Ok(Arc::new(control.analytics(query).await?)) }
    }

    /// Forgets the answer: what it was about is gone.
    pub(super) async fn forget(&self) {
        *self.latest.lock().await = None;
    }
}

fn whole() -> AnalyticsQuery {
    AnalyticsQuery { range: Some("30d".to_owned()), ..AnalyticsQuery::default() }
}

#[cfg(test)]
mod tests {
    use ccflare_core::{gateway::Gateway, store::RedbStore};

    use super::*;

    #[tokio::test]
    async fn all_who_look_on_share_an_answer_until_it_is_forgotten() {
        let gateway = Gateway::builder(Arc::new(RedbStore::in_memory())).build().await.expect("a gateway");
        let (control, month) = (gateway.control(), Month::default());
        let (one, other) = (month.clone(), month.clone());
        let (one, other) = tokio::join!(one.of(&*control), other.of(&*control));
        let (one, other) = (one.expect("sums"), other.expect("sums"));
        assert!(Arc::ptr_eq(&one, &other), "asked once");
        month.forget().await;
        assert!(!Arc::ptr_eq(&one, &month.of(&*control).await.expect("sums")), "asked again");
        let _ = gateway.shutdown(Duration::from_secs(5)).await;
    }
}
