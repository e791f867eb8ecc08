//! Finds what an operator's tool has to work on.

use std::{path::PathBuf, sync::Arc};

use url::Url;

use super::{Audited, Control, ControlError, Local, Logs, Remote, SettingsControl};
use crate::{
    agents::Registry,
    clock::Clock,
    domain::Secret,
    intercept::{Conversations, InterceptLayer},
    live::Live,
    logs::LogFolder,
    oauth::AuthorizationServers,
    store::{MasterKey, RedbStore, StoreError},
};

/// Where to look.
#[derive(Debug)]
pub struct Place {
    /// A server that was named; then nothing else is looked at.
    pub server: Option<Url>,
    /// Where the server of this database listens while it runs.
    pub address: Url,
    /// The database.
    pub database: PathBuf,
    /// Where the key comes from that it is sealed with.
    pub master: MasterKey,
    /// The admin token, if one can be found.
    pub token: Option<Secret>,
    /// Where accounts may log in, for what is done without a server.
    pub servers: AuthorizationServers,
    /// The settings, for what is done without a server.
    pub settings: Option<Arc<dyn SettingsControl>>,
    /// What a server would go by, for what is done without one.
    pub live: Live,
    /// What the server logged, for what is done without it.
    pub logs: PathBuf,
    /// The time, for what is done without a server.
    pub clock: Arc<dyn Clock>,
}

/// A server that was named, else the database itself, else (it is in use) the server that uses it.
///
/// # Errors
/// [`ControlError::Unauthorized`] if a server has to be asked and no token can be found; the store's own errors.
pub async fn connect(place: Place) -> Result<Arc<dyn Control>, ControlError> {
    let Place { server, address, database, master, token, servers, settings, live, logs, clock } = place;
    if let Some(server) = server {
        return Ok(Arc::new(remote(server, token)?));
    }
    let in_use = database.clone();
    let opened = tokio::task::spawn_blocking(move || RedbStore::open_with(&database, &master));
    match opened.await.map_err(|error| ControlError::Unavailable(error.to_string()))? {
        Ok(store) => {
            let store = Arc::new(store);
            let options = live.now();
            let (registry, _) =
                Registry::open(options.agents.clone(), Arc::clone(&store) as _, Arc::clone(&clock)).await?;
            let directory = Arc::new(registry.agents());
            let compatible = options.compatible_models.clone();
            let intercept = InterceptLayer::new(Conversations::default(), Some(directory), compatible);
            let intercept = intercept.following(live.clone());
            let logs = Logs { folder: Some(LogFolder::new(logs)), switch: None };
            let local = Local::offline_with(Arc::clone(&store) as _, servers, live, Arc::clone(&clock)).await?;
            let local = local.with_settings(settings).with_agents(registry).intercepting(intercept).with_logs(logs);
            Ok(Arc::new(Audited::new(Arc::new(local), store, clock)))
        }
        Err(StoreError::Locked { .. }) => Ok(Arc::new(remote(address, token)?.using(in_use))),
        Err(error) => Err(error.into()),
    }
}

fn remote(server: Url, token: Option<Secret>) -> Result<Remote, ControlError> {
    let token = token.ok_or_else(|| {
        let message = format!(
            "speaking to {server} needs its admin token: set CCFLARE_ADMIN_TOKEN, or name the server's --data-dir"
        );
        ControlError::Unauthorized(message)
    })?;
    Remote::new(server, token)
}
