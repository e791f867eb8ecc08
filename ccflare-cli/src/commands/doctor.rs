//! `ccflare doctor`.

use anyhow::Result;
use ccflare_server::config::{Flags, Places};
use url::Url;

use crate::{args::Output, doctor, exit::Unwell, print};

pub(super) async fn run(flags: &Flags, server: Option<Url>, output: Output) -> Result<()> {
    let places = Places::of_user().map_err(anyhow::Error::msg)?;
    let diagnosis = doctor::look(flags, server.as_ref(), &places).await;
    print::doctor::diagnosis(&diagnosis, output)?;
    if diagnosis.is_bad() { Err(Unwell.into()) } else { Ok(()) }
}
