//! Pages that say what is wrong, and what can be done about it.

use axum::{
    extract::OriginalUri,
    response::{IntoResponse, Response},
};
use ccflare_core::control::ControlError;
use http::{HeaderMap, Method, StatusCode, header};
use maud::html;

use super::{Page, theme_of};
use crate::{
    api,
    components::{
        badge::Tone,
        layout::{self, Place},
        notice::notice,
        text::sentence,
    },
};

/// Why a page can't be shown.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// What is wrong, for a form that shows it itself; a fault of the server is none of the form's.
    ///
    /// # Errors
    /// The problem itself, if it is not about what was typed.
    pub(crate) fn of_form(error: ControlError) -> Result<String, Self> {
        match error {
            ControlError::Invalid(_)
            | ControlError::Conflict(_)
            | ControlError::ConfirmationRequired(_)
            | ControlError::Stale(_) => Ok(error.to_string()),
            other => Err(other.into()),
        }
    }

    const fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not there",
            StatusCode::FORBIDDEN => "Not from there",
            StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => "That did not work",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "Something is wrong with the server",
        }
    }

    const fn advice(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "It may have been removed, or be older than what is kept.",
            StatusCode::SERVICE_UNAVAILABLE => "Try again in a moment.",
            StatusCode::INTERNAL_SERVER_ERROR => {
                "The server's log says more. Requests of clients may still be served: look at /readyz."
            }
            _ => "Nothing was changed.",
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let status = match &error {
            ControlError::NotFound(_) => StatusCode::NOT_FOUND,
            ControlError::Conflict(_) | ControlError::Invalid(_) | ControlError::ConfirmationRequired(_) => {
                StatusCode::BAD_REQUEST
            }
            ControlError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            other => {
                tracing::error!(error = %other, "a page can't be shown");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, sentence(&error.to_string()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = html! {
            (notice(Tone::Bad, &html! { p { (self.message) } p { (self.advice()) } }))
            p { a.button href="/" { "To the overview" } }
        };
        Page::new(Place::Elsewhere, self.title(), body).with_status(self.status).into_response()
    }
}

/// For paths that nothing answers at: a page for browsers, JSON for programs. Neither needs to be logged in for it.
pub(crate) async fn nowhere(uri: OriginalUri, method: Method, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accept.contains("text/html") {
        return api::not_found(uri, method).await;
    }
    let body = html! {
        p { "There is no page " code { (uri.path()) } "." }
        p { a.button href="/" { "To the overview" } }
    };
    (StatusCode::NOT_FOUND, layout::bare("Not there", theme_of(&headers), &body)).into_response()
}

pub(crate) async fn not_allowed(OriginalUri(uri): OriginalUri, method: Method) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} can't be done to {}.", uri.path()))
}
