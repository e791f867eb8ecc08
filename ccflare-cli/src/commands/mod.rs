//! What is done. One file a noun.

use anyhow::{Result, bail};
use ccflare_core::control::{ControlError, views::AuditQuery};

use crate::{
    args::{Arguments, Command, Keys},
    connect::{connect, existing},
    print,
};

mod account;
mod agent;
mod config;
mod confirm;
mod doctor;
mod key;
mod keys;
mod login;
mod logs;
mod maintenance;
mod manual;
mod open;
mod placement;
mod request;
mod requests;
#[cfg(feature = "serve")]
mod serve;
mod sums;
mod tui;
mod workspace;

pub(crate) use config::Config;
pub(crate) use maintenance::Maintenance;
pub(crate) use placement::Explain;
pub(crate) use request::Request;
pub(crate) use sums::{Analytics, Analyze, Session, Stats};

/// Does what was typed.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { flags, output, server, command } = arguments;
    let Some(command) = command else { return tui::run(&flags, server).await };
    match command {
        #[cfg(feature = "serve")]
        Command::Serve => serve::run(&flags).await,
        Command::Account(verb) => account::run(verb, async || connect(&flags, server.clone()).await, output).await,
        Command::Request(verb) => request::run(verb, &*connect(&flags, server).await?, output).await,
        Command::Session(verb) => sums::session(verb, &*connect(&flags, server).await?, output).await,
        Command::Stats(wanted) => sums::stats(wanted, async || connect(&flags, server.clone()).await, output).await,
        Command::Analytics(wanted) => sums::analytics(wanted, &*connect(&flags, server).await?, output).await,
        Command::Analyze(wanted) => sums::analyze(wanted, &*connect(&flags, server).await?, output).await,
        Command::Maintenance(verb) => maintenance::run(verb, &flags, server, output).await,
        Command::Requests(wanted) => requests::run(wanted, &*connect(&flags, server).await?, output).await,
        Command::Keys(Keys::Rotate) => keys::rotate(&flags, output),
        Command::Key(verb) => key::run(verb, async || connect(&flags, server.clone()).await, output).await,
        Command::Config(verb) => config::run(verb, &flags, server, output).await,
        Command::Doctor => doctor::run(&flags, server, output).await,
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::pages(dir.as_deref()),
        Command::Agent(verb) => agent::run(verb, &*connect(&flags, server).await?, output).await,
        Command::Workspace(verb) => workspace::run(verb, &*connect(&flags, server).await?, output).await,
        Command::Open { print } => open::run(print, &*connect(&flags, server).await?, output).await,
        Command::Strategy { name } => placement::strategy(name, &*connect(&flags, server).await?, output).await,
        Command::Explain(wanted) => placement::explain(wanted, &*connect(&flags, server).await?, output).await,
        Command::Logs(wanted) => logs::run(wanted, &*connect(&flags, server).await?, output).await,
        Command::Audit { limit, before } => {
            let entries = connect(&flags, server).await?.audit(AuditQuery { before, limit }).await?;
            print::audit(&entries, output)
        }
        Command::Status => {
            let Some(control) = existing(&flags, server).await? else {
                bail!(ControlError::Unavailable(
                    "no server runs, and there is no database yet; `ccflare serve` begins".into()
                ))
            };
            print::status(&control.status().await?, output)
        }
    }
}
