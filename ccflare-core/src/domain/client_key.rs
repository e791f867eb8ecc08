//! Keys that clients of the proxy carry: who may ask, for which models, over which accounts.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use super::{AccountId, ClientKeyId, Secret, Timestamp};

/// What every client key begins with, so that people, scanners and the proxy itself know one when they see it.
pub const KEY_PREFIX: &str = "ccf_";

/// A key's fingerprint: all that is kept of it. A key has 256 random bits, so a plain hash hides it for good.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The fingerprint of a key's text.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The fingerprint that is these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyDigest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// A new key of 256 random bits. It is shown to its owner once; everybody else keeps its [`KeyDigest`].
#[must_use]
pub fn generate_key() -> Secret {
    let bits: [u8; 32] = rand::random();
    let text: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
    Secret::new(&format!("{KEY_PREFIX}{text}"))
}

/// A client key, without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey {
    /// Its id; a rotated key keeps it.
    pub id: ClientKeyId,
    /// What people call it; no two keys that work have the same name.
    pub name: Arc<str>,
    /// What is kept of the key itself.
    pub digest: KeyDigest,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it opens nothing any more, if ever.
    pub expires: Option<Timestamp>,
    /// Since when it opens nothing any more, if its owner lost it.
    pub revoked: Option<Timestamp>,
    /// The models it may ask for: names, or beginnings that end in `*`. Empty: all.
    pub models: Vec<Arc<str>>,
    /// The accounts that may serve it. Empty: all. One that is removed stays in the list, so that the list never
    /// becomes empty by itself.
    pub accounts: Vec<AccountId>,
    /// When it was last used, as far as that is written down.
    pub last_used: Option<Timestamp>,
}

/// Whether a key opens the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It does.
    Valid,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl KeyState {
    /// The state as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl ClientKey {
    /// Whether it opens the door at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> KeyState {
        match (self.revoked, self.expires) {
            (Some(_), _) => KeyState::Revoked,
            (None, Some(expires)) if expires <= now => KeyState::Expired,
            _ => KeyState::Valid,
        }
    }

    /// Whether it may ask for any model there is.
    #[must_use]
    pub fn permits_any_model(&self) -> bool {
        self.models.is_empty()
    }

    /// Whether it may ask for this model.
    #[must_use]
    pub fn permits_model(&self, model: &str) -> bool {
        let matches = |allowed: &Arc<str>| match allowed.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => **allowed == *model,
        };
        self.permits_any_model() || self.models.iter().any(matches)
    }

    /// Whether this account may serve it.
    #[must_use]
    pub fn permits_account(&self, account: AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(&account)
    }
}

/// The client key in a header's value, wherever it stands in it: `ccf_…`, `Bearer ccf_…`, or one of several.
#[must_use]
pub fn key_in(value: &[u8]) -> Option<&str> {
    let part = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_' && *byte != b'-';
    let found = value.split(part).find(|word| word.starts_with(KEY_PREFIX.as_bytes()))?;
    std::str::from_utf8(found).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn key(models: &[&str]) -> ClientKey {
        ClientKey {
            id: ClientKeyId::new(NOW),
            name: "laptop".into(),
            digest: KeyDigest::of("ccf_1"),
            created: NOW,
            expires: None,
            revoked: None,
            models: models.iter().map(|model| Arc::from(*model)).collect(),
            accounts: Vec::new(),
            last_used: None,
        }
    }

    #[test]
    fn a_key_is_random_recognisable_and_hidden() {
        let (one, other) = (generate_key(), generate_key());
        assert_ne!(one.expose(), other.expose());
        assert_eq!((one.expose().len(), key_in(one.expose().as_bytes())), (4 + 64, Some(one.expose())));
        assert!(!format!("{one:?} {:?}", KeyDigest::of(one.expose())).contains(&one.expose()[4..]));
    }

    #[test]
    fn a_key_is_found_wherever_it_stands_in_a_header() {
        for (value, found) in [
            ("ccf_ab", Some("ccf_ab")),
            ("Bearer ccf_ab", Some("ccf_ab")),
            ("bearer   ccf_ab ", Some("ccf_ab")),
            ("Bearer sk-ant-1, Bearer ccf_ab", Some("ccf_ab")),
            ("\"ccf_ab\"", Some("ccf_ab")),
            ("sk-ant-api03-ccf_ab", None),
            ("Bearer sk-ant-oat01-x", None),
            ("CCF_ab", None),
            ("", None),
        ] {
            assert_eq!(key_in(value.as_bytes()), found, "{value}");
        }
    }

    #[test]
    fn a_key_works_until_it_expires_or_is_revoked() {
        let expiring = ClientKey { expires: Some(NOW), ..key(&[]) };
        assert_eq!(expiring.state(NOW - Duration::from_micros(1)), KeyState::Valid);
        assert_eq!(expiring.state(NOW), KeyState::Expired);
        assert_eq!(ClientKey { revoked: Some(NOW), ..expiring }.state(NOW), KeyState::Revoked);
    }

    #[test]
    fn models_are_allowed_by_name_or_beginning() {
        for (models, model, allowed) in [
            (&[][..], "anything", true),
            (&["claude-haiku-4-5"], "claude-haiku-4-5", true),
            (&["claude-haiku-4-5"], "claude-haiku-4-5-20251001", false),
            (&["claude-haiku-*", "x"], "claude-haiku-4-5-20251001", true),
            (&["claude-haiku-*"], "claude-opus-5-5", false),
            (&["*"], "", true),
        ] {
            assert_eq!(key(models).permits_model(model), allowed, "{models:?} {model}");
        }
    }
}
