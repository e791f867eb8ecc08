//! Writes down who changed what: a [`Control`] around another one.
//!
//! Whoever carries out a wish for somebody says so with [`on_behalf_of`]; what is done outside of it is this process's
//! own doing. A task's own variable, not an argument: no route can forget to pass it on.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;

use super::{
    Control, ControlError,
    views::{
        AccountEdit, AccountView, AuditQuery, AuditView, BrowserLinkView, ClientKeyView, LoginView, NewAccount,
        NewClientKey, NewKeyView, NewLogin, PayloadView, RequestPage, RequestPageQuery, RequestView, StatusView,
    },
};
use crate::{
    clock::Clock,
    domain::{Actor, AuditEntry, AuditId},
    store::Store,
};

tokio::task_local! {
    static ACTOR: Actor;
}

/// Does `work`, and has every change made in it written down as `actor`'s.
pub async fn on_behalf_of<T>(actor: Actor, work: impl Future<Output = T>) -> T {
    ACTOR.scope(actor, work).await
}

/// Carries out wishes as `inner` does, and writes every change, done or refused, to the audit log.
#[derive(Debug)]
pub struct Audited {
    inner: Arc<dyn Control>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl Audited {
    /// What is done through it is written down in `store`.
    #[must_use]
    pub fn new(inner: Arc<dyn Control>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { inner, store, clock }
    }

    /// Writes one change down, and passes its result on. The change has happened by then: a log that can't be written
    /// is an error in the server's own log, and does not pretend that nothing was done.
    async fn note<T>(&self, action: &str, subject: &str, done: Result<T, ControlError>) -> Result<T, ControlError> {
        let at = self.clock.now();
        let entry = AuditEntry {
            id: AuditId::new(at),
            at,
            actor: ACTOR.try_with(Actor::clone).unwrap_or(Actor::Local),
            action: action.to_owned(),
            subject: subject.chars().take(LONGEST).collect(),
            refused: done.as_ref().err().map(|error| error.to_string().chars().take(LONGEST).collect()),
        };
        if let Err(error) = self.store.write_audit(&entry).await {
            tracing::error!(%error, action, subject, "the audit log can't be written");
        }
        done
    }
}

/// Names are short; what is longer was meant to fill the log.
const LONGEST: usize = 200;

#[async_trait]
impl Control for Audited {
    async fn status(&self) -> Result<StatusView, ControlError> {
        self.inner.status().await
    }

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

    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        self.inner.requests(query).await
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.inner.request(id).await
    }

    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        let subject = login.account.clone().unwrap_or_else(|| login.name.clone());
        self.note("login.begin", &subject, self.inner.begin_login(login).await).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        let done = self.inner.complete_login(session, pasted).await;
        let subject = done.as_ref().map_or_else(|_| session.to_owned(), |account| account.name.clone());
        self.note("login.complete", &subject, done).await
    }

    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.inner.client_keys().await
    }

    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError> {
        let name = key.name.clone();
        self.note("key.create", &name, self.inner.create_client_key(key).await).await
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        self.note("key.revoke", key, self.inner.revoke_client_key(key).await).await
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        self.note("key.rotate", key, self.inner.rotate_client_key(key).await).await
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        self.note("browser.link", "", self.inner.browser_link().await).await
    }

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        // What people said is nobody's business by default: who looks at it is written down.
        self.note("request.payload", id, self.inner.payload(id).await).await
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        self.inner.audit(query).await
    }
}
