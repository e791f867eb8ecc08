//! `ccflare config …`.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use ccflare_core::control::{
    ControlError, SettingsControl,
    views::{SettingView, SettingsEdit},
};
use ccflare_server::config::{Flags, Places, Sources, schema};
use clap::Subcommand;
use url::Url;

use crate::{args::Output, connect, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show what is in effect, and where it came from
    Show {
        /// Show the variables that set it, its default and what it is, too
        #[arg(long)]
        origin: bool,
    },
    /// Show one setting's value
    Get {
        /// Its name
        key: String,
    },
    /// Write a setting into the file; it takes effect at once or with the next start
    Set {
        /// Its name
        key: String,
        /// Its value, as it stands in the file
        value: String,
    },
    /// Take a setting out of the file
    Unset {
        /// Its name
        key: String,
    },
    /// Say whether flags, environment and file make sense; exit code 0, or 2 with the place and the reason
    Check {
        /// This file instead of the one that would be read
        file: Option<PathBuf>,
    },
    /// Have the running server read its settings anew
    Reload,
    /// Print the file's JSON schema, for editors
    Schema,
}

pub(super) async fn run(verb: Config, flags: &Flags, server: Option<Url>, output: Output) -> Result<()> {
    let settings = async || connect::settings(flags, server.clone()).await;
    match verb {
        Config::Show { origin } => print::settings::all(&settings().await?.settings().await?, origin, output),
        Config::Get { key } => print::settings::one(&get(&*settings().await?, &key).await?, output),
        Config::Set { key, value } => change(settings().await?, &key, Some(value), output).await,
        Config::Unset { key } => change(settings().await?, &key, None, output).await,
        Config::Check { file } => check(flags, file, output),
        Config::Reload => print::settings::reloaded(&settings().await?.reload_settings().await?, output),
        Config::Schema => print::json(&schema()),
    }
}

async fn get(settings: &dyn SettingsControl, key: &str) -> Result<SettingView> {
    let all = settings.settings().await?.settings;
    let found = all.into_iter().find(|setting| setting.key == key);
    let missing = || ControlError::NotFound(format!("there is no setting {key}; `ccflare config show` lists them"));
    Ok(found.ok_or_else(missing)?)
}

async fn change(settings: Arc<dyn SettingsControl>, key: &str, value: Option<String>, output: Output) -> Result<()> {
    let edit = SettingsEdit { set: [(key.to_owned(), value)].into(), version: None };
    let after = settings.change_settings(edit).await?;
    let changed = after.settings.iter().find(|setting| setting.key == key);
    changed.map_or(Ok(()), |setting| print::settings::changed(setting, output))
}

fn check(flags: &Flags, file: Option<PathBuf>, output: Output) -> Result<()> {
    let flags = Flags { config: file.or_else(|| flags.config.clone()), ..flags.clone() };
    let sources = Sources::of_process(&flags, &Places::of_user().map_err(anyhow::Error::msg)?);
    sources.read()?;
    let file = sources.file().display();
    let message = if sources.file().exists() {
        format!("{file} is right")
    } else {
        format!("there is no {file}; the rest is right")
    };
    print::done(&message, output)
}
