//! `ccflare request …`: what was asked, who answered, what it cost.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use ccflare_core::control::{
    Control, ExportFormat,
    views::{RequestFilter, RequestPageQuery},
};
use clap::{Args, Subcommand};

use crate::{args::Output, print};

/// Requests that are read at once for an export.
const PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(crate) enum Request {
    /// Show finished requests, newest first
    List {
        #[command(flatten)]
        which: Which,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those older than the one with this id
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Show one request and every try
    Show {
        /// Its id
        id: String,
        /// Show what it carried, if that was kept
        #[arg(long)]
        payload: bool,
    },
    /// Write requests to a file or standard output, newest first
    Export {
        #[command(flatten)]
        which: Which,
        /// csv or jsonl
        #[arg(long, default_value = "csv")]
        format: ExportFormat,
        /// At most so many [default: all]
        #[arg(long)]
        limit: Option<usize>,
        /// The file; it must not be there yet [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output_file: Option<PathBuf>,
    },
}

/// Which requests.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Which {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Only those of this conversation
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Only those whose client saw this status, such as 429
    #[arg(long, value_name = "STATUS")]
    pub(crate) status_code: Option<u16>,
    /// Only those that arrived then or later, such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Only those that arrived earlier
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

/// Of whom; each may be given several times, and `none` stands for requests without one.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Of {
    /// Of this account, by name or id
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Of this model
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Of this agent
    #[arg(long = "agent", value_name = "AGENT")]
    agents: Vec<String>,
    /// With this client key, by name or id
    #[arg(long = "key", value_name = "KEY")]
    client_keys: Vec<String>,
    /// all, success, error, answered, failed, cut, cancelled or interrupted
    #[arg(long)]
    status: Option<String>,
}

impl Of {
    pub(crate) fn filter(self) -> RequestFilter {
        let list = |names: Vec<String>| (!names.is_empty()).then(|| names.join(","));
        RequestFilter {
            accounts: list(self.accounts),
            models: list(self.models),
            agents: list(self.agents),
            client_keys: list(self.client_keys),
            status: self.status,
        }
    }
}

fn query(which: Which, limit: usize, before: Option<String>) -> RequestPageQuery {
    let Which { of, session, status_code, from, to } = which;
    RequestPageQuery { before, limit, from, to, session, status_code, filter: of.filter() }
}

pub(super) async fn run(verb: Request, control: &dyn Control, output: Output) -> Result<()> {
    match verb {
        Request::List { which, limit, before } => {
            print::requests(&control.requests(query(which, limit, before)).await?, output)
        }
        Request::Show { id, payload: true } => print::payload(&control.payload(&id).await?, output),
        Request::Show { id, payload: false } => print::request(&control.request(&id).await?, output),
        Request::Export { which, format, limit, output_file } => {
            let query = query(which, PAGE, None);
            let Some(path) = output_file else {
                return export(control, query, format, limit, &mut io::stdout().lock()).await.map(drop);
            };
            let file = File::create_new(&path).with_context(|| format!("can't make {}", path.display()))?;
            let mut file = BufWriter::new(file);
            let count = export(control, query, format, limit, &mut file).await?;
            file.flush().with_context(|| format!("can't write {}", path.display()))?;
            print::done(&format!("{count} requests are in {}", path.display()), output)
        }
    }
}

/// Writes page by page, and says how many there were.
async fn export(
    control: &dyn Control,
    mut query: RequestPageQuery,
    format: ExportFormat,
    limit: Option<usize>,
    into: &mut (impl Write + ?Sized),
) -> Result<usize> {
    let (mut left, mut count) = (limit.unwrap_or(usize::MAX), 0);
    let mut text = format.head();
    loop {
        let page = control.requests(query.clone()).await?;
        for request in page.requests.iter().take(left) {
            text.push_str(&format.row(request));
            count += 1;
        }
        left = left.saturating_sub(page.requests.len());
        into.write_all(text.as_bytes())?;
        text.clear();
        query.before = page.next;
        if query.before.is_none() || left == 0 {
            return Ok(count);
        }
    }
}
