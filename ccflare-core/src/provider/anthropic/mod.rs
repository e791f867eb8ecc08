//! The Messages API of Anthropic.
//!
//! One file for each thing there is to know: which `paths` may be asked for, how `headers` cross, what they say of
//! `limits`, which `ids` live on one account, how an answer is judged (`classify`, from its status, its `error_body` and its `retry_after`), and where
//! the `usage` stands. All of it is pure; what is learned goes into the account.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use url::Url;

use super::{Answer, Interest, Named, Observation, PrepareError, Provider, Reading, Tells, Told, Verdict};
use crate::domain::{Account, Timestamp};

mod classify;
mod error_body;
mod headers;
mod ids;
mod limits;
mod paths;
mod retry_after;
mod usage;

/// Anthropic's API at `https://api.anthropic.com`, or wherever an account's `base_url` says that it is spoken.
#[derive(Clone, Debug, Default)]
pub struct Anthropic {
    base: Option<Url>,
}

impl Anthropic {
    /// The same API at another address: for requests without an account, and for accounts without one of their own.
    #[must_use]
    pub const fn at(base: Url) -> Self {
        Self { base: Some(base) }
    }
}

impl Provider for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn permits(&self, method: &Method, path: &str) -> bool {
        paths::permits(method, path)
    }

    fn repeatable(&self, method: &Method, path: &str) -> bool {
        paths::repeatable(method, path)
    }

    fn prepare(
        &self,
        request: &Request<Bytes>,
        account: Option<&Account>,
    ) -> Result<Request<Full<Bytes>>, PrepareError> {
        headers::prepare(request, account, self.base.as_ref())
    }

    fn release(&self, headers: &mut HeaderMap) {
        headers::release(headers);
    }

    fn observe(&self, headers: &HeaderMap, model: Option<&str>, now: Timestamp) -> Observation {
        limits::observe(headers, model, now)
    }

    fn classify(&self, answer: Answer<'_>, now: Timestamp) -> Verdict {
        classify::classify(answer, now)
    }

    fn failed_start<'a>(&self, first: &'a [u8]) -> Option<(StatusCode, &'a [u8])> {
        usage::failed_start(first)
    }

    fn interest(&self, event: &[u8]) -> Interest {
        usage::interest(event)
    }

    fn read_event(&self, event: &[u8], data: &[u8], reading: &mut Reading) {
        usage::read_event(event, data, reading);
    }

    fn read_body(&self, body: &[u8], reading: &mut Reading) {
        usage::read_body(body, reading);
    }
    fn named(&self, request: &Request<Bytes>) -> Named {
        ids::named(request)
    }

    fn may_tell(&self, tells: Tells, event: &[u8]) -> bool {
        ids::may_tell(tells, event)
    }

    fn told(&self, tells: Tells, data: &[u8], learn: &mut dyn FnMut(Told<'_>)) {
        ids::told(tells, data, learn);
    }
}
