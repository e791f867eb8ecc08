//! The mock as a server of its own, for load runs and for scripts in other languages.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use ccflare_mock::{
    Framing, KeyConfig, LimitAfter, MockConfig, MockOAuth, MockUpstream, RateLimits, Reply, UnifiedLimits, Usage,
};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

/// A scripted upstream that speaks the Messages API.
#[derive(Parser)]
#[command(name = "ccflare-mock", version)]
struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Text deltas in a stream
    #[arg(long, default_value_t = 3)]
    deltas: usize,
    /// Bytes of text in each delta
    #[arg(long, default_value_t = 16)]
    delta_bytes: usize,
    /// Wait before every delta but the first
    #[arg(long, default_value_t = 0)]
    pace_ms: u64,
    /// How a stream is cut into writes
    #[arg(long, value_enum, default_value_t = FramingArg::EventPerWrite)]
    framing: FramingArg,
    /// Compress for clients that accept gzip
    #[arg(long)]
    gzip: bool,
    /// Usage: uncached input tokens
    #[arg(long, default_value_t = 10)]
    input: u64,
    /// Usage: output tokens
    #[arg(long, default_value_t = 20)]
    output: u64,
    /// Known keys, each of an organisation of its own; others get 401
    #[arg(long, value_delimiter = ',')]
    keys: Vec<String>,
    /// After N requests the key answers 429 until the reset
    #[arg(long, value_name = "KEY=N[:RESET_SECONDS]", value_parser = limit)]
    limit_key_after: Vec<(String, LimitAfter)>,
    /// Send the rate-limit headers of a subscription
    #[arg(long)]
    unified: bool,
    /// Keep every request for GET /_mock/requests
    #[arg(long)]
    record: bool,
    /// Serve an authorization server as well, whose access tokens live so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "28800")]
    oauth: Option<u64>,
    /// Say nothing but the address
    #[arg(long)]
    quiet: bool,
    /// Threads; one for each core if 0
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum FramingArg {
    EventPerWrite,
    Burst,
    OneWrite,
    PerByte,
    Crlf,
    Comments,
}

impl From<FramingArg> for Framing {
    fn from(framing: FramingArg) -> Self {
        match framing {
            FramingArg::EventPerWrite => Self::EventPerWrite,
            FramingArg::Burst => Self::Burst,
            FramingArg::OneWrite => Self::OneWrite,
            FramingArg::PerByte => Self::PerByte,
            FramingArg::Crlf => Self::Crlf,
            FramingArg::Comments => Self::Comments,
        }
    }
}

/// `KEY=N[:RESET_SECONDS]`; an hour if the seconds are missing.
fn limit(text: &str) -> Result<(String, LimitAfter)> {
    let (key, rest) = text.rsplit_once('=').context("expected KEY=N[:RESET_SECONDS]")?;
    let (requests, seconds) = rest.split_once(':').unwrap_or((rest, "3600"));
    let reset = Duration::from_secs(seconds.parse().context("RESET_SECONDS is no number")?);
    Ok((key.to_owned(), LimitAfter { requests: requests.parse().context("N is no number")?, reset }))
}

impl Args {
    fn config(&self) -> Result<MockConfig> {
        let reply = Reply {
            deltas: self.deltas,
            delta_bytes: self.delta_bytes,
            pace: Duration::from_millis(self.pace_ms),
            framing: self.framing.into(),
            gzip: self.gzip,
            usage: Usage::new(self.input, self.output),
            ..Reply::default()
        };
        let limits = if self.unified { RateLimits::Unified(unified()?) } else { RateLimits::None };
        let other_keys = KeyConfig::limits(limits);
        let mut config = MockConfig { addr: Some(self.listen), reply, other_keys, ..MockConfig::default() };
        for (number, key) in self.keys.iter().enumerate() {
            // Each of an organisation of its own: those of one share their limits.
            let organization = format!("00000000-0000-4000-8000-{:012}", number + 2);
            config.keys.insert(key.clone(), KeyConfig { organization, ..config.other_keys.clone() });
        }
        Ok(if self.record { config } else { config.without_record() })
    }

    /// Quotas hold for unknown keys, too, and make no key known.
    fn quotas(&self, mock: &MockUpstream) {
        for (key, limit) in &self.limit_key_after {
            mock.limit_after(key, *limit);
        }
    }
}

/// A subscription with room in both windows.
fn unified() -> Result<UnifiedLimits> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    Ok(UnifiedLimits::allowed((0.3, now + 3_600), (0.2, now + 259_200)))
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if args.threads > 0 {
        runtime.worker_threads(args.threads);
    }
    runtime.enable_all().build()?.block_on(run(&args))
}

async fn run(args: &Args) -> Result<()> {
    // Before the first line: whoever reads it may end the mock at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mock = MockUpstream::try_start(args.config()?).await.context("cannot listen")?;
    args.quotas(&mock);
    let oauth = match args.oauth {
        Some(life) => Some(MockOAuth::start(life).await.context("cannot listen")?),
        None => None,
    };
    let mut out = std::io::stdout();
    writeln!(out, "ccflare-mock listening on {}", mock.url())?;
    if let Some(oauth) = &oauth {
        writeln!(out, "authorize_url = \"{}\"\ntoken_url = \"{}\"", oauth.authorize_url(), oauth.token_url())?;
    }
    out.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    mock.drain(Duration::from_secs(2)).await;
    if !args.quiet {
        let totals = mock.totals();
        writeln!(std::io::stderr(), "{}", serde_json::to_string(&totals)?)?;
    }
    Ok(())
}
