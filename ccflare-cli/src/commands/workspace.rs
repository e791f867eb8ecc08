//! `ccflare workspace …`.

use anyhow::{Context, Result};
use ccflare_core::control::Control;

use crate::{
    args::{Output, Workspace},
    print,
};

pub(super) async fn run(verb: Workspace, control: &dyn Control, output: Output) -> Result<()> {
    match verb {
        Workspace::List => print::workspaces(&control.workspaces().await?, output),
        Workspace::Add { path } => {
            // The server may run elsewhere in the tree.
            let path = std::path::absolute(&path).with_context(|| format!("{}", path.display()))?;
            let path = path.to_str().context("a workspace's path is Unicode")?;
            let added = control.add_workspace(path).await?;
            print::done(&format!("workspace {:?} is {}; {} agents", added.name, added.path, added.agent_count), output)
        }
        Workspace::Remove { workspace } => {
            let removed = control.remove_workspace(&workspace).await?;
            print::done(&format!("workspace {:?} ({}) is forgotten", removed.name, removed.path), output)
        }
    }
}
