//! Finds the server, or the database, that a command is for.

use std::sync::Arc;

use anyhow::Result;
use ccflare_core::{
    clock::SystemClock,
    control::{self, Control, Place},
    domain::Secret,
};
use ccflare_server::config::{Config, Flags, LiveConfig, Places};
use url::Url;

/// The operator's trait, wherever it is carried out.
pub(crate) async fn connect(flags: &Flags, server: Option<Url>) -> Result<Arc<dyn Control>> {
    let config = Config::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    let place = Place {
        server,
        address: address(&config)?,
        database: config.database(),
        master: config.master()?,
        token: token(&config),
        servers: config.servers.clone(),
        settings: config.sources.clone().map(|sources| Arc::new(LiveConfig::new(config.clone(), sources)) as _),
        clock: Arc::new(SystemClock::new()),
    };
    Ok(control::connect(place).await?)
}

/// Where the server of these settings can be reached from this machine.
pub(crate) fn address(config: &Config) -> Result<Url> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let mut address = config.admin_listen.unwrap_or(config.listen);
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(Url::parse(&format!("{scheme}://{address}"))?)
}

pub(crate) fn token(config: &Config) -> Option<Secret> {
    let kept = || std::fs::read_to_string(config.token_file()).ok().map(|text| Secret::new(&text));
    config.admin_token.clone().or_else(kept)
}
