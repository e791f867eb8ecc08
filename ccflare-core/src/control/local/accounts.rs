//! Accounts, kept in store and pool at once.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{Local, known_provider, valid_name};
use crate::{
    control::{
        AccountControl, ControlError,
        views::{AccountEdit, AccountView, NewAccount},
    },
    domain::{Account, AccountChange, Credential},
    oauth::may_carry_secrets,
    store::StoreError,
};

#[async_trait]
impl AccountControl for Local {
    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError> {
        let mut accounts = self.pool.snapshot();
        accounts.sort_by_key(|account| account.priority);
        Ok(accounts.iter().map(|account| self.view(account)).collect())
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountView, ControlError> {
        let account = self.account(new)?;
        self.store.add_account(&account).await?;
        self.pool.add(account.clone());
        tracing::info!(account = %account.name, "account added");
        Ok(self.view(&account))
    }

    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError> {
        let account = self.find(account)?;
        let change = change(&account, edit)?;
        self.change(account.id, change).await?;
        let changed = self.pool.get(account.id).ok_or(StoreError::NoSuchAccount)?;
        Ok(self.view(&changed))
    }

    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError> {
        let account = self.find(account)?;
        if *account.name != *confirm {
            return Err(ControlError::ConfirmationRequired(account.name.to_string()));
        }
        self.store.remove_account(account.id).await?;
        self.pool.remove(account.id);
        tracing::info!(account = %account.name, "account removed");
        Ok(())
    }
}

impl Local {
    fn account(&self, new: NewAccount) -> Result<Account, ControlError> {
        known_provider(&self.providers, &new.provider)?;
        let name = valid_name(&new.name)?;
        if new.api_key.is_empty() || !new.api_key.expose().chars().all(|c| c.is_ascii_graphic()) {
            let message = "the key is empty or has characters that no key has (spaces, line breaks)";
            return Err(ControlError::Invalid(message.to_owned()));
        }
        let base_url = new.base_url.as_deref().map(valid_base_url).transpose()?;
        let credential = Credential::ApiKey(new.api_key);
        let account = Account::new(name, &new.provider, credential, self.clock.now());
        Ok(Account { base_url: base_url.map(Arc::new), priority: new.priority, tier: new.tier, ..account })
    }
}

/// An address that a key may be sent to: `https`, or `http` on this machine.
///
/// # Errors
/// [`ControlError::Invalid`]: what is wrong with it.
pub fn valid_base_url(text: &str) -> Result<Url, ControlError> {
    // What was typed is not repeated: it may have a password in it.
    let invalid = |why: &str| ControlError::Invalid(format!("the base URL: {why}"));
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if !url.has_host() {
        return Err(invalid("it has no host"));
    }
    if !may_carry_secrets(&url) {
        return Err(invalid("it must begin with https:// (http:// only for this machine): a key is sent there"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it may have a path, but neither user, password, query nor fragment"));
    }
    Ok(url)
}

fn change(account: &Account, edit: AccountEdit) -> Result<AccountChange, ControlError> {
    let already = |what: &str| Err(ControlError::Conflict(format!("account {:?} is {what} already", account.name)));
    Ok(match edit {
        AccountEdit::Pause if account.paused => return already("paused"),
        AccountEdit::Pause => AccountChange::Paused,
        // Resuming one that is not paused still makes sense if it is closed: it forgets why.
        AccountEdit::Resume if !account.paused && account.marks.is_empty() => return already("running"),
        AccountEdit::Resume => AccountChange::Resumed,
        AccountEdit::Rename(name) => AccountChange::Renamed(valid_name(&name)?.into()),
        AccountEdit::Priority(priority) => AccountChange::Prioritized(priority),
        AccountEdit::Tier(tier) => AccountChange::Tiered(tier),
    })
}
