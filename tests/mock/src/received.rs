//! The record of one request.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use serde::Serialize;

use crate::Usage;

/// One request exactly as it arrived, and what became of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Counts all requests from 1.
    pub seq: u64,
    /// `x-api-key`, or else the bearer token.
    pub key: Option<String>,
    /// The method.
    pub method: Method,
    /// Path and query as sent.
    pub path_and_query: String,
    /// The version of HTTP.
    pub version: Version,
    /// Headers in the order of their first appearance, names in lower case, repeated ones repeated.
    pub headers: Vec<(String, Bytes)>,
    /// The body; empty unless `keep_bodies`.
    pub body: Bytes,
    /// When the request had been read.
    pub at: Instant,
    /// The connection it came on, counted from 1.
    pub connection: u64,
    /// What became of it.
    pub disposition: Disposition,
    /// The answer's body as handed to the connection: chunks joined, gzip left as it is. Empty unless `keep_bodies`.
    pub sent: Bytes,
}

impl Received {
    /// The first header of this name (lower case), if there is one and it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }

    /// All headers of this name that are text.
    pub fn header_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(known, _)| known == name);
        named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }

    /// The status sent, if any was.
    pub fn status(&self) -> Option<u16> {
        self.disposition.status()
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "disposition", rename_all = "snake_case")]
pub enum Disposition {
    /// No end yet.
    Pending,
    /// The whole answer was handed to the connection.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The usage stated; `None` for errors and answers without one.
        usage: Option<Usage>,
        /// The model named.
        model: Option<String>,
    },
    /// The mock ended the connection before any byte.
    ResetBefore,
    /// The mock cut its answer short: by a fault, or because it was shut down.
    Cut {
        /// The HTTP status; `None` if shut down before.
        status: Option<u16>,
        /// The usage stated so far.
        usage: Option<Usage>,
        /// The model named.
        model: Option<String>,
    },
    /// The client left before the end.
    ClientLeft {
        /// The HTTP status, if the answer had begun.
        status: Option<u16>,
        /// The usage stated so far.
        usage: Option<Usage>,
        /// The model named.
        model: Option<String>,
    },
}

impl Disposition {
    /// The status sent, if any was.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            Self::Cut { status, .. } | Self::ClientLeft { status, .. } => *status,
            Self::Pending | Self::ResetBefore => None,
        }
    }

    /// The usage stated, or as much of it as had been.
    pub fn usage(&self) -> Option<Usage> {
        match self {
            Self::Answered { usage, .. } | Self::Cut { usage, .. } | Self::ClientLeft { usage, .. } => *usage,
            Self::Pending | Self::ResetBefore => None,
        }
    }

    /// Whether the whole answer was handed to the connection.
    pub fn is_answered(&self) -> bool {
        matches!(self, Self::Answered { .. })
    }

    /// Whether the client left before the end.
    pub fn is_client_left(&self) -> bool {
        matches!(self, Self::ClientLeft { .. })
    }
}

/// The identity a request claims: `x-api-key`, or else the bearer token.
pub(crate) fn credential(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get("x-api-key") {
        return key.to_str().ok();
    }
    let (scheme, token) = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Headers as pairs.
pub(crate) fn pairs(headers: &HeaderMap) -> Vec<(String, Bytes)> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), Bytes::copy_from_slice(value.as_bytes()))
    };
    headers.iter().map(pair).collect()
}
