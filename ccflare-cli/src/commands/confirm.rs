//! Asks before something is done that can't be undone.

use std::io::{IsTerminal, stdin};

use anyhow::Result;
use ccflare_core::control::ControlError;

use crate::print;

/// Goes on if `yes` was typed as a flag, or the name is typed now. `act` is what is going to be done. Whoever works straight on
/// the database must not hold it meanwhile: a server could not start.
///
/// # Errors
/// [`ControlError::Invalid`] if something else is typed, or there is nobody to ask.
pub(super) fn name(act: &str, name: &str, yes: bool) -> Result<()> {
    if yes || answer(act, name)? == name {
        return Ok(());
    }
    Err(ControlError::Invalid(format!("that is not {name:?}; nothing was done")).into())
}

/// What somebody types who is asked for the name.
pub(super) fn answer(act: &str, name: &str) -> Result<String> {
    if !stdin().is_terminal() {
        return Err(ControlError::Invalid(format!("to {act} wants a confirmation: add --yes")).into());
    }
    print::prompt(&format!("To {act}, type {name:?} (without quotes): "))?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
