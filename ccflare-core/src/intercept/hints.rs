//! What the head of a request tells of who asks. It is kept beside the request, whose head goes on without it.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_ENCODING},
};

use super::session::{self, Named};
use crate::domain::ClientKeyId;

const AGENT_ID: HeaderName = HeaderName::from_static("x-claude-code-agent-id");
/// Whose order a sub-agent carries out, where that is another sub-agent.
const PARENT_ID: HeaderName = HeaderName::from_static("x-claude-code-parent-agent-id");
const AGENT_TYPE: HeaderName = HeaderName::from_static("x-claude-code-agent-type");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Longer names and paths are none.
const LONGEST: usize = 1024;

/// What a head tells. Values are shared with it; credentials are among them, so it can't be printed.
pub(super) struct Hints {
    /// The client key that the request came with.
    pub(super) client: Option<ClientKeyId>,
    /// What the client calls the session.
    pub(super) session: Option<Named>,
    pub(super) agent_id: Option<HeaderValue>,
    /// Whether the body can't be read as it is.
    pub(super) is_encoded: bool,
    /// By which clients differ that give their sessions no names.
    pub(super) credentials: [Option<HeaderValue>; 2],
    parent_id: Option<HeaderValue>,
    agent_type: Option<HeaderValue>,
}

impl Hints {
    pub(super) fn of(headers: &HeaderMap, client: Option<ClientKeyId>) -> Self {
        let value = |name: &HeaderName| headers.get(name).cloned();
        let session = session::in_headers(headers, client);
        let credentials = match session {
            Some(_) => [None, None],
            None => [value(&API_KEY), value(&AUTHORIZATION)],
        };
        Self {
            client,
            session,
            agent_id: value(&AGENT_ID),
            is_encoded: headers.contains_key(CONTENT_ENCODING),
            credentials,
            parent_id: value(&PARENT_ID),
            agent_type: value(&AGENT_TYPE),
        }
    }

    pub(super) fn subagent(&self) -> Option<Arc<str>> {
        name(self.agent_id.as_ref())
    }

    pub(super) fn parent(&self) -> Option<Arc<str>> {
        name(self.parent_id.as_ref())
    }

    pub(super) fn agent_type(&self) -> Option<Arc<str>> {
        name(self.agent_type.as_ref())
    }
}

fn name(value: Option<&HeaderValue>) -> Option<Arc<str>> {
    valid(value?.to_str().ok()?)
}

/// A name or a path, not something else.
pub(super) fn valid(text: &str) -> Option<Arc<str>> {
    let text = text.trim();
    ((1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control)).then(|| text.into())
}
