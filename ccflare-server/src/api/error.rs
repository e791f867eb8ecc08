//! Errors of the operator's API, in one shape: `{"error", "code", "details"?}`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use ccflare_core::control::ControlError;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What an operator is told.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Boxed: few errors have some, and every fallible call would pay for the room.
    details: Option<Box<Value>>,
    retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) const fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, code, message, details: None, retry_after: None }
    }

    /// The same, and after how many seconds to try again.
    pub(crate) fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn unauthorized() -> Self {
        let message =
            "this needs the admin token: `Authorization: Bearer TOKEN`; the server's log says where it is kept";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message.to_owned())
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        let message = error.to_string();
        match error {
            ControlError::NotFound(_) => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            // The original's status for names that are taken and accounts that are paused already.
            ControlError::Conflict(_) => Self::new(StatusCode::BAD_REQUEST, "conflict", message),
            ControlError::Stale(_) => Self::new(StatusCode::PRECONDITION_FAILED, "stale", message),
            ControlError::Invalid(_) => Self::new(StatusCode::BAD_REQUEST, "invalid", message),
            ControlError::ConfirmationRequired(name) => Self {
                details: Some(Box::new(json!({ "confirmationRequired": true, "confirm": name }))),
                ..Self::new(StatusCode::BAD_REQUEST, "confirmation_required", message)
            },
            ControlError::Unauthorized(_) => Self::unauthorized(),
            ControlError::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message),
            other => {
                tracing::error!(error = %other, "an operator's wish failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", message)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut shape = json!({ "error": self.message, "code": self.code });
        if let Some(details) = self.details {
            shape["details"] = *details;
        }
        let mut response = (self.status, Json(shape)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
