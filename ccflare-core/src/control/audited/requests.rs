//! Looks into what people said, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, RequestControl,
    views::{PayloadView, RequestDetail, RequestPage, RequestPageQuery, RequestView},
};

#[async_trait]
impl RequestControl for Audited {
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        self.inner.requests(query).await
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.inner.request(id).await
    }

    async fn request_details(&self, query: RequestPageQuery) -> Result<Vec<RequestDetail>, ControlError> {
        let subject = format!("{} at once", query.limit);
        self.note("request.payload", &subject, self.inner.request_details(query).await).await
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        // What people said is nobody's business by default: who looks at it is written down.
        match self.inner.payload(id).await {
            // There was nothing to be looked at.
            Err(ControlError::NotFound(why)) => Err(ControlError::NotFound(why)),
            done => self.note("request.payload", id, done).await,
        }
    }
}
