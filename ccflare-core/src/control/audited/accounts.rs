//! Changes of accounts, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    AccountControl, ControlError,
    views::{AccountEdit, AccountView, NewAccount},
};

#[async_trait]
impl AccountControl for Audited {
    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError> {
        self.inner.accounts().await
    }

    async fn add_account(&self, account: NewAccount) -> Result<AccountView, ControlError> {
        let name = account.name.clone();
        self.note("account.add", &name, self.inner.add_account(account).await).await
    }

    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError> {
        let (action, detail) = match &edit {
            AccountEdit::Pause => ("account.pause", String::new()),
            AccountEdit::Resume => ("account.resume", String::new()),
            AccountEdit::Rename(name) => ("account.rename", format!(" to {name}")),
            AccountEdit::Priority(priority) => ("account.priority", format!(" to {priority}")),
            AccountEdit::Tier(tier) => ("account.tier", format!(" to {}", u8::from(*tier))),
        };
        let done = self.inner.edit_account(account, edit).await;
        self.note(action, &format!("{account}{detail}"), done).await
    }

    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError> {
        self.note("account.remove", account, self.inner.remove_account(account, confirm).await).await
    }
}
