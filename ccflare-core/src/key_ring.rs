//! The client keys as they are this very moment.
//!
//! A snapshot that requests read without a lock and without the store; whoever makes or revokes a key puts a new
//! snapshot in its place, so a revoked key opens nothing from the very next request on.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    domain::{ClientKey, KeyDigest, KeyState, Timestamp, client_key::key_in},
    error::Refusal,
};

/// Where clients put their keys: the names that the API itself uses.
const KEY_HEADERS: [HeaderName; 2] = [HeaderName::from_static("x-api-key"), header::AUTHORIZATION];

/// All client keys by their digests, shared by everybody who needs one.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: ArcSwap<HashMap<KeyDigest, Arc<ClientKey>>>,
}

impl KeyRing {
    /// A ring of these keys.
    #[must_use]
    pub fn new(keys: Vec<ClientKey>) -> Self {
        let ring = Self::default();
        ring.replace(keys);
        ring
    }

    /// Puts these keys in the place of all that were there.
    pub fn replace(&self, keys: Vec<ClientKey>) {
        let by_digest = keys.into_iter().map(|key| (key.digest, Arc::new(key))).collect();
        self.keys.store(Arc::new(by_digest));
    }

    /// Who asks: the owner of the client key in these headers, or nobody if there is none.
    ///
    /// The lookup goes by the key's digest: how long it takes says nothing about keys that are near it.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] for a key that is unknown, expired or revoked, for several different keys, and,
    /// if keys are `required`, for none.
    pub fn admit(
        &self,
        headers: &HeaderMap,
        required: bool,
        now: Timestamp,
    ) -> Result<Option<Arc<ClientKey>>, Refusal> {
        let names = KEY_HEADERS;
        let values = names.iter().flat_map(|name| headers.get_all(name)).map(HeaderValue::as_bytes);
        let mut texts = values.filter_map(key_in);
        let Some(text) = texts.next() else {
            return if required { Err(refused(NO_KEY)) } else { Ok(None) };
        };
        if texts.any(|other| other != text) {
            return Err(refused("two different ccflare keys were sent; send one"));
        }
        let key = self.keys.load().get(&KeyDigest::of(text)).map(Arc::clone);
        let key = key.ok_or_else(|| refused("this ccflare key is unknown; `ccflare key create` makes one"))?;
        match key.state(now) {
            KeyState::Valid => Ok(Some(key)),
            KeyState::Expired => Err(dead(&key, "has expired")),
            KeyState::Revoked => Err(dead(&key, "was revoked")),
        }
    }
}

const NO_KEY: &str = "this server wants a ccflare key: send it as `x-api-key` or `authorization: Bearer`; \
                      `ccflare key create NAME` on the server makes one";

fn refused(message: &str) -> Refusal {
    Refusal::NotAuthenticated { message: message.to_owned() }
}

fn dead(key: &ClientKey, what: &str) -> Refusal {
    let message =
        format!("the ccflare key {:?} {what}; `ccflare key create` or `ccflare key rotate` makes another", key.name);
    Refusal::NotAuthenticated { message }
}
