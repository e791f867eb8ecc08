//! Logins at the desk of this process.

use async_trait::async_trait;

use super::Local;
use crate::{
    control::{
        ControlError, LoginControl,
        views::{AccountView, LoginView, NewLogin},
    },
    store::StoreError,
};

#[async_trait]
impl LoginControl for Local {
    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        let account = login.account.as_deref().map(|account| self.find(account)).transpose()?;
        self.logins.begin(login, account, &self.providers).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        // What the line has queued for the account comes before its new tokens.
        self.catch_up().await;
        let id = self.logins.complete(session, pasted).await?;
        let account = self.pool.get(id).ok_or(StoreError::NoSuchAccount)?;
        Ok(self.view(&account))
    }
}
