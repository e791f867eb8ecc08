//! What is done. One file a noun.

use anyhow::Result;

use crate::{
    args::{Arguments, Command, Keys},
    connect::connect,
    print,
};

mod account;
mod keys;
mod login;
mod requests;
mod serve;

/// Does what was typed.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let Arguments { flags, output, server, command } = arguments;
    match command {
        Command::Serve => serve::run(&flags).await,
        Command::Account(verb) => account::run(verb, async || connect(&flags, server.clone()).await, output).await,
        Command::Requests(wanted) => requests::run(wanted, &*connect(&flags, server).await?, output).await,
        Command::Keys(Keys::Rotate) => keys::rotate(&flags, output),
        Command::Status => {
            let status = connect(&flags, server).await?.status().await?;
            print::status(&status, output)
        }
    }
}
