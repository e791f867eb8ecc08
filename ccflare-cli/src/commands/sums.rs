//! `ccflare stats`, `analytics`, `session` and `analyze`: what requests add up to.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use ccflare_core::control::{
    Control,
    views::{AnalyticsQuery, RequestFilter, RequestPageQuery, SessionPageQuery},
};
use clap::{Args, Subcommand};

use super::{confirm, request::Of};
use crate::{args::Output, print};

#[derive(Debug, Args)]
pub(crate) struct Stats {
    #[command(subcommand)]
    verb: Option<StatsVerb>,
}

#[derive(Debug, Subcommand)]
enum StatsVerb {
    /// Show everything since the statistics began
    Show,
    /// Forget all finished requests, with what they carried and add up to
    Reset {
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Analytics {
    /// 1h, 6h, 24h, 7d or 30d
    #[arg(long, short, conflicts_with = "from")]
    range: Option<String>,
    /// From when instead, such as 2026-11-25T08:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    /// Running sums over the time
    #[arg(long)]
    cumulative: bool,
    /// A point for each model, in JSON
    #[arg(long)]
    model_breakdown: bool,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Show conversations, the one with the latest request first
    List {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those behind this one: what the page before says at its end
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
    /// Show a conversation, its agents and what each cost
    Show {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Analyze {
    /// 1h, 6h, 24h, 7d or 30d
    #[arg(long, short, default_value = "7d")]
    range: String,
    /// How many of the slowest, and of each kind
    #[arg(long, default_value_t = 10)]
    top: usize,
}

/// The latest requests among which the slowest are looked for.
const LOOKED_AT: usize = 1000;

pub(super) async fn stats(
    stats: Stats,
    connect: impl AsyncFn() -> Result<Arc<dyn Control>>,
    output: Output,
) -> Result<()> {
    match stats.verb.unwrap_or(StatsVerb::Show) {
        StatsVerb::Show => print::sums::stats(&connect().await?.stats().await?, output),
        StatsVerb::Reset { yes } => {
            confirm::name("forget all finished requests", "reset", yes)?;
            let reset = connect().await?.reset_stats().await?;
            print::done(&format!("{} finished requests are forgotten", reset.removed_requests), output)
        }
    }
}

pub(super) async fn analytics(wanted: Analytics, control: &dyn Control, output: Output) -> Result<()> {
    let Analytics { range, from, to, cumulative, model_breakdown, of } = wanted;
    let mode = cumulative.then(|| "cumulative".to_owned());
    let query = AnalyticsQuery { range, from, to, mode, model_breakdown, filter: of.filter() };
    print::sums::analytics(&control.analytics(query).await?, output)
}

pub(super) async fn session(verb: Session, control: &dyn Control, output: Output) -> Result<()> {
    match verb {
        Session::List { limit, before } => {
            print::sums::sessions(&control.sessions(SessionPageQuery { before, limit }).await?, output)
        }
        Session::Show { id } => print::sums::session(&control.session(&id).await?, output),
    }
}

/// Looks at everything that may be slow, and times the looking.
pub(super) async fn analyze(wanted: Analyze, control: &dyn Control, output: Output) -> Result<()> {
    let mut timings = Vec::new();
    let begun = Instant::now();
    let query = AnalyticsQuery { range: Some(wanted.range), ..AnalyticsQuery::default() };
    let analytics = control.analytics(query).await?;
    timings.push(("sums", begun.elapsed()));
    let begun = Instant::now();
    let latest = control.requests(RequestPageQuery::newest(LOOKED_AT)).await?.requests;
    timings.push(("the latest requests", begun.elapsed()));
    let begun = Instant::now();
    let filter = RequestFilter { status: Some("error".to_owned()), ..RequestFilter::default() };
    let errors = control.requests(RequestPageQuery { filter, ..RequestPageQuery::newest(LOOKED_AT) }).await?.requests;
    timings.push(("the latest errors", begun.elapsed()));
    let begun = Instant::now();
    let sizes = control.sizes().await?;
    timings.push(("sizes", begun.elapsed()));
    let report = print::analyze::Report::new(&analytics, &latest, &errors, sizes, &timings, wanted.top);
    print::analyze::report(&report, output)
}
