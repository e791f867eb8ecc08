//! `ccflare open`.

use std::process::{Command, Stdio};

use anyhow::Result;
use ccflare_core::control::Control;

use crate::{args::Output, print};

pub(super) async fn run(print_only: bool, control: &dyn Control, output: Output) -> Result<()> {
    let link = control.browser_link().await?;
    print::link(&link, output)?;
    if !print_only && !output.json {
        // Printed already: where there is no browser the link goes to one elsewhere.
        drop(browser().arg(&link.url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn());
    }
    Ok(())
}

fn browser() -> Command {
    if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    }
}
