//! `ccflare` alone: the terminal face.

use std::{
    io::{IsTerminal, stdin, stdout},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};
use ccflare_core::{
    clock::SystemClock,
    control::{ControlError, GatewayControl, Remote},
};
use ccflare_server::{
    Running,
    config::{Config, Flags, Places},
};
use ccflare_tui::{Colours, Connected, Face};
use tokio::{runtime::Handle, task::spawn_blocking, time::timeout};
use url::Url;

use super::login::has_browser;
use crate::{connect, print};

const NO_TERMINAL: &str = "without a command ccflare shows a face on a terminal, and this is none; `ccflare --help` lists \
                           the commands, `ccflare serve` serves, `ccflare status` tells how the server stands";

/// A server on this machine that does not answer within this time is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// The server in this process, if there is one.
type Own = Arc<Mutex<Option<Running>>>;

pub(super) async fn run(flags: &Flags, server: Option<Url>) -> Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!(NO_TERMINAL);
    }
    let own = Own::default();
    let place = server.as_ref().map_or_else(|| "looking for the server".to_owned(), ToString::to_string);
    let connect = Box::pin(find(flags.clone(), server, Arc::clone(&own)));
    let (colours, clock) = (Colours::of(|name| std::env::var(name).ok()), Arc::new(SystemClock::new()));
    let face = Face { colours, place, connect, browse: Some(browse), clock };
    let runtime = Handle::current();
    let shown = spawn_blocking(move || ccflare_tui::run(face, &runtime)).await;
    let running = own.lock().ok().and_then(|mut own| own.take());
    if let Some(running) = running {
        print::progress("stopping the server: requests under way may finish");
        running.stop().await;
    }
    shown?
}

/// The server that was named; else the one of this database, if it runs; else one in this process.
async fn find(flags: Flags, server: Option<Url>, own: Own) -> Result<Connected> {
    if let Some(server) = server {
        let place = server.to_string();
        let control = connect::connect(&flags, Some(server)).await?;
        return Ok(Connected { control, place, note: None });
    }
    let config = Config::of_process(&flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    let address = connect::address(&config)?;
    if let Some(token) = connect::token(&config) {
        let remote = Remote::new(address.clone(), token)?;
        match timeout(PATIENCE, remote.status()).await {
            Ok(Ok(_)) => {
                return Ok(Connected { control: Arc::new(remote), place: shown(&address), note: None });
            }
            Ok(Err(error @ ControlError::Unauthorized(_))) => return Err(error.into()),
            _ => {}
        }
    }
    start(config, own).await
}

/// An address without what goes without saying.
fn shown(address: &Url) -> String {
    let text = address.to_string();
    text.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

#[cfg(feature = "serve")]
async fn start(config: Config, own: Own) -> Result<Connected> {
    // Lines on standard error would tear the screen.
    ccflare_server::logging::init_unseen(&config.log_level).map_err(anyhow::Error::msg)?;
    let running = ccflare_server::start(config).await?;
    let (control, place) = (Arc::clone(&running.control), running.address.to_string());
    let note = Some(format!("no server was running, so this process serves {place} while it is open"));
    *own.lock().map_err(|_| anyhow!("the face is gone"))? = Some(running);
    Ok(Connected { control, place, note })
}

#[cfg(not(feature = "serve"))]
async fn start(config: Config, _: Own) -> Result<Connected> {
    let address = connect::address(&config)?;
    Err(anyhow!("no server answers at {address}; name another with --server URL, or start one there"))
}

fn browse(address: &str) {
    if has_browser() {
        // Not opening is no failure: the address stands there, and can be copied.
        let _ = webbrowser::open(address);
    }
}
