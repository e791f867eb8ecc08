//! `ccflare completions` and `ccflare man`: made from the definition of the command line itself.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Arguments, print};

pub(super) fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ccflare", &mut script);
    print::bytes(&script)
}

/// The page of `ccflare` itself on standard output, or one page a command into a folder.
pub(super) fn pages(folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
        return print::bytes(&page);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    clap_mangen::generate_to(Arguments::command(), folder)
        .with_context(|| format!("can't write into {}", folder.display()))?;
    writeln!(io::stderr(), "The pages are in {}; read them with `man -l {0}/ccflare.1`.", folder.display())?;
    Ok(())
}
