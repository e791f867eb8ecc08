//! `ccflare maintenance …`: care of the database.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, bail};
use ccflare_core::{
    control::{
        Control, ControlError,
        views::{MaintenanceTask, MaintenanceView},
    },
    store::RedbStore,
};
use ccflare_server::config::{Config, Flags, Places};
use clap::Subcommand;
use url::Url;

use super::confirm;
use crate::{args::Output, connect::connect, print};

/// Between two looks at how far it has come.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Debug, Subcommand)]
pub(crate) enum Maintenance {
    /// Show how large everything is
    Sizes,
    /// Delete what is older than it is to be kept, now instead of within the hour
    Cleanup,
    /// Give free room inside the database file back to the disk
    Compact,
    /// Look at every record and at the file
    Check,
    /// Copy everything to backups/NAME.redb beside the database, also while the server works
    ///
    /// The copy is sealed with the same key: keep that, too, but elsewhere.
    Backup {
        /// The copy's name [default: the moment]
        name: Option<String>,
    },
    /// Put a backup in the place of the database; the server has to be stopped
    Restore {
        /// The backup's file, such as backups/NAME.redb beside the database
        file: PathBuf,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub(super) async fn run(verb: Maintenance, flags: &Flags, server: Option<Url>, output: Output) -> Result<()> {
    let task = match verb {
        Maintenance::Restore { file, yes } => return restore(&file, yes, flags, output),
        Maintenance::Sizes => {
            let control = connect(flags, server).await?;
            return print::care::sizes(&control.sizes().await?, output);
        }
        Maintenance::Cleanup => MaintenanceTask::Cleanup,
        Maintenance::Compact => MaintenanceTask::Compact,
        Maintenance::Check => MaintenanceTask::Check,
        Maintenance::Backup { name } => MaintenanceTask::Backup { name },
    };
    let control = connect(flags, server).await?;
    let ended = carry_out(task, &*control).await?;
    if let Some(error) = &ended.error {
        bail!("{}: {error}", ended.task);
    }
    print::care::ended(&ended, output)?;
    let problems = ended.result.and_then(|result| result.problems).unwrap_or_default();
    if problems.is_empty() { Ok(()) } else { bail!("the database has problems; restore a backup, or report them") }
}

/// Begins a task and looks on until it ends.
async fn carry_out(task: MaintenanceTask, control: &dyn Control) -> Result<MaintenanceView> {
    let mut seen = control.begin_maintenance(task).await?;
    let bar = print::care::Bar::new(&seen.task);
    while seen.state == "running" {
        bar.show(seen.done, seen.total);
        tokio::time::sleep(LOOK).await;
        match control.maintenance().await? {
            Some(now) => seen = now,
            None => bail!("the server was started anew meanwhile; look into its log"),
        }
    }
    Ok(seen)
}

fn restore(file: &Path, yes: bool, flags: &Flags, output: Output) -> Result<()> {
    let config = Config::of_process(flags, &Places::of_user().map_err(anyhow::Error::msg)?)?;
    let database = config.database();
    if !file.is_file() {
        let message =
            format!("there is no file {}; backups lie in the folder backups beside the database", file.display());
        return Err(ControlError::NotFound(message).into());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    confirm::name(&format!("replace {} with {name:?}", database.display()), &name, yes)?;
    let old = RedbStore::restore(file, &database, &config.master()?)?;
    let old = old.map_or_else(String::new, |old| format!("; what was there is {} now", old.display()));
    print::done(&format!("{} is in place{old}", file.display()), output)
}
