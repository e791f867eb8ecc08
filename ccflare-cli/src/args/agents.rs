//! `ccflare agent …` and `ccflare workspace …`, as they are typed.

use ccflare_core::control::views::ToolMode;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// Show all agents, the models they have, and what is wrong with their files
    List,
    /// Show one agent, with its prompt
    Show {
        /// Its id or name
        agent: String,
    },
    /// Prefer a model for an agent, whatever it asks for
    Prefer {
        /// Its id or name; an agent that no file defines goes by its name
        agent: String,
        /// A name, an alias (opus, sonnet, haiku, fable: the newest), or inherit: the model that the agent asks for
        model: String,
    },
    /// Prefer a model for every agent that a file defines
    PreferAll {
        /// A name, an alias, or inherit
        model: String,
    },
    /// Forget what is preferred for an agent
    Clear {
        /// Its id or name
        agent: String,
    },
    /// Show or set the model of agents that nothing else is preferred for
    Default {
        /// A name, an alias, or inherit
        model: Option<String>,
        /// Leave them the model that they ask for
        #[arg(long, conflicts_with = "model")]
        clear: bool,
    },
    /// Change what an agent's file says; the rest of the file stays as it is
    Edit(EditAgent),
}

#[derive(Debug, Args)]
pub(crate) struct EditAgent {
    /// Its id or name
    pub(crate) agent: String,
    /// What it is good for
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// The model it asks for; what was preferred for it is forgotten
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// How it is shown
    #[arg(long)]
    pub(crate) color: Option<String>,
    /// A tool it may use; may be given several times
    #[arg(long = "tool", value_name = "TOOL", conflicts_with = "mode")]
    pub(crate) tools: Vec<String>,
    /// The tools it may use, as a set: all, edit, read-only, execution
    #[arg(long, value_parser = mode)]
    pub(crate) mode: Option<ToolMode>,
    /// Its prompt, from this file; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Workspace {
    /// Show all workspaces
    List,
    /// Register a directory, until it is removed
    Add {
        /// Its path
        path: std::path::PathBuf,
    },
    /// Forget a workspace, with its agents; its files stay
    Remove {
        /// Its path or name
        workspace: String,
    },
}

fn mode(text: &str) -> Result<ToolMode, String> {
    match text {
        "all" => Ok(ToolMode::All),
        "edit" => Ok(ToolMode::Edit),
        "read-only" => Ok(ToolMode::ReadOnly),
        "execution" => Ok(ToolMode::Execution),
        _ => Err("a mode is all, edit, read-only or execution; give single tools with --tool".to_owned()),
    }
}
