//! A store of one's own, proven by the same laws as the one that comes along.
//!
//! ```text
//! cargo run -p ccflare-examples --example custom_store
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ccflare_core::{
    domain::{
        Account, AccountChange, AccountId, AgentPreference, AuditEntry, AuditId, Binding, ClientKey, ClientKeyId,
        Credential, Exchange, ExchangeId, Intent, LoginId, Outcome, OwnedId, Payload, PendingLogin, SessionKey,
        Timestamp, Workspace,
    },
    store::{
        AUDIT_LENGTH, AccountStore, AgentStore, AnalyticsStore, AuditStore, BindingStore, ClientKeyStore, Lease,
        LeaseStore, LedgerEntry, LedgerStore, LoginStore, MaintenanceStore, OwnershipStore, PageRequest, PayloadStore,
        Store, StoreError, conformance,
    },
};

/// Keeps everything in maps. Nothing in it survives the process, so it is good for tests and for showing how little a
/// backend has to do.
#[derive(Debug, Default)]
struct MapStore(Mutex<Maps>);

#[derive(Clone, Debug, Default)]
struct Maps {
    /// In the order in which they were added.
    accounts: Vec<Account>,
    logins: BTreeMap<LoginId, PendingLogin>,
    leases: BTreeMap<String, Lease>,
    open: BTreeMap<ExchangeId, Arc<Intent>>,
    settled: BTreeMap<ExchangeId, Exchange>,
    keys: BTreeMap<ClientKeyId, ClientKey>,
    audit: BTreeMap<AuditId, AuditEntry>,
    payloads: BTreeMap<ExchangeId, Payload>,
    preferences: BTreeMap<Arc<str>, AgentPreference>,
    workspaces: BTreeMap<Arc<str>, Workspace>,
    owned: BTreeMap<Arc<str>, OwnedId>,
    bindings: BTreeMap<SessionKey, Binding>,
}

impl MapStore {
    fn with<T>(&self, act: impl FnOnce(&mut Maps) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Maps {
    fn name_is_free(&self, name: &str, except: AccountId) -> Result<(), StoreError> {
        let taken = self.accounts.iter().any(|account| account.id != except && *account.name == *name);
        if taken { Err(StoreError::NameTaken(name.to_owned())) } else { Ok(()) }
    }

    fn account(&mut self, id: AccountId) -> Result<&mut Account, StoreError> {
        self.accounts.iter_mut().find(|account| account.id == id).ok_or(StoreError::NoSuchAccount)
    }

    fn change(&mut self, id: AccountId, change: AccountChange, at: Timestamp) -> Result<Account, StoreError> {
        if let AccountChange::Renamed(name) = &change {
            self.name_is_free(name, id)?;
        }
        let account = self.account(id)?;
        account.apply(change, at);
        Ok(account.clone())
    }

    fn write(&mut self, entry: &LedgerEntry) {
        match entry.clone() {
            LedgerEntry::Opened(intent) => {
                self.open.insert(intent.id, intent);
            }
            LedgerEntry::Settled(exchange) => {
                self.open.remove(&exchange.intent.id);
                let key = exchange.intent.client_key.as_ref().and_then(|(id, _)| self.keys.get_mut(id));
                if let Some(key) = key {
                    key.last_used = key.last_used.max(Some(exchange.intent.at));
                }
                self.settled.entry(exchange.intent.id).or_insert(*exchange);
            }
            // A change of an account that is gone by now is nothing to write down.
            LedgerEntry::AccountChanged { id, change, at } => drop(self.change(id, change, at)),
        }
    }
}

#[async_trait]
impl AccountStore for MapStore {
    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        Ok(self.with(|maps| maps.accounts.clone()))
    }

    async fn add_account(&self, account: &Account) -> Result<(), StoreError> {
        self.with(|maps| {
            maps.name_is_free(&account.name, account.id)?;
            maps.accounts.push(account.clone());
            Ok(())
        })
    }

    async fn change_account(&self, id: AccountId, change: AccountChange, at: Timestamp) -> Result<Account, StoreError> {
        self.with(|maps| maps.change(id, change, at))
    }

    async fn account(&self, id: AccountId) -> Result<Account, StoreError> {
        self.with(|maps| maps.account(id).cloned())
    }

    async fn replace_credential(
        &self,
        id: AccountId,
        expected: u64,
        credential: &Credential,
    ) -> Result<(), StoreError> {
        self.with(|maps| {
            let account = maps.account(id)?;
            if account.credential.generation() != expected {
                return Err(StoreError::Superseded);
            }
            account.renew(Arc::new(credential.clone()));
            Ok(())
        })
    }

    async fn remove_account(&self, id: AccountId) -> Result<(), StoreError> {
        self.with(|maps| {
            let before = maps.accounts.len();
            maps.accounts.retain(|account| account.id != id);
            if maps.accounts.len() < before { Ok(()) } else { Err(StoreError::NoSuchAccount) }
        })
    }
}

#[async_trait]
impl AgentStore for MapStore {
    async fn agent_preferences(&self) -> Result<Vec<AgentPreference>, StoreError> {
        Ok(self.with(|maps| maps.preferences.values().cloned().collect()))
    }

    async fn put_agent_preferences(&self, preferences: &[AgentPreference]) -> Result<(), StoreError> {
        let named = preferences.iter().map(|preference| (Arc::clone(&preference.agent), preference.clone()));
        self.with(|maps| maps.preferences.extend(named));
        Ok(())
    }

    async fn remove_agent_preference(&self, agent: &str) -> Result<bool, StoreError> {
        Ok(self.with(|maps| maps.preferences.remove(agent).is_some()))
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        Ok(self.with(|maps| maps.workspaces.values().cloned().collect()))
    }

    async fn put_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        self.with(|maps| maps.workspaces.insert(Arc::clone(&workspace.path), workspace.clone()));
        Ok(())
    }

    async fn remove_workspace(&self, path: &str) -> Result<bool, StoreError> {
        Ok(self.with(|maps| maps.workspaces.remove(path).is_some()))
    }

    async fn sweep_workspaces(&self, moment: Timestamp) -> Result<u64, StoreError> {
        Ok(self.with(|maps| {
            let before = maps.workspaces.len();
            maps.workspaces.retain(|_, workspace| workspace.manual || workspace.last_seen >= moment);
            (before - maps.workspaces.len()) as u64
        }))
    }
}

#[async_trait]
impl LoginStore for MapStore {
    async fn keep_login(&self, login: &PendingLogin) -> Result<(), StoreError> {
        self.with(|maps| drop(maps.logins.insert(login.id, login.clone())));
        Ok(())
    }

    async fn take_login(&self, id: LoginId) -> Result<Option<PendingLogin>, StoreError> {
        Ok(self.with(|maps| maps.logins.remove(&id)))
    }

    async fn sweep_logins(&self, moment: Timestamp) -> Result<u64, StoreError> {
        Ok(self.with(|maps| {
            let before = maps.logins.len();
            maps.logins.retain(|_, login| login.created >= moment);
            (before - maps.logins.len()) as u64
        }))
    }
}

#[async_trait]
impl LeaseStore for MapStore {
    async fn take_lease(&self, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.with(|maps| {
            let held = maps.leases.get(&lease.name).is_some_and(|held| held.holder != lease.holder && held.until > now);
            if !held {
                maps.leases.insert(lease.name.clone(), lease.clone());
            }
            !held
        }))
    }

    async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        self.with(|maps| {
            if maps.leases.get(&lease.name).is_some_and(|held| held.holder == lease.holder) {
                maps.leases.remove(&lease.name);
            }
        });
        Ok(())
    }
}

#[async_trait]
impl LedgerStore for MapStore {
    async fn append(&self, batch: &[LedgerEntry]) -> Result<(), StoreError> {
        self.with(|maps| batch.iter().for_each(|entry| maps.write(entry)));
        Ok(())
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        Ok(self.with(|maps| {
            let open = std::mem::take(&mut maps.open);
            let interrupted = open.len() as u64;
            let settle = |(id, intent)| (id, Exchange::unfinished(intent, Outcome::Interrupted));
            maps.settled.extend(open.into_iter().map(settle));
            interrupted
        }))
    }

    async fn exchanges(&self, page: PageRequest) -> Result<Vec<Exchange>, StoreError> {
        let older = |id: &ExchangeId| page.before.is_none_or(|before| *id < before);
        Ok(self.with(|maps| {
            let newest_first = maps.settled.iter().rev().filter(|(id, _)| older(id));
            newest_first.take(page.limit).map(|(_, exchange)| exchange.clone()).collect()
        }))
    }

    async fn exchange(&self, id: ExchangeId) -> Result<Option<Exchange>, StoreError> {
        Ok(self.with(|maps| maps.settled.get(&id).cloned()))
    }
}

/// Sums and searches have defaults that read the ledger; only forgetting can't be done for us.
#[async_trait]
impl AnalyticsStore for MapStore {
    async fn forget_exchanges(&self) -> Result<u64, StoreError> {
        Ok(self.with(|maps| {
            maps.payloads.clear();
            std::mem::take(&mut maps.settled).len() as u64
        }))
    }

    async fn sweep_exchanges(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.with(|maps| {
            let old: Vec<_> =
                maps.settled.range(..ExchangeId::first_of(before)).take(limit).map(|(id, _)| *id).collect();
            old.iter().for_each(|id| drop(maps.settled.remove(id)));
            old.len()
        }))
    }
}

/// There is no file to care for.
impl MaintenanceStore for MapStore {}

#[async_trait]
impl ClientKeyStore for MapStore {
    async fn client_keys(&self) -> Result<Vec<ClientKey>, StoreError> {
        Ok(self.with(|maps| maps.keys.values().cloned().collect()))
    }

    async fn put_client_key(&self, key: &ClientKey) -> Result<(), StoreError> {
        self.with(|maps| {
            let works = |other: &&ClientKey| other.id != key.id && other.revoked.is_none();
            let taken = maps.keys.values().filter(works).any(|other| other.name == key.name);
            if taken && key.revoked.is_none() {
                return Err(StoreError::KeyNameTaken(key.name.to_string()));
            }
            let last_used = maps.keys.get(&key.id).and_then(|known| known.last_used);
            maps.keys.insert(key.id, ClientKey { last_used, ..key.clone() });
            Ok(())
        })
    }
}

#[async_trait]
impl AuditStore for MapStore {
    async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.with(|maps| {
            maps.audit.insert(entry.id, entry.clone());
            while maps.audit.len() as u64 > AUDIT_LENGTH {
                maps.audit.pop_first();
            }
        });
        Ok(())
    }

    async fn audit(&self, before: Option<AuditId>, limit: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let older = |id: &AuditId| before.is_none_or(|before| *id < before);
        Ok(self.with(|maps| {
            let newest_first = maps.audit.iter().rev().filter(|(id, _)| older(id));
            newest_first.take(limit).map(|(_, entry)| entry.clone()).collect()
        }))
    }
}

/// What is kept here never leaves memory; a backend that writes it down has to seal it.
#[async_trait]
impl PayloadStore for MapStore {
    async fn keep_payloads(&self, batch: &[Payload]) -> Result<(), StoreError> {
        self.with(|maps| maps.payloads.extend(batch.iter().map(|payload| (payload.id, payload.clone()))));
        Ok(())
    }

    async fn payload(&self, id: ExchangeId) -> Result<Option<Payload>, StoreError> {
        Ok(self.with(|maps| maps.payloads.get(&id).cloned()))
    }

    async fn sweep_payloads(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let end = ExchangeId::first_of(before);
        Ok(self.with(|maps| {
            let old: Vec<_> = maps.payloads.range(..end).take(limit).map(|(id, _)| *id).collect();
            old.iter().for_each(|id| drop(maps.payloads.remove(id)));
            old.len()
        }))
    }
}

#[async_trait]
impl OwnershipStore for MapStore {
    async fn owned_ids(&self) -> Result<Vec<OwnedId>, StoreError> {
        let mut ids: Vec<_> = self.with(|maps| maps.owned.values().cloned().collect());
        ids.sort_by_key(|owned: &OwnedId| owned.seen);
        Ok(ids)
    }

    async fn note_owned_ids(&self, seen: &[OwnedId], gone: &[Arc<str>]) -> Result<(), StoreError> {
        self.with(|maps| {
            gone.iter().for_each(|id| drop(maps.owned.remove(id)));
            maps.owned.extend(seen.iter().map(|owned| (Arc::clone(&owned.id), owned.clone())));
        });
        Ok(())
    }
}

#[async_trait]
impl BindingStore for MapStore {
    async fn bindings(&self) -> Result<Vec<Binding>, StoreError> {
        Ok(self.with(|maps| maps.bindings.values().cloned().collect()))
    }

    async fn keep_bindings(&self, kept: &[Binding], gone: &[SessionKey]) -> Result<(), StoreError> {
        self.with(|maps| {
            maps.bindings.extend(kept.iter().map(|binding| (binding.session, binding.clone())));
            maps.bindings.retain(|session, _| !gone.contains(session));
        });
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    conformance::check(|| async { Arc::new(MapStore::default()) as Arc<dyn Store> }).await;
    println!("MapStore keeps every law that a store has to keep");

    let gateway = ccflare_core::gateway::Gateway::builder(Arc::new(MapStore::default())).build().await?;
    println!("and carries a gateway: {:?}", gateway.control().status().await?.status);
    gateway.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
