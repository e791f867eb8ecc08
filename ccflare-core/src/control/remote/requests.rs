//! `/api/requests`.

use async_trait::async_trait;
use reqwest::{Method, header};

use super::Remote;
use crate::control::{
    ControlError, RequestControl,
    views::{PayloadView, RequestPage, RequestPageQuery, RequestView},
};

#[async_trait]
impl RequestControl for Remote {
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        let mut request = self.to(Method::GET, &["requests"]).query(&[("limit", query.limit)]);
        if let Some(before) = &query.before {
            request = request.query(&[("before", before)]);
        }
        let response = self.send(request).await?;
        let has_next = response.headers().contains_key(header::LINK);
        let requests: Vec<RequestView> =
            response.json().await.map_err(|error| ControlError::Unavailable(error.to_string()))?;
        let next = requests.last().filter(|_| has_next).map(|request| request.id.clone());
        Ok(RequestPage { requests, next })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id])).await
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id, "payload"])).await
    }
}
