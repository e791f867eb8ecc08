//! Finds the server, or the database, that a command is for.

use std::sync::Arc;

use anyhow::Result;
use ccflare_core::{
    clock::SystemClock,
    control::{self, Control, Place, SettingsControl},
    domain::Secret,
    live::Live,
    oauth::is_here,
};
use ccflare_server::config::{Config, Flags, LiveConfig, Places, Sources};
use url::Url;

/// The operator's trait, wherever it is carried out.
pub(crate) async fn connect(flags: &Flags, server: Option<Url>) -> Result<Arc<dyn Control>> {
    let config = Config::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    let settings = config.sources.clone().map(|sources| LiveConfig::new(config.clone(), sources));
    let live = settings.as_ref().map_or_else(|| Live::new((&config.gateway).into()), LiveConfig::live);
    // The token beside the database is that of this machine's server, and is told to no other unless its directory is named, too.
    let is_own = flags.data_dir.is_some() || server.as_ref().is_none_or(is_here);
    let token = if is_own { token(&config) } else { config.admin_token.clone() };
    let place = Place {
        server,
        address: address(&config)?,
        database: config.database(),
        master: config.master()?,
        token,
        servers: config.servers.clone(),
        settings: settings.map(|settings| Arc::new(settings) as _),
        live,
        logs: config.log_dir.clone(),
        clock: Arc::new(SystemClock::new()),
    };
    Ok(control::connect(place).await?)
}

/// The same, but only if there is something to connect to: no database is made for a look.
pub(crate) async fn existing(flags: &Flags, server: Option<Url>) -> Result<Option<Arc<dyn Control>>> {
    let config = Config::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    // What can't be looked at is no reason to say that nothing is there: connecting says why.
    if server.is_none() && !config.database().try_exists().unwrap_or(true) {
        return Ok(None);
    }
    connect(flags, server).await.map(Some)
}

/// The settings of the running server, else of one that would be started here.
pub(crate) async fn settings(flags: &Flags, server: Option<Url>) -> Result<Arc<dyn SettingsControl>> {
    if let Some(control) = existing(flags, server).await? {
        return Ok(control);
    }
    let sources = Arc::new(Sources::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?));
    Ok(Arc::new(LiveConfig::new(sources.read()?, sources)))
}

/// Where clients on this machine reach the line.
pub(crate) fn line_address(config: &Config) -> Result<Url> {
    at(config, config.listen)
}

/// Where the server of these settings can be reached from this machine.
pub(crate) fn address(config: &Config) -> Result<Url> {
    at(config, config.admin_listen.unwrap_or(config.listen))
}

fn at(config: &Config, mut address: std::net::SocketAddr) -> Result<Url> {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Ok(Url::parse(&format!("{scheme}://{address}"))?)
}

pub(crate) fn token(config: &Config) -> Option<Secret> {
    let kept = || std::fs::read_to_string(config.token_file()).ok().map(|text| Secret::new(&text));
    config.admin_token.clone().or_else(kept)
}
