//! What is typed.

use std::path::PathBuf;

mod agents;

pub(crate) use agents::{Agent, EditAgent, Workspace};
use ccflare_server::config::Flags;
use clap::{Args, Parser, Subcommand};
use url::Url;

pub(crate) use crate::commands::{Analytics, Analyze, Config, Explain, Maintenance, Request, Session, Stats};

const EXAMPLES: &str = "\
Examples:
  ccflare                                     watch and steer from this terminal
  ccflare serve                               serve on 127.0.0.1:8080
  ccflare account add work                    add an account; its key is asked for
  ccflare account add ci < key.txt            the key from a file
  ccflare account add ci --key-env MY_KEY     the key from a variable
  ccflare account add me --oauth              log in at a configured authorization server
  ccflare account list                        who can serve, who can't, and why
  ccflare key create laptop --expires 90d     a key for a client; shown once
  ccflare agent prefer reviewer opus          a model for an agent, whatever it asks for
  ccflare open                                log the browser in
  ccflare request list --limit 20             what was asked, who answered, what it cost
  ccflare analytics --range 7d                what it adds up to, by account, agent and model
  ccflare maintenance backup                  a copy of everything, while the server works

Point clients at the server:
  export ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_API_KEY=unused";

/// Several accounts of AI APIs behind one endpoint.
///
/// Commands work on the running server; without one, straight on its database. Without a command: a face for this
/// terminal, on the running server or on one of its own.
#[derive(Debug, Parser)]
#[command(name = "ccflare", version, about, after_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(flatten)]
    pub(crate) output: Output,
    /// The server to work [default: the one that uses the database here, if it is running]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<Url>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Output {
    /// Print JSON; what is listed or shown has the shape that the server's API gives it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until stopped
    #[cfg(feature = "serve")]
    #[command(after_help = ccflare_server::config::help())]
    Serve,
    /// Add, show and change accounts
    #[command(subcommand)]
    Account(Account),
    /// Show finished requests, one or many, or write them to a file
    #[command(subcommand)]
    Request(Request),
    /// What `request list` and `request show` do
    #[command(hide = true)]
    Requests(Requests),
    /// Show conversations, their agents and what they cost
    #[command(subcommand)]
    Session(Session),
    /// Show everything since the statistics began, or begin them anew
    Stats(Stats),
    /// Show what the requests of a time add up to
    Analytics(Analytics),
    /// Report what is slow, what fails, what the cache does, and how large the database is
    Analyze(Analyze),
    /// Care for the database: clean up, compact, check, back up, restore
    #[command(subcommand)]
    Maintenance(Maintenance),
    /// Show how the server stands
    Status,
    /// Show which strategy decides, or let another one decide from now on
    Strategy {
        /// `session`: one account for everybody. `conversation`: each conversation stays where its cache is
        name: Option<String>,
    },
    /// Show what would happen to a request now: whom the server would ask, in which order, and why. Nothing is sent
    Explain(Explain),
    /// The master key: what secrets are sealed with on disk
    #[command(subcommand)]
    Keys(Keys),
    /// Make, show and take back the keys that clients carry
    #[command(subcommand)]
    Key(Key),
    /// Show, change and check the settings
    #[command(subcommand)]
    Config(Config),
    /// Look at files, key, clock, port, accounts and environment, and say what to do about what is found
    Doctor,
    /// Print what completes commands in a shell, such as `ccflare completions bash`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual, or write a page for each command into a folder
    Man {
        /// The folder
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Show agents, and prefer models for them
    #[command(subcommand)]
    Agent(Agent),
    /// The directories that agents work in
    #[command(subcommand)]
    Workspace(Workspace),
    /// Log this machine's browser in to the running server
    Open {
        /// Only print the link; it is good once, for a minute
        #[arg(long)]
        print: bool,
    },
    /// Show what was logged, and what is being logged
    Logs(LogLines),
    /// Show what operators changed, newest first
    Audit {
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only those older than the one with this id
        #[arg(long, value_name = "ID")]
        before: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct LogLines {
    /// Go on with lines as they come, until stopped
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many
    #[arg(long = "lines", short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub(crate) lines: u64,
    /// As grave as this or graver: error, warn, info, debug, trace
    #[arg(long)]
    pub(crate) level: Option<ccflare_core::logs::LogLevel>,
    /// Only with this text in them, in whatever case
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// Only about the request with this id
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key; it is shown once
    Create(CreateKey),
    /// Show all keys
    List,
    /// Take a key back, for good
    Revoke {
        /// Its name or id
        key: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Exchange a key for a new one of the same name and rights; it is shown once
    Rotate {
        /// Its name or id
        key: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateKey {
    /// Whose it is, or where it is used
    pub(crate) name: String,
    /// After how long it stops to work, such as 12h or 90d [default: never]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) expires: Option<u64>,
    /// A model it may ask for, or the beginning of one and a *; may be given several times [default: all]
    #[arg(long = "model", value_name = "MODEL")]
    pub(crate) models: Vec<String>,
    /// An account that may serve it, by name or id; may be given several times [default: all]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Add an account by its API key (read from standard input, a prompt or a variable; never an argument), or by login
    Add(Add),
    /// Log an account in again: new tokens, everything else stays
    Login(Login),
    /// Show all accounts in the order in which they are tried
    List,
    /// Remove an account; its records stay
    Remove {
        /// Its name or id
        account: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Take an account out until it is resumed
    Pause {
        /// Its name or id
        account: String,
    },
    /// Put an account back, and forget why it was closed
    Resume {
        /// Its name or id
        account: String,
    },
    /// Call an account otherwise
    Rename {
        /// Its name or id
        account: String,
        /// Its new name
        name: String,
    },
    /// Move an account in the order: lower numbers go first
    Priority {
        /// Its name or id
        account: String,
        /// 0 is the first
        priority: u32,
    },
    /// State an account's size
    Tier {
        /// Its name or id
        account: String,
        /// 1, 5 or 20
        #[arg(value_parser = tier)]
        tier: ccflare_core::domain::Tier,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What to call it
    pub(crate) name: String,
    /// The API it belongs to
    #[arg(long, default_value = "anthropic")]
    pub(crate) provider: String,
    /// Where its API lives, if not at the provider's own address
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Who goes first: lower numbers do
    #[arg(long, default_value_t = 0)]
    pub(crate) priority: u32,
    /// Its size: 1, 5 or 20
    #[arg(long, value_parser = tier)]
    pub(crate) tier: Option<ccflare_core::domain::Tier>,
    /// Read the key from this environment variable
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) key_env: Option<String>,
    /// Log in at this authorization server ([oauth.SERVER] in ccflare.toml) instead; without a name, at the only one
    #[arg(long, value_name = "SERVER", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(conflicts_with_all = ["key_env", "provider"])]
    pub(crate) oauth: Option<String>,
    #[command(flatten)]
    pub(crate) way: Way,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Its name or id
    pub(crate) account: String,
    /// At this authorization server; its own if not given
    #[arg(long, value_name = "SERVER")]
    pub(crate) server_name: Option<String>,
    #[command(flatten)]
    pub(crate) way: Way,
}

/// How somebody logs in.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Way {
    /// Open no browser: show the address, and wait for what it leads to
    #[arg(long)]
    pub(crate) no_browser: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Seal everything anew under a new key; the server has to be stopped
    ///
    /// A key file is replaced by a new one, a passphrase gets a new salt, and a key that is given by CCFLARE_MASTER_KEY
    /// gives way to the one in CCFLARE_NEXT_MASTER_KEY. Whenever this is cut short, the next start finishes it or
    /// forgets it.
    Rotate,
}

#[derive(Debug, Args)]
pub(crate) struct Requests {
    /// Only this one
    pub(crate) id: Option<String>,
    /// Show what it carried, if that was kept
    #[arg(long, requires = "id")]
    pub(crate) payload: bool,
    /// How many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// Only those older than the one with this id
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<String>,
}

fn seconds(text: &str) -> Result<u64, String> {
    ccflare_server::config::duration(text)
        .map(|time| time.as_secs())
        .map_err(|expected| format!("it must be {expected}"))
}

fn tier(text: &str) -> Result<ccflare_core::domain::Tier, String> {
    let number: u8 = text.parse().map_err(|_| "a tier is 1, 5 or 20".to_owned())?;
    number.try_into().map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_key_cannot_be_an_argument() {
        assert!(Arguments::try_parse_from(["ccflare", "account", "add", "work", "sk-ant-api03-key"]).is_err());
    }
}
