//! `/api/requests`.

use async_trait::async_trait;
use reqwest::{Method, header};

use super::{Remote, cursor};
use crate::control::{
    ControlError, RequestControl,
    views::{PayloadView, RequestDetail, RequestPage, RequestPageQuery, RequestView},
};

#[async_trait]
impl RequestControl for Remote {
    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        let request = self.to(Method::GET, &["requests"]).query(&query).query(&query.filter);
        let response = self.send(request).await?;
        let next = response.headers().get(header::LINK).and_then(|link| cursor(link.to_str().ok()?));
        let requests: Vec<RequestView> =
            response.json().await.map_err(|error| ControlError::Unavailable(error.to_string()))?;
        Ok(RequestPage { requests, next })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id])).await
    }

    async fn request_details(&self, query: RequestPageQuery) -> Result<Vec<RequestDetail>, ControlError> {
        self.read(self.to(Method::GET, &["requests", "detail"]).query(&query).query(&query.filter)).await
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id, "payload"])).await
    }
}
