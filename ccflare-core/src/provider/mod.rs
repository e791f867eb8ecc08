//! What ccflare has to know about an API: which paths it may be asked for, how a credential goes on the wire, how its
//! answers are judged, and where they say what was used.
//!
//! The balancer knows no header name; it asks a [`Provider`].

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;

use crate::domain::{Account, Limits, Timestamp, Usage};

pub mod anthropic;
mod named;
mod providers;
mod verdict;

pub use anthropic::Anthropic;
pub use named::{Named, Tells, Told};
pub use providers::Providers;
pub use verdict::Verdict;

/// One API. Stateless: what it learns goes into the account.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// Its name in accounts and records.
    fn name(&self) -> &'static str;

    /// Whether a request may go upstream at all: an allow-list, on a path that hides nothing.
    fn permits(&self, method: &Method, path: &str) -> bool;

    /// Whether sending the request twice leaves no trace upstream but its price. Only then is it sent again when it
    /// may have arrived already.
    fn repeatable(&self, method: &Method, path: &str) -> bool;

    /// Makes the request for the wire: absolute URL, exactly one credential, no header that must not cross.
    /// Without an account the client's own credentials stay.
    ///
    /// # Errors
    /// If no valid URL or header can be made of the parts; says which.
    fn prepare(
        &self,
        request: &Request<Bytes>,
        account: Option<&Account>,
    ) -> Result<Request<Full<Bytes>>, PrepareError>;

    /// Takes out of an answer's headers what must not reach the client: hop-by-hop headers and cookies.
    fn release(&self, headers: &mut HeaderMap);

    /// What the headers of an answer by `model` say of the account's limits and organisation.
    fn observe(&self, headers: &HeaderMap, model: Option<&str>, now: Timestamp) -> Observation;

    /// Judges an answer.
    fn classify(&self, answer: Answer<'_>, now: Timestamp) -> Verdict;

    /// The status a stream's first bytes stand for, if they say that it failed before it began
    /// (an `error` event as the first one); and that event's data, to judge as an error body.
    fn failed_start<'a>(&self, first: &'a [u8]) -> Option<(StatusCode, &'a [u8])>;

    /// What to do with a stream's event of this name; asked before its data is looked at.
    fn interest(&self, event: &[u8]) -> Interest;

    /// Reads one event of a stream, of a name in which there is [`Interest::Read`].
    fn read_event(&self, event: &[u8], data: &[u8], reading: &mut Reading);

    /// Reads a whole body that is no stream.
    fn read_body(&self, body: &[u8], reading: &mut Reading);

    /// The things that live on one account and are named by a request: it has to go to that account.
    fn named(&self, request: &Request<Bytes>) -> Named {
        let _ = request;
        Named::default()
    }

    /// Whether a stream's event of this name may tell of such things.
    fn may_tell(&self, tells: Tells, event: &[u8]) -> bool {
        let _ = (tells, event);
        false
    }

    /// Gives every such thing that an event's data, or a whole body, tells of to `learn`.
    fn told(&self, tells: Tells, data: &[u8], learn: &mut dyn FnMut(Told<'_>)) {
        let _ = (tells, data, learn);
    }
}

/// An answer, as far as it is read before it is judged.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The beginning of an error's body (up to 64 KiB, decoded); empty for a good answer.
    pub body: &'a [u8],
    /// The model that was asked for.
    pub model: Option<&'a str>,
}

/// Put into an answer's extensions: who gave it, and who can read it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The account that answered; `None` if the client's own credentials went on.
    pub account: Option<Arc<Account>>,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// Who can read it.
    pub provider: Arc<dyn Provider>,
}

/// What an answer's headers tell about its account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// Its limit windows, if the answer names any.
    pub limits: Option<Limits>,
    /// Its organisation.
    pub organization: Option<Arc<str>>,
}

/// What the meter does with a stream's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing.
    None,
    /// It carries content: the first one is the time of the first token.
    Content,
    /// Its data is read.
    Read,
}

/// What a body said, as read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The model that answers.
    pub model: Option<Box<str>>,
    /// What it used.
    pub usage: Usage,
    /// Whether a stream has begun with a message. Others end as they like.
    pub begun: bool,
    /// Whether the body reached its proper end (a stream's last event; a body that could be parsed).
    pub complete: bool,
    /// The error that the body reports, at most a line: `overloaded_error: Overloaded`.
    pub error: Option<Box<str>>,
}

/// Why a request can't be made for the wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// Address and path make no URL.
    #[error("the account's address and the request's path make no URL")]
    Url,
    /// The credential has characters that a header can't carry.
    #[error("the credential of account {0:?} can't be sent as a header; enter it again")]
    Credential(Arc<str>),
}
