//! `ccflare keys …`: the master key.

use anyhow::Result;
use ccflare_core::store::{MasterKey, RedbStore, SealKey};
use ccflare_server::config::{Config, Flags, Places};

use crate::{args::Output, print};

/// Works on the database itself: what is sealed has to stand still for it.
pub(super) fn rotate(flags: &Flags, output: Output) -> Result<()> {
    let config = Config::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    let next = std::env::var("CCFLARE_NEXT_MASTER_KEY").ok();
    let next = next.map(|text| SealKey::from_base64(&text)).transpose()?;
    let master = config.master()?;
    let key = RedbStore::rotate(&config.database(), &master, next.as_ref())?;
    let then = match master {
        MasterKey::Given(_) => "; set CCFLARE_MASTER_KEY to it from now on",
        MasterKey::File(_) | MasterKey::Passphrase { .. } => "",
    };
    print::done(&format!("everything is sealed with key {} now{then}", key.id()), output)
}
