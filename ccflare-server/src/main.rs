//! `ccflare-server`: the server alone. `ccflare serve` is the same.

use ccflare_server::config::{Config, Flags, Places};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves several accounts of AI APIs behind one endpoint.
#[derive(Parser)]
#[command(version, about, after_help = ccflare_server::config::help())]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { flags } = Arguments::parse();
    let places = Places::of_user().map_err(anyhow::Error::msg)?;
    ccflare_server::run(Config::of_process(&flags, &places)?).await
}
