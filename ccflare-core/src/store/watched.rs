//! Lets somebody watch a store at work: how long each operation takes, and whether it works at all.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    AccountStore, AgentStore, AnalyticsStore, AuditStore, BackedUp, BindingStore, Checked, ClientKeyStore, Compacted,
    Found, Lease, LeaseStore, LedgerEntry, LedgerStore, LoginStore, MaintenanceStore, OwnershipStore, PageRequest,
    PayloadStore, Progress, Sizes, Store, StoreError, Wanted,
};
use crate::{
    analytics::{Answer, Kept, Question, SessionSummary},
    clock::Clock,
    domain::{
        Account, AccountChange, AccountId, AgentPreference, AuditEntry, AuditId, Binding, ClientKey, Credential,
        Exchange, ExchangeId, LoginId, OwnedId, Payload, PendingLogin, SessionKey, Timestamp, Workspace,
    },
};

/// Watches a store. `op` is the name of the trait's method: there are some fifty.
pub trait StoreWatch: fmt::Debug + Send + Sync + 'static {
    /// Something is about to be done.
    ///
    /// # Errors
    /// Are given to whoever asked for it, and it is not done.
    fn begins(&self, op: &'static str) -> Result<(), StoreError> {
        let _ = op;
        Ok(())
    }

    /// It is over.
    fn ended(&self, op: &'static str, took: Duration, error: Option<&StoreError>) {
        let _ = (op, took, error);
    }
}

/// A store that is watched at work.
#[derive(Clone, Debug)]
pub struct Watched {
    store: Arc<dyn Store>,
    watch: Arc<dyn StoreWatch>,
    clock: Arc<dyn Clock>,
}

impl Watched {
    /// Does what `store` does, and has `watch` watch.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, watch: Arc<dyn StoreWatch>, clock: Arc<dyn Clock>) -> Self {
        Self { store, watch, clock }
    }

    async fn done<T>(
        &self,
        op: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.watch.begins(op)?;
        let begun = self.clock.monotonic();
        let done = work.await;
        self.watch.ended(op, self.clock.monotonic().saturating_sub(begun), done.as_ref().err());
        done
    }
}

/// The roles, each operation handed on by its name.
macro_rules! watched {
    ($($role:ident { $(fn $op:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl $role for Watched {
            $(async fn $op(&self, $($arg: $kind),*) -> Result<$answer, StoreError> {
                self.done(stringify!($op), self.store.$op($($arg),*)).await
            })*
        }
    )*};
}

watched! {
    AccountStore {
        fn accounts() -> Vec<Account>;
        fn add_account(account: &Account) -> ();
        fn change_account(id: AccountId, change: AccountChange, at: Timestamp) -> Account;
        fn account(id: AccountId) -> Account;
        fn replace_credential(id: AccountId, expected: u64, credential: &Credential) -> ();
        fn remove_account(id: AccountId) -> ();
    }
    LoginStore {
        fn keep_login(login: &PendingLogin) -> ();
        fn take_login(id: LoginId) -> Option<PendingLogin>;
        fn sweep_logins(moment: Timestamp) -> u64;
    }
    LeaseStore {
        fn take_lease(lease: &Lease, now: Timestamp) -> bool;
        fn release_lease(lease: &Lease) -> ();
    }
    LedgerStore {
        fn append(batch: &[LedgerEntry]) -> ();
        fn recover() -> u64;
        fn exchanges(page: PageRequest) -> Vec<Exchange>;
        fn exchange(id: ExchangeId) -> Option<Exchange>;
    }
    AnalyticsStore {
        fn answer(question: &Question) -> Answer;
        fn kept() -> Kept;
        fn account_names() -> HashMap<AccountId, Arc<str>>;
        fn find(wanted: &Wanted) -> Found;
        fn sessions(page: PageRequest) -> Vec<SessionSummary>;
        fn session(id: &str) -> Option<SessionSummary>;
        fn forget_exchanges() -> u64;
        fn sweep_exchanges(before: Timestamp, limit: usize) -> usize;
        fn sweep_sums(keep: Kept, limit: usize) -> usize;
    }
    MaintenanceStore {
        fn sizes() -> Sizes;
        fn check(progress: Progress) -> Checked;
        fn compact(progress: Progress) -> Compacted;
        fn check_backup(name: &str) -> ();
        fn back_up(name: &str, progress: Progress) -> BackedUp;
    }
    ClientKeyStore {
        fn client_keys() -> Vec<ClientKey>;
        fn put_client_key(key: &ClientKey) -> ();
    }
    AuditStore {
        fn write_audit(entry: &AuditEntry) -> ();
        fn audit(before: Option<AuditId>, limit: usize) -> Vec<AuditEntry>;
    }
    PayloadStore {
        fn keep_payloads(batch: &[Payload]) -> ();
        fn payload(id: ExchangeId) -> Option<Payload>;
        fn sweep_payloads(before: Timestamp, limit: usize) -> usize;
    }
    AgentStore {
        fn agent_preferences() -> Vec<AgentPreference>;
        fn put_agent_preferences(preferences: &[AgentPreference]) -> ();
        fn remove_agent_preference(agent: &str) -> bool;
        fn workspaces() -> Vec<Workspace>;
        fn put_workspace(workspace: &Workspace) -> ();
        fn remove_workspace(path: &str) -> bool;
        fn sweep_workspaces(moment: Timestamp) -> u64;
    }
    OwnershipStore {
        fn owned_ids() -> Vec<OwnedId>;
        fn note_owned_ids(seen: &[OwnedId], gone: &[Arc<str>]) -> ();
    }
    BindingStore {
        fn bindings() -> Vec<Binding>;
        fn keep_bindings(kept: &[Binding], gone: &[SessionKey]) -> ();
    }
}

#[cfg(all(test, feature = "redb"))]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::{
        clock::SystemClock,
        store::{RedbStore, conformance},
    };

    #[derive(Debug, Default)]
    struct Notes(Mutex<Vec<(&'static str, bool)>>);

    impl StoreWatch for Notes {
        fn begins(&self, op: &'static str) -> Result<(), StoreError> {
            if op == "accounts" { Err(StoreError::backend("it is gone")) } else { Ok(()) }
        }

        fn ended(&self, op: &'static str, _: Duration, error: Option<&StoreError>) {
            self.0.lock().push((op, error.is_some()));
        }
    }

    #[tokio::test]
    async fn every_operation_is_watched_and_can_be_refused() {
        let notes = Arc::new(Notes::default());
        let store = Arc::new(RedbStore::in_memory());
        let store = Watched::new(store, Arc::clone(&notes) as _, Arc::new(SystemClock::new()));
        assert_eq!(store.recover().await.expect("an empty ledger"), 0);
        assert!(store.account(AccountId::new(Timestamp::default())).await.is_err());
        assert!(matches!(store.accounts().await, Err(StoreError::Backend(_))));
        assert_eq!(*notes.0.lock(), [("recover", false), ("account", true)]);
    }

    #[derive(Debug)]
    struct Blind;

    impl StoreWatch for Blind {}

    #[tokio::test]
    async fn a_watched_store_keeps_the_laws() {
        conformance::check(async || {
            let store = Arc::new(RedbStore::in_memory());
            Arc::new(Watched::new(store, Arc::new(Blind), Arc::new(SystemClock::new()))) as Arc<dyn Store>
        })
        .await;
    }
}
