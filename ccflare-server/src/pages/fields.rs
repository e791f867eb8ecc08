//! What a form sends.

use axum::{
    Form,
    extract::{FromRequest, Request, rejection::FormRejection},
};
use ccflare_core::domain::Tier;
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::Problem;

/// A form of this shape.
pub(crate) struct Fields<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form: Result<Form<T>, FormRejection> = Form::from_request(request, state).await;
        let Form(fields) = form.map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "That was not this page's form. Go back, reload the page and try again.",
            )
        })?;
        Ok(Self(fields))
    }
}

/// What was typed, if anything was.
pub(crate) fn given(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// A tier, if one was chosen.
///
/// # Errors
/// What a tier is.
pub(crate) fn tier(text: &str) -> Result<Option<Tier>, &'static str> {
    let number = given(text).map(|text| text.parse::<u8>().map_err(|_| "A tier is 1, 5 or 20.")).transpose()?;
    number.map(Tier::try_from).transpose().map_err(|_| "A tier is 1, 5 or 20.")
}
