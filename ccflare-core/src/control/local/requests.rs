//! Finished requests, read from the store behind the queue.

use async_trait::async_trait;

use super::{
    Local,
    analytics::{Called, asked},
    payloads, present,
};
use crate::{
    control::{
        ControlError, RequestControl,
        views::{PayloadView, RequestDetail, RequestFilter, RequestPage, RequestPageQuery, RequestView},
    },
    record::Capture,
    store::Wanted,
};

/// Requests that are shown at once with what they carried.
const MOST_DETAILS: usize = 100;

#[async_trait]
impl RequestControl for Local {
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        self.catch_up().await;
        asked::limit(query.limit)?;
        // Names need looking up only where there are some.
        let called = if query.filter == RequestFilter::default() { Called::default() } else { self.called().await? };
        let wanted = Wanted {
            before: asked::cursor(query.before.as_deref())?,
            from: query.from.as_deref().map(|from| asked::moment("from", from)).transpose()?,
            to: query.to.as_deref().map(|to| asked::moment("to", to)).transpose()?,
            filter: asked::filter(&query.filter, &called)?,
            session: query.session.map(Into::into),
            status: query.status_code,
            limit: query.limit,
        };
        let found = self.store.find(&wanted).await?;
        let requests = found.exchanges.iter().map(present::request).collect();
        Ok(RequestPage { requests, next: found.next.map(|next| next.to_string()) })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.catch_up().await;
        let missing = || ControlError::NotFound(format!("there is no finished request {id:?}"));
        let exchange = self.store.exchange(id.parse().map_err(|_| missing())?).await?;
        exchange.as_ref().map(present::request).ok_or_else(missing)
    }

    async fn request_details(&self, query: RequestPageQuery) -> Result<Vec<RequestDetail>, ControlError> {
        if query.limit > MOST_DETAILS {
            return Err(ControlError::Invalid(format!("limit must be from 1 to {MOST_DETAILS}: bodies are long")));
        }
        let page = self.requests(query).await?;
        if let Some(capture) = &self.capture {
            capture.flushed().await;
        }
        let mut details = Vec::new();
        for request in page.requests {
            let id = request.id.parse().map_err(|_| ControlError::NotFound(format!("no request {}", request.id)))?;
            let payload = self.store.payload(id).await?;
            details.push(payloads::detail(request, payload));
        }
        Ok(details)
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        self.catch_up().await;
        if let Some(capture) = &self.capture {
            capture.flushed().await;
        }
        payloads::find(&*self.store, id, self.capture.as_ref().is_some_and(Capture::is_on)).await
    }
}
