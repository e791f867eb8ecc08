//! Answers in the API's error shape.

use bytes::Bytes;
use serde_json::json;

/// An error answer: `{"type":"error","error":{"type":…,"message":…},"request_id":…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// The HTTP status.
    pub code: u16,
    /// `error.type`.
    pub error_type: String,
    /// `error.message`.
    pub message: String,
    /// `error.details.error_code`.
    pub error_code: Option<String>,
    /// More response headers; a name of the mock's own is replaced.
    pub headers: Vec<(String, String)>,
    /// Sent instead of the JSON, byte for byte.
    pub raw_body: Option<Bytes>,
    /// Epoch seconds; `retry-after` then counts down to it.
    pub retry_at: Option<u64>,
}

impl ErrorAnswer {
    /// An answer without headers of its own.
    pub fn new(code: u16, error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, error_type: error_type.into(), message: message.into(), ..Self::default() }
    }

    pub(crate) fn rate_limit(message: &str) -> Self {
        Self::new(429, "rate_limit_error", message)
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets `error.details.error_code`.
    #[must_use]
    pub fn error_code(mut self, code: impl Into<String>) -> Self {
        self.error_code = Some(code.into());
        self
    }

    /// Replaces the body, for instance by the HTML of an edge server.
    #[must_use]
    pub fn raw_body(mut self, body: impl Into<Bytes>) -> Self {
        self.raw_body = Some(body.into());
        self
    }

    /// The body for a request of this id.
    pub(crate) fn body(&self, request_id: &str) -> Bytes {
        if let Some(raw) = &self.raw_body {
            return raw.clone();
        }
        let mut error = json!({"type": self.error_type, "message": self.message});
        if let Some(code) = &self.error_code {
            error["details"] = json!({"error_code": code});
        }
        json!({"type": "error", "error": error, "request_id": request_id}).to_string().into()
    }
}

/// The status the API uses for an error type.
pub(crate) fn status_of(error_type: &str) -> u16 {
    match error_type {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}
