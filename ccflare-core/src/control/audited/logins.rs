//! Logins, written down.

use async_trait::async_trait;

use super::Audited;
use crate::control::{
    ControlError, LoginControl,
    views::{AccountView, LoginView, NewLogin},
};

#[async_trait]
impl LoginControl for Audited {
    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        let subject = login.account.clone().unwrap_or_else(|| login.name.clone());
        self.note("login.begin", &subject, self.inner.begin_login(login).await).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        let done = self.inner.complete_login(session, pasted).await;
        let subject = done.as_ref().map_or_else(|_| session.to_owned(), |account| account.name.clone());
        self.note("login.complete", &subject, done).await
    }
}
