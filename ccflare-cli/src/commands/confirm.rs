//! Asks before something is done that can't be undone.

use std::io::{IsTerminal, stdin};

use anyhow::{Result, bail};

use crate::print;

/// Goes on if `yes` was typed as a flag, or the name is typed now. `act` is what is going to be done to it.
///
/// # Errors
/// If something else is typed, or there is nobody to ask.
pub(super) fn name(act: &str, name: &str, yes: bool) -> Result<()> {
    if yes || answer(act, name)? == name {
        return Ok(());
    }
    bail!("that is not {name:?}; nothing was done")
}

/// What somebody types who is asked for the name.
pub(super) fn answer(act: &str, name: &str) -> Result<String> {
    if !stdin().is_terminal() {
        bail!("to {act} {name:?} wants a confirmation: add --yes");
    }
    print::prompt(&format!("Type {name:?} (without quotes) to {act}: "))?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
