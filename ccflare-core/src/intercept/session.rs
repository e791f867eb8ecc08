//! What a session is called, and by which key it is known here.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use xxhash_rust::xxh3::Xxh3;

use super::{body::Sight, hints::Hints};
use crate::domain::{ClientKeyId, SessionKey};

const SESSION: HeaderName = HeaderName::from_static("x-claude-code-session-id");

/// Longer names are no session ids.
const LONGEST: usize = 200;

/// A session, as the client and as we call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) key: SessionKey,
    /// `None`: the client gives it no name.
    pub(super) name: Option<Arc<str>>,
}

impl Named {
    /// A session of this name. Clients with keys of their own can't meet in it.
    pub(super) fn of(name: &str, client: Option<ClientKeyId>) -> Self {
        let mut hash = Xxh3::with_seed(1);
        if let Some(client) = client {
            hash.update(client.as_bytes());
        }
        hash.update(name.as_bytes());
        Self { key: SessionKey(hash.digest128()), name: Some(name.into()) }
    }
}

/// By what the headers say.
pub(super) fn in_headers(headers: &HeaderMap, client: Option<ClientKeyId>) -> Option<Named> {
    valid(headers.get(SESSION)?.to_str().ok()?).map(|name| Named::of(name, client))
}

/// By what the body says: what the client calls it, else by all that it sends in every turn.
pub(super) fn in_body(sight: &Sight<'_>, hints: &Hints) -> Option<Named> {
    if let Some(name) = sight.user.as_deref().and_then(named_by_user) {
        return Some(Named::of(&name, hints.client));
    }
    let opening = sight.opening?;
    let mut hash = Xxh3::with_seed(2);
    for credential in &hints.credentials {
        hash.update(credential.as_ref().map_or(&[], |value| value.as_bytes()));
        hash.update(b"\n");
    }
    hash.update(sight.tools.unwrap_or_default());
    hash.update(&sight.system.hash.to_le_bytes());
    hash.update(&opening.hash.to_le_bytes());
    Some(Named { key: SessionKey(hash.digest128()), name: None })
}

/// The session that a `metadata.user_id` names: in JSON since 2.1, behind `_session_` before.
fn named_by_user(user: &str) -> Option<Arc<str>> {
    #[derive(serde::Deserialize)]
    struct User {
        session_id: Option<String>,
    }
    if user.starts_with('{') {
        let user: User = serde_json::from_str(user).ok()?;
        return valid(&user.session_id?).map(Into::into);
    }
    let (_, id) = user.rsplit_once("_session_")?;
    let is_uuid = id.len() == 36 && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    is_uuid.then(|| id.into())
}

fn valid(name: &str) -> Option<&str> {
    ((1..=LONGEST).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_graphic())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b45df50c-d2fb-48a7-9a44-2f0d4f6a9c11";

    #[test]
    fn a_user_id_names_its_session_in_the_new_and_the_old_way() {
        let json = format!(r#"{{"device_id":"d","account_uuid":"","session_id":"{ID}"}}"#);
        let old = format!("user_aa_account__session_{ID}");
        for user in [json, old] {
            assert_eq!(named_by_user(&user).as_deref(), Some(ID), "{user}");
        }
        for user in ["user_aa_account__session_", "a_session_B45DF50C", "{}", r#"{"session_id":7}"#, "{", "someone"] {
            assert_eq!(named_by_user(user), None, "{user}");
        }
    }

    #[test]
    fn clients_with_keys_of_their_own_do_not_meet_in_one_session() {
        let [one, other] = [1, 2].map(|byte| Named::of(ID, Some(ClientKeyId::from_bytes([byte; 16]))));
        assert_ne!(one.key, other.key);
        assert_ne!(one.key, Named::of(ID, None).key);
        assert_eq!(one, Named::of(ID, Some(ClientKeyId::from_bytes([1; 16]))));
    }
}
