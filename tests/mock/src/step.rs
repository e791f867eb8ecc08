//! One scripted step: what the next request of a key gets.

use std::time::{Duration, SystemTime};

use crate::{ErrorAnswer, Reply};

/// What one request gets.
///
/// `after_events` counts the events of a stream. A JSON answer, which has none, is cut in the middle of its body
/// (at its beginning for 0), and [`Step::ErrorEvent`] becomes an answer with the error's status.
#[derive(Clone, Debug)]
pub enum Step {
    /// A good answer.
    Reply(Box<Reply>),
    /// An error answer.
    Status(Box<ErrorAnswer>),
    /// Reads the whole request, then resets the connection (RST; in HTTP/2 the stream) without a byte.
    ResetBeforeHeaders,
    /// The same with a plain close (FIN).
    CloseBeforeHeaders,
    /// Resets the connection (RST; in HTTP/2 the stream) within a 200 answer.
    ResetMidStream {
        /// Events sent before.
        after_events: usize,
    },
    /// Closes the connection (FIN) within a 200 answer, without the terminating chunk.
    CloseMidStream {
        /// Events sent before.
        after_events: usize,
    },
    /// Ends the answer early, but as politely as a whole one.
    CleanEofMidStream {
        /// Events sent before.
        after_events: usize,
    },
    /// Falls silent until the client leaves or the mock stops.
    StallMidStream {
        /// Events sent before.
        after_events: usize,
    },
    /// An `error` event within a 200 stream, then its end.
    ErrorEvent {
        /// Events sent before; 0 makes it the first.
        after_events: usize,
        /// For instance `overloaded_error`.
        error_type: String,
    },
    /// Waits before the headers, then answers as usual.
    SlowHeaders(Duration),
    /// Never answers.
    Hang,
}

impl Step {
    /// A good answer.
    pub fn reply(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }

    /// An error answer with this status, `error.type` and message.
    pub fn status(code: u16, error_type: impl Into<String>, message: impl Into<String>) -> Self {
        ErrorAnswer::new(code, error_type, message).into()
    }

    /// 429 of a subscription whose `window` (`5h`, `7d`, `7d_oi`, `7d_sonnet` …) is used up until `reset`
    /// (epoch seconds). The other windows are `allowed`.
    pub fn quota_unified(window: &str, reset: u64) -> Self {
        let mut answer = ErrorAnswer::rate_limit("This request would exceed your account's rate limit.");
        answer.headers = crate::limits::rejected_window(window, reset);
        answer.retry_at = Some(reset);
        answer.into()
    }

    /// 429 of an API key whose requests are used up until `reset` (RFC 3339).
    pub fn quota_api_key(reset: impl Into<String>) -> Self {
        let reset = reset.into();
        let mut answer = ErrorAnswer::rate_limit("Number of requests has exceeded your per-minute rate limit.");
        answer.retry_at = reset.parse::<jiff::Timestamp>().ok().and_then(|at| u64::try_from(at.as_second()).ok());
        answer.headers = crate::limits::exhausted_requests(&reset);
        answer.into()
    }

    /// 429 with nothing but `retry-after`: seconds or an HTTP date.
    pub fn throttle(retry_after: impl Into<String>) -> Self {
        ErrorAnswer::rate_limit("Too many requests.").header("retry-after", retry_after).into()
    }

    /// 429 with `retry-after` as an HTTP date.
    pub fn throttle_until(at: SystemTime) -> Self {
        Self::throttle(httpdate::fmt_http_date(at))
    }

    /// 429 without any hint.
    pub fn bare_429() -> Self {
        ErrorAnswer::rate_limit("Too many requests.").into()
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::status(401, "authentication_error", "invalid x-api-key")
    }

    /// 402.
    pub fn billing() -> Self {
        Self::status(402, "billing_error", "Your credit balance is too low to access the API.")
    }

    /// 400 for an account over its spend limit.
    pub fn spend_limit() -> Self {
        ErrorAnswer::new(400, "invalid_request_error", "You have reached your specified API usage limits.")
            .error_code("enforced_spend_limit_reached")
            .into()
    }

    /// 400 for an organisation on hold.
    pub fn on_hold() -> Self {
        ErrorAnswer::new(400, "invalid_request_error", "This organization is on hold.")
            .error_code("organization_on_hold")
            .into()
    }

    /// 400 that is the client's own fault.
    pub fn bad_request() -> Self {
        Self::status(400, "invalid_request_error", "max_tokens: Field required")
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::status(404, "not_found_error", "model: claude-none")
    }

    /// 413.
    pub fn too_large() -> Self {
        Self::status(413, "request_too_large", "Request exceeds the maximum size")
    }

    /// 422.
    pub fn unprocessable() -> Self {
        Self::status(422, "invalid_request_error", "Unprocessable entity")
    }

    /// 403 for a model the account may not use.
    pub fn forbidden_model() -> Self {
        Self::status(403, "permission_error", "Your account does not have access to this model.")
    }

    /// 529.
    pub fn overloaded() -> Self {
        Self::status(529, "overloaded_error", "Overloaded")
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::status(503, "api_error", "Service unavailable")
    }

    /// 500.
    pub fn server_error() -> Self {
        Self::status(500, "api_error", "Internal server error")
    }

    /// Adds a response header to a reply or an error answer; the other steps send none of their own.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        match &mut self {
            Self::Reply(reply) => reply.headers.push((name.into(), value.into())),
            Self::Status(answer) => answer.headers.push((name.into(), value.into())),
            _ => {}
        }
        self
    }

    /// Adds a `set-cookie` header, see [`Step::header`].
    #[must_use]
    pub fn set_cookie(self, value: impl Into<String>) -> Self {
        self.header("set-cookie", value)
    }
}

impl From<Reply> for Step {
    fn from(reply: Reply) -> Self {
        Self::reply(reply)
    }
}

impl From<ErrorAnswer> for Step {
    fn from(answer: ErrorAnswer) -> Self {
        Self::Status(Box::new(answer))
    }
}
