//! `ccflare serve`.

use anyhow::Result;
use ccflare_server::config::{Config, Flags, Places};

pub(super) async fn run(flags: &Flags) -> Result<()> {
    let places = Places::of_user().map_err(anyhow::Error::msg)?;
    ccflare_server::run(Config::of_process(flags, &places)?).await
}
