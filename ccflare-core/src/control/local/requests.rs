//! Finished requests, read from the store behind the queue.

use async_trait::async_trait;

use super::{Local, payloads, present};
use crate::{
    control::{
        ControlError, RequestControl,
        views::{PayloadView, RequestPage, RequestPageQuery, RequestView},
    },
    store::PageRequest,
};

#[async_trait]
impl RequestControl for Local {
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        self.catch_up().await;
        if !(1..=1000).contains(&query.limit) {
            return Err(ControlError::Invalid("limit must be from 1 to 1000".to_owned()));
        }
        let before = query.before.as_deref().map(str::parse).transpose();
        let before = before.map_err(|_| ControlError::Invalid("before must be the id of a request".to_owned()))?;
        // One more than asked for tells whether there is a next page.
        let mut page = self.store.exchanges(PageRequest { before, limit: query.limit + 1 }).await?;
        let more = page.len() > query.limit;
        page.truncate(query.limit);
        let next = page.last().filter(|_| more).map(|exchange| exchange.intent.id.to_string());
        Ok(RequestPage { requests: page.iter().map(present::request).collect(), next })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.catch_up().await;
        let missing = || ControlError::NotFound(format!("there is no finished request {id:?}"));
        let exchange = self.store.exchange(id.parse().map_err(|_| missing())?).await?;
        exchange.as_ref().map(present::request).ok_or_else(missing)
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        if let Some(capture) = &self.capture {
            capture.flushed().await;
        }
        payloads::find(&*self.store, id, self.capture.is_some()).await
    }
}
