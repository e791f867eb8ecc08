//! Status and headers of an answer.

use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::ErrorAnswer;
use crate::body::MockBody;
use crate::limits::now;
use crate::shared::Decision;

/// Status and headers under construction.
pub(crate) struct Head {
    status: u16,
    headers: HeaderMap,
}

impl Head {
    /// 200 and JSON.
    pub(crate) fn new(request_id: &str, organization: &str) -> Self {
        let mut head = Self { status: 200, headers: HeaderMap::with_capacity(16) };
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head.put("request-id", request_id);
        head.put("anthropic-organization-id", organization);
        head
    }

    /// Replaces a header. A value that cannot be one turns the answer into a 500: a mistake in a script is
    /// then seen instead of missed.
    fn put(&mut self, name: &str, value: &str) {
        match pair(name, value) {
            Some((name, value)) => drop(self.headers.insert(name, value)),
            None => self.status = 500,
        }
    }

    /// The script's headers: the first of a name replaces what is there, further ones are added.
    fn extra(&mut self, headers: &[(String, String)]) {
        for (index, (name, value)) in headers.iter().enumerate() {
            let first = !headers[..index].iter().any(|(before, _)| before.eq_ignore_ascii_case(name));
            match pair(name, value) {
                Some((name, value)) if !first => drop(self.headers.append(name, value)),
                _ => self.put(name, value),
            }
        }
    }

    /// The rate limits of the key and the headers of the reply.
    pub(crate) fn good(&mut self, decision: &Decision) {
        self.extra(&decision.headers.limits);
        self.extra(&decision.reply.headers);
    }

    pub(crate) fn error(&mut self, answer: &ErrorAnswer) {
        self.status = answer.code;
        if let Some(at) = answer.retry_at {
            let seconds = at.saturating_sub(now());
            self.headers.insert(RETRY_AFTER, seconds.into());
        }
        self.extra(&answer.headers);
    }

    pub(crate) fn event_stream(&mut self) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }

    pub(crate) fn raw(&mut self) {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }

    pub(crate) fn gzip(&mut self) {
        self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }

    pub(crate) fn into_response(self, body: MockBody) -> Response<MockBody> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        response
    }
}

fn pair(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}
