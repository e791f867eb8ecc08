//! JSON bodies that explain what is wrong with them.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use super::ApiError;
use crate::doors::is_json;

/// A body of this type. Only `application/json` is read: a page of another site can't send that unasked.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::not_json());
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::new(rejection.status(), "body", rejection.body_text()))?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "invalid", format!("the body: {error}")))?;
        Ok(Self(value))
    }
}
