//! Client keys, made and taken back in this process.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Local;
use crate::{
    control::{
        ControlError, KeyControl,
        views::{ClientKeyView, NewClientKey, NewKeyView},
    },
    domain::{ClientKey, ClientKeyId, KeyDigest, KeyState, Timestamp, client_key::generate_key},
};

/// A ring is read whole at each change, and people have to read the list.
const MOST_KEYS: usize = 10_000;

#[async_trait]
impl KeyControl for Local {
    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.catch_up().await;
        let keys = self.store.client_keys().await?;
        Ok(keys.iter().map(|key| self.key_view(key)).collect())
    }

    async fn create_client_key(&self, new: NewClientKey) -> Result<NewKeyView, ControlError> {
        let _one_at_a_time = self.key_changes.lock().await;
        if self.store.client_keys().await?.len() >= MOST_KEYS {
            return Err(ControlError::Conflict(format!("there are {MOST_KEYS} client keys already")));
        }
        let (secret, now) = (generate_key(), self.clock.now());
        let key = ClientKey {
            id: ClientKeyId::new(now),
            name: super::valid_name(&new.name)?.into(),
            digest: KeyDigest::of(secret.expose()),
            created: now,
            expires: new.expires_in_seconds.map(|seconds| expiry(now, seconds)).transpose()?,
            revoked: None,
            models: new.models.iter().map(|model| valid_model(model)).collect::<Result<_, _>>()?,
            accounts: self.ids_of(&new.accounts)?,
            last_used: None,
        };
        self.put(&key).await?;
        Ok(NewKeyView { client_key: self.key_view(&key), key: secret })
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        let _one_at_a_time = self.key_changes.lock().await;
        let key = self.find_key(key).await?;
        if key.revoked.is_some() {
            return Err(ControlError::Conflict(format!("client key {:?} is revoked already", key.name)));
        }
        let revoked = ClientKey { revoked: Some(self.clock.now()), ..key };
        self.put(&revoked).await?;
        Ok(self.key_view(&revoked))
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        let _one_at_a_time = self.key_changes.lock().await;
        let key = self.find_key(key).await?;
        if key.state(self.clock.now()) != KeyState::Valid {
            let message = format!("client key {:?} does not work any more; make a new one", key.name);
            return Err(ControlError::Conflict(message));
        }
        let secret = generate_key();
        let rotated = ClientKey { digest: KeyDigest::of(secret.expose()), ..key };
        self.put(&rotated).await?;
        Ok(NewKeyView { client_key: self.key_view(&rotated), key: secret })
    }
}

impl Local {
    /// In the store first: a key that opens the door is one that will open it after a crash. The ring is read before, so that
    /// nothing can fail between the two. `key_changes` is held by the caller, since it looked for the key.
    async fn put(&self, key: &ClientKey) -> Result<(), ControlError> {
        let mut keys = self.store.client_keys().await?;
        self.store.put_client_key(key).await?;
        keys.retain(|known| known.id != key.id);
        keys.push(key.clone());
        self.keys.replace(keys);
        Ok(())
    }

    /// By id first, then by name; of several with one name the one that works, else the latest.
    async fn find_key(&self, key: &str) -> Result<ClientKey, ControlError> {
        let keys = self.store.client_keys().await?;
        let by_id = key.parse().ok().and_then(|id: ClientKeyId| keys.iter().find(|known| known.id == id));
        let named = || keys.iter().filter(|known| *known.name == *key);
        let found = by_id.or_else(|| named().find(|known| known.revoked.is_none())).or_else(|| named().next_back());
        found.cloned().ok_or_else(|| ControlError::NotFound(format!("there is no client key {key:?}")))
    }

    fn ids_of(&self, accounts: &[String]) -> Result<Vec<crate::domain::AccountId>, ControlError> {
        accounts.iter().map(|account| self.find(account).map(|account| account.id)).collect()
    }

    fn key_view(&self, key: &ClientKey) -> ClientKeyView {
        let account =
            |id| self.pool.get(id).map_or_else(|| format!("{id} (removed)"), |account| account.name.to_string());
        ClientKeyView {
            id: key.id.to_string(),
            name: key.name.to_string(),
            state: key.state(self.clock.now()).as_str().to_owned(),
            created: key.created.to_string(),
            expires: key.expires.map(|at| at.to_string()),
            revoked: key.revoked.map(|at| at.to_string()),
            last_used: key.last_used.map(|at| at.to_string()),
            models: key.models.iter().map(|model| model.to_string()).collect(),
            accounts: key.accounts.iter().map(|id| account(*id)).collect(),
        }
    }
}

fn expiry(now: Timestamp, seconds: u64) -> Result<Timestamp, ControlError> {
    if seconds == 0 {
        return Err(ControlError::Invalid("a key that expires at once opens nothing".to_owned()));
    }
    Ok(now + Duration::from_secs(seconds))
}

fn valid_model(model: &str) -> Result<Arc<str>, ControlError> {
    let model = model.trim();
    let is_name = (1..=200).contains(&model.len()) && model.chars().all(|c| c.is_ascii_graphic());
    let has_one_star_at_most = !model.trim_end_matches('*').contains('*') && !model.ends_with("**");
    if is_name && has_one_star_at_most {
        return Ok(model.into());
    }
    Err(ControlError::Invalid(format!("{model:?} is no model: give its name, or its beginning and a * at the end")))
}
