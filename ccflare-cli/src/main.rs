//! `ccflare`: serves, and works a server (or its database, when none is running) from the terminal.

mod aliases;
mod args;
mod commands;
mod connect;
mod doctor;
mod exit;
mod print;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> exit::Exit {
    let arguments = args::Arguments::parse_from(aliases::translate(std::env::args_os().collect()));
    match commands::run(arguments).await {
        Ok(()) => exit::Exit::Done,
        // Whoever reads along (`| head`) has seen enough.
        Err(error) if exit::is_hang_up(&error) => exit::Exit::Done,
        Err(error) => {
            if !error.is::<exit::Unwell>() {
                print::error(&error);
            }
            exit::Exit::of(&error)
        }
    }
}
