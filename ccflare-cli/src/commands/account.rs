//! `ccflare account …`.

use std::{
    io::{IsTerminal, Read, stdin},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use ccflare_core::{
    control::{
        Control,
        views::{AccountEdit, NewAccount, NewLogin},
    },
    domain::Secret,
};

use super::{confirm, login};
use crate::{
    args::{Account, Add, Login, Output},
    print,
};

pub(super) async fn run(
    verb: Account,
    connect: impl AsyncFn() -> Result<Arc<dyn Control>>,
    output: Output,
) -> Result<()> {
    match verb {
        Account::Add(Add { oauth: Some(server), name, base_url, priority, tier, way, .. }) => {
            let server = Some(server).filter(|server| !server.is_empty());
            let wanted = NewLogin { name, server, base_url, priority, tier, ..NewLogin::default() };
            login::run(wanted, way, connect, output).await
        }
        Account::Login(Login { account, server_name, way }) => {
            let wanted = NewLogin { account: Some(account), server: server_name, ..NewLogin::default() };
            login::run(wanted, way, connect, output).await
        }
        Account::Add(add) => {
            let new = new_account(add)?;
            let added = connect().await?.add_account(new).await?;
            print::account(&format!("account {:?} added", added.name), &added, output)
        }
        Account::Remove { account, yes } => remove(&account, yes, connect, output).await,
        verb => at_once(verb, &*connect().await?, output).await,
    }
}

async fn at_once(verb: Account, control: &dyn Control, output: Output) -> Result<()> {
    let (account, edit, done) = match verb {
        Account::Login(_) | Account::Add(_) | Account::Remove { .. } => bail!("somebody has to be asked first"),
        Account::List => return print::accounts(&control.accounts().await?, output),
        Account::Pause { account } => (account, AccountEdit::Pause, "paused".to_owned()),
        Account::Resume { account } => (account, AccountEdit::Resume, "resumed".to_owned()),
        Account::Rename { account, name } => {
            let done = format!("renamed to {name:?}");
            (account, AccountEdit::Rename(name), done)
        }
        Account::Priority { account, priority } => {
            (account, AccountEdit::Priority(priority), format!("at priority {priority}"))
        }
        Account::Tier { account, tier } => (account, AccountEdit::Tier(tier), format!("at tier {}", u8::from(tier))),
    };
    let is_renamed = matches!(edit, AccountEdit::Rename(_));
    let changed = control.edit_account(&account, edit).await?;
    // It may have been given by its id.
    let name = if is_renamed { &account } else { &changed.name };
    print::account(&format!("account {name:?} {done}"), &changed, output)
}

fn new_account(add: Add) -> Result<NewAccount> {
    let key = key(add.key_env.as_deref(), &add.name)?;
    let mut account = NewAccount::with_key(&add.name, key);
    account.provider = add.provider;
    account.base_url = add.base_url;
    account.priority = add.priority;
    account.tier = add.tier;
    Ok(account)
}

/// The key: from a variable if one is named, from standard input if something is piped in, else asked for unseen.
fn key(variable: Option<&str>, name: &str) -> Result<Secret> {
    let text = if let Some(variable) = variable {
        std::env::var(variable).with_context(|| format!("the environment variable {variable} is not set"))?
    } else if stdin().is_terminal() {
        rpassword::prompt_password(format!("API key of {name:?} (not shown): "))?
    } else {
        let mut text = String::new();
        stdin().read_to_string(&mut text).context("can't read the key from standard input")?;
        text
    };
    let key = Secret::new(&text);
    if key.is_empty() {
        bail!("no key was given: type it, pipe it in, or name a variable with --key-env");
    }
    Ok(key)
}

async fn remove(
    account: &str,
    yes: bool,
    connect: impl AsyncFn() -> Result<Arc<dyn Control>>,
    output: Output,
) -> Result<()> {
    let accounts = connect().await?.accounts().await?;
    let by_id = accounts.iter().find(|known| known.id == account);
    let found = by_id.or_else(|| accounts.iter().find(|known| known.name == account));
    let name = found.map_or(account, |found| &found.name);
    if found.is_some() {
        confirm::name(&format!("remove the account {name:?}"), name, yes)?;
    }
    connect().await?.remove_account(account, name).await?;
    print::done(&format!("account {name:?} removed"), output)
}
