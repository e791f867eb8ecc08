//! `ccflare strategy` and `ccflare explain`.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Read, stdin},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use ccflare_core::control::{Control, views::ExplainRequest};

use crate::{args::Output, print};

/// What is to be explained.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// The file of the request's body; standard input if it is not given, or -
    pub(crate) file: Option<PathBuf>,
    /// A header of the request; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Its path
    #[arg(long, default_value = "/v1/messages")]
    pub(crate) path: String,
    /// Its method
    #[arg(long, default_value = "POST")]
    pub(crate) method: String,
    /// The client key that it would come with, by name or id
    #[arg(long, value_name = "KEY")]
    pub(crate) client_key: Option<String>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is written as NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(super) async fn strategy(name: Option<String>, control: &dyn Control, output: Output) -> Result<()> {
    let view = match &name {
        Some(name) => control.set_strategy(name).await?,
        None => control.strategy().await?,
    };
    print::strategy(&view, output)
}

pub(super) async fn explain(wanted: Explain, control: &dyn Control, output: Output) -> Result<()> {
    let Explain { file, headers, path, method, client_key } = wanted;
    let body = match file.as_deref().filter(|file| *file != Path::new("-")) {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?,
        None => read_standard_input()?,
    };
    let headers: BTreeMap<_, _> = headers.into_iter().collect();
    let request = ExplainRequest { method, path, headers, body, client_key };
    print::explanation(&control.explain(request).await?, output)
}

fn read_standard_input() -> Result<String> {
    if stdin().is_terminal() {
        bail!("what is to be explained? Name the file of a request's body, or pipe it in");
    }
    let mut body = String::new();
    stdin().read_to_string(&mut body).context("can't read the body from standard input")?;
    Ok(body)
}
