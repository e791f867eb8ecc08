//! How a mock is set up.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{Economy, RateLimits, Reply};

/// How a mock is set up. The default answers every key with [`Reply::default`] and keeps a full record.
#[derive(Clone, Debug)]
pub struct MockConfig {
    /// Where to listen; a free port of 127.0.0.1 if `None`.
    pub addr: Option<SocketAddr>,
    /// The answer where no script says otherwise.
    pub reply: Reply,
    /// Known keys. If there are any, others get 401.
    pub keys: HashMap<String, KeyConfig>,
    /// What holds for keys not in `keys`.
    pub other_keys: KeyConfig,
    /// The ids `GET /v1/models` lists. `POST /v1/messages` accepts any model.
    pub models: Vec<String>,
    /// Keep a [`Received`](crate::Received) of each request. Off for load runs.
    pub keep_requests: bool,
    /// How many of them; the oldest go first.
    pub capacity: usize,
    /// Whether they hold the bytes of both bodies.
    pub keep_bodies: bool,
    /// Serve the `/_mock/…` endpoints.
    pub control: bool,
    /// Let usage, prices and limits follow from the requests, instead of from replies. A script still comes first.
    pub economy: Option<Economy>,
}

impl Default for MockConfig {
    fn default() -> Self {
        let models = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-haiku-4-5"];
        Self {
            addr: None,
            reply: Reply::default(),
            keys: HashMap::new(),
            other_keys: KeyConfig::default(),
            models: models.map(str::to_owned).to_vec(),
            keep_requests: true,
            capacity: 100_000,
            keep_bodies: true,
            control: true,
            economy: None,
        }
    }
}

impl MockConfig {
    /// The default with these known keys.
    pub fn with_keys<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter().map(|key| (key.into(), KeyConfig::default())).collect();
        Self { keys, ..Self::default() }
    }

    /// The default with this answer.
    pub fn with_reply(reply: Reply) -> Self {
        Self { reply, ..Self::default() }
    }

    /// Adds or replaces a known key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>, config: KeyConfig) -> Self {
        self.keys.insert(key.into(), config);
        self
    }

    /// Holds nothing of a request, so that memory stays flat under load.
    #[must_use]
    pub fn without_record(self) -> Self {
        Self { keep_requests: false, keep_bodies: false, ..self }
    }
}

/// What is special about one key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyConfig {
    /// `anthropic-organization-id`.
    pub organization: String,
    /// Rate-limit headers on good answers.
    pub limits: RateLimits,
    /// A quota of requests.
    pub limit_after: Option<LimitAfter>,
}

impl Default for KeyConfig {
    fn default() -> Self {
        Self {
            organization: "00000000-0000-4000-8000-000000000001".to_owned(),
            limits: RateLimits::None,
            limit_after: None,
        }
    }
}

impl KeyConfig {
    /// A key of this organisation.
    pub fn organization(id: impl Into<String>) -> Self {
        Self { organization: id.into(), ..Self::default() }
    }

    /// A key whose answers carry these headers.
    pub fn limits(limits: RateLimits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// A quota: so many requests, then 429 with unified headers until the reset, then afresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitAfter {
    /// Requests answered before.
    pub requests: u64,
    /// From the first refusal to the reset.
    pub reset: Duration,
}
