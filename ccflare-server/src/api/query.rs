//! Query strings that explain what is wrong with them.

use axum::extract::{FromRequestParts, Query, rejection::QueryRejection};
use ccflare_core::control::views::RequestFilter;
use http::{HeaderValue, StatusCode, request::Parts};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use url::form_urlencoded;

use super::ApiError;

/// A query of this type.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let wrong = |rejection: QueryRejection| {
            ApiError::new(StatusCode::BAD_REQUEST, "invalid", format!("the query: {}", rejection.body_text()))
        };
        query.map(|Query(query)| Self(query)).map_err(wrong)
    }
}

/// A page by number and cursor.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub(super) limit: Option<usize>,
    pub(super) before: Option<String>,
}

/// Everything that requests can be chosen by. Its own fields, not a flattened struct: that would let misspelt names pass.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Requests {
    pub(super) limit: Option<usize>,
    pub(super) before: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) session: Option<String>,
    pub(super) status_code: Option<u16>,
    #[serde(alias = "account")]
    pub(super) accounts: Option<String>,
    #[serde(alias = "model")]
    pub(super) models: Option<String>,
    #[serde(alias = "agent")]
    pub(super) agents: Option<String>,
    #[serde(alias = "apiKeys", alias = "clientKey")]
    pub(super) client_keys: Option<String>,
    pub(super) status: Option<String>,
    /// Of an export.
    pub(super) format: Option<String>,
}

impl Requests {
    pub(super) fn filter(&mut self) -> RequestFilter {
        RequestFilter {
            accounts: self.accounts.take(),
            models: self.models.take(),
            agents: self.agents.take(),
            client_keys: self.client_keys.take(),
            status: self.status.take(),
        }
    }
}

/// A `Link` to the same query behind the cursor.
pub(super) fn next_page(path: &str, query: &str, next: &str) -> Option<HeaderValue> {
    let given = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "before");
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).append_pair("before", next).finish();
    HeaderValue::try_from(format!("<{path}?{query}>; rel=\"next\"")).ok()
}
