//! `ccflare`: serves, and works a server (or its database, when none is running) from the terminal.

mod args;
mod commands;
mod connect;
mod exit;
mod print;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> exit::Exit {
    let arguments = args::Arguments::parse();
    match commands::run(arguments).await {
        Ok(()) => exit::Exit::Done,
        Err(error) => {
            print::error(&error);
            exit::Exit::of(&error)
        }
    }
}
