//! The accounts as they are this very moment.
//!
//! The pool is the truth for availability: a mark is visible to the very next request, and the store follows through
//! the write-behind queue. Reading takes no lock across an await and touches no store.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};

use crate::{
    domain::{Account, AccountChange, AccountId, ClosureReason, Credential, Mark, Timestamp},
    record::{AccountNews, EventKind, Events},
    store::WriteBehind,
};

/// All accounts, shared by everybody who needs one.
#[derive(Debug, Default)]
pub struct AccountPool {
    slots: ArcSwap<Vec<Arc<Slot>>>,
    /// Held while accounts come and go, so that two of them do not overwrite each other's list.
    membership: Mutex<()>,
    journal: Option<WriteBehind>,
    events: Events,
}

#[derive(Debug)]
struct Slot {
    id: AccountId,
    account: RwLock<Arc<Account>>,
    in_flight: AtomicU64,
}

/// An account as a request finds it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The account.
    pub account: Arc<Account>,
    /// Requests that it is serving, or that wait for it.
    pub in_flight: u32,
}

impl AccountPool {
    /// A pool of these accounts, in the order in which they were added.
    #[must_use]
    pub fn new(accounts: Vec<Account>) -> Self {
        let slots = accounts.into_iter().map(Slot::new).collect();
        Self { slots: ArcSwap::from_pointee(slots), ..Self::default() }
    }

    /// The same pool, writing down what happens to its accounts.
    #[must_use]
    pub fn journaled(mut self, journal: WriteBehind) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same pool, telling what becomes of its accounts.
    #[must_use]
    pub fn telling(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Where what becomes of accounts is told.
    pub(crate) const fn events(&self) -> &Events {
        &self.events
    }

    /// Every account as it is now, in the order in which they were added.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Arc<Account>> {
        if let Some(journal) = &self.journal {
            journal.settle();
        }
        self.slots.load().iter().map(|slot| Arc::clone(&slot.account.read())).collect()
    }

    /// Every account as it is now with how busy it is, in the order in which they were added.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |slot: &Arc<Slot>| Standing {
            account: Arc::clone(&slot.account.read()),
            in_flight: u32::try_from(slot.in_flight.load(Ordering::Relaxed)).unwrap_or(u32::MAX),
        };
        self.slots.load().iter().map(standing).collect()
    }

    /// One account as it is now.
    #[must_use]
    pub fn get(&self, id: AccountId) -> Option<Arc<Account>> {
        self.slot(id).map(|slot| Arc::clone(&slot.account.read()))
    }

    /// Lets `changes` happen at `at`, all in one step, and has them written down.
    pub fn apply(&self, id: AccountId, changes: impl IntoIterator<Item = AccountChange>, at: Timestamp) {
        self.apply_if(id, |_| true, changes, at);
    }

    /// The same, if `applies` to the account as it is just then. Returns whether it did.
    fn apply_if(
        &self,
        id: AccountId,
        applies: impl FnOnce(&Account) -> bool,
        changes: impl IntoIterator<Item = AccountChange>,
        at: Timestamp,
    ) -> bool {
        let Some(slot) = self.slot(id) else { return false };
        let (mut latest, mut joined) = (None, false);
        {
            let mut account = slot.account.write();
            if !applies(&account) {
                return false;
            }
            for change in changes {
                latest = news(&change).or(latest);
                joined |= matches!(change, AccountChange::OrganizationSeen(_));
                let account = Arc::make_mut(&mut account);
                // The queue keeps the last of several observations, so that one has to say all that is known.
                let change = match change {
                    AccountChange::Observed(limits) => {
                        AccountChange::Observed(account.limits.followed_by(&limits).into())
                    }
                    other => other,
                };
                // Queued under the lock: the store must see one account's changes in the order in which they happened.
                if let Some(journal) = &self.journal {
                    journal.change(id, change.clone(), at);
                }
                account.apply(change, at);
            }
            if let Some(news) = latest {
                self.tell(&account, news);
            }
        }
        if joined {
            self.share_quotas(id, at);
        }
        true
    }

    /// The same for what the next request need not know: once answers that are ready have gone out. Whoever takes a
    /// [`snapshot`](Self::snapshot) finds it done.
    pub(crate) fn apply_afterwards(
        self: &Arc<Self>,
        id: AccountId,
        changes: impl IntoIterator<Item = AccountChange> + Send + 'static,
        at: Timestamp,
    ) {
        let Some(journal) = &self.journal else { return self.apply(id, changes, at) };
        let pool = Arc::clone(self);
        journal.afterwards(Box::new(move || pool.apply(id, changes, at)));
    }

    /// Which organisation an account belongs to has just become known: the windows that others of it have used up are
    /// its own, too.
    fn share_quotas(&self, id: AccountId, at: Timestamp) {
        let used_up = |account: Arc<Account>| {
            let quotas = account.standing(at).filter(|mark| mark.reason == ClosureReason::Quota).cloned();
            quotas.collect::<Vec<_>>()
        };
        let siblings = self.siblings(id);
        let marks: Vec<_> = siblings.iter().filter_map(|sibling| self.get(*sibling)).flat_map(used_up).collect();
        for mark in marks {
            self.apply(id, [AccountChange::Closed(mark)], at);
        }
    }

    fn tell(&self, account: &Account, news: AccountNews) {
        self.events.emit(EventKind::Account { id: account.id, name: Arc::clone(&account.name), news });
    }

    /// Closes an account, as [`apply`](Self::apply) does. A used-up window is the organisation's, so it closes all
    /// accounts that are known to belong to the same one.
    pub fn close(&self, id: AccountId, mark: &Mark, at: Timestamp) {
        let siblings = if mark.reason == ClosureReason::Quota { self.siblings(id) } else { Vec::new() };
        for id in siblings.into_iter().chain([id]) {
            self.close_if(id, |_| true, mark, at);
        }
    }

    /// Closes an account for what is wrong with its credential, unless it `has` another one by now.
    pub(crate) fn refuse(&self, id: AccountId, has: impl FnOnce(&Credential) -> bool, mark: &Mark, at: Timestamp) {
        self.close_if(id, |account| has(&account.credential), mark, at);
    }

    fn close_if(&self, id: AccountId, applies: impl FnOnce(&Account) -> bool, mark: &Mark, at: Timestamp) {
        let before = self.get(id);
        let closed = self.apply_if(id, applies, [AccountChange::Closed(mark.clone())], at);
        if let Some(account) = before.filter(|account| closed && !is_known(account, mark, at)) {
            self.tell_closed(&account, mark);
        }
    }

    fn tell_closed(&self, account: &Account, mark: &Mark) {
        let name = Arc::clone(&account.name);
        self.events.emit(EventKind::Limit { id: account.id, name: Arc::clone(&name), mark: mark.clone() });
        if mark.reason == ClosureReason::NeedsLogin {
            let why = mark.evidence.to_string().into();
            self.events.emit(EventKind::LoginNeeded { account: name, why });
        }
    }

    fn siblings(&self, id: AccountId) -> Vec<AccountId> {
        let Some(account) = self.get(id) else { return Vec::new() };
        let Some(organization) = &account.organization else { return Vec::new() };
        let shares = |slot: &&Arc<Slot>| {
            let other = slot.account.read();
            other.id != id && other.provider == account.provider && other.organization.as_ref() == Some(organization)
        };
        self.slots.load().iter().filter(shares).map(|slot| slot.id).collect()
    }

    /// Takes in an account that the store has just accepted.
    pub fn add(&self, account: Account) {
        let _one_at_a_time = self.membership.lock();
        let mut slots = Vec::clone(&self.slots.load());
        self.tell(&account, AccountNews::Added);
        slots.push(Slot::new(account));
        self.slots.store(Arc::new(slots));
    }

    /// Puts what the store made of an account in the place of what was known; it has written it down already.
    pub fn adopt(&self, id: AccountId, change: AccountChange, at: Timestamp) {
        let Some(slot) = self.slot(id) else { return };
        let mut account = slot.account.write();
        let news = news(&change);
        Arc::make_mut(&mut account).apply(change, at);
        if let Some(news) = news {
            self.tell(&account, news);
        }
    }

    /// Puts a credential that the store has in the place of the one known here, unless that is newer. Also opens the
    /// account if it was closed for its credential.
    pub fn renew(&self, id: AccountId, credential: &Arc<Credential>, at: Timestamp) {
        if let Some(slot) = self.slot(id) {
            let mut account = slot.account.write();
            let newer = account.credential.tokens().zip(credential.tokens());
            if newer.is_none_or(|(known, given)| known.generation <= given.generation) {
                Arc::make_mut(&mut account).renew(Arc::clone(credential));
                // That the old one was refused may still be in the queue.
                if let Some(journal) = &self.journal {
                    journal.change(id, AccountChange::Renewed, at);
                }
                self.tell(&account, AccountNews::Renewed);
            }
        }
    }

    /// Forgets an account. Requests it is serving go on.
    pub fn remove(&self, id: AccountId) {
        let _one_at_a_time = self.membership.lock();
        if let Some(account) = self.get(id) {
            self.tell(&account, AccountNews::Removed);
        }
        let slots = self.slots.load().iter().filter(|slot| slot.id != id).cloned().collect();
        self.slots.store(Arc::new(slots));
    }

    /// Counts one request in flight on an account until the guard is dropped.
    #[must_use]
    pub fn enter(&self, id: AccountId) -> InFlight {
        let slot = self.slot(id);
        if let Some(slot) = &slot {
            slot.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        InFlight(slot)
    }

    /// Requests in flight on an account.
    #[must_use]
    pub fn in_flight(&self, id: AccountId) -> u64 {
        self.slot(id).map_or(0, |slot| slot.in_flight.load(Ordering::Relaxed))
    }

    fn slot(&self, id: AccountId) -> Option<Arc<Slot>> {
        self.slots.load().iter().find(|slot| slot.id == id).cloned()
    }
}

/// What a change is worth telling as. What every request changes is not.
const fn news(change: &AccountChange) -> Option<AccountNews> {
    match change {
        AccountChange::Renamed(_) => Some(AccountNews::Renamed),
        AccountChange::Prioritized(_) => Some(AccountNews::Prioritized),
        AccountChange::Tiered(_) => Some(AccountNews::Tiered),
        AccountChange::Paused => Some(AccountNews::Paused),
        AccountChange::Resumed => Some(AccountNews::Resumed),
        AccountChange::SessionStarted(_) => Some(AccountNews::Activated),
        _ => None,
    }
}

/// Whether an account is closed like this already: of many requests that meet the same limit, one tells.
fn is_known(account: &Account, mark: &Mark, at: Timestamp) -> bool {
    let same = |known: &Mark| known.reason == mark.reason && known.scope == mark.scope && known.until >= mark.until;
    account.standing(at).any(same)
}

impl Slot {
    fn new(account: Account) -> Arc<Self> {
        Arc::new(Self { id: account.id, account: RwLock::new(Arc::new(account)), in_flight: AtomicU64::new(0) })
    }
}

/// One request in flight; it ends when this is dropped.
#[derive(Debug, Default)]
pub struct InFlight(Option<Arc<Slot>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(slot) = &self.0 {
            slot.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::{Credential, Mark, Scope, Secret},
        store::{AccountStore, RedbStore, WriteBehindOptions},
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn account(name: &str, organization: Option<&str>) -> Account {
        let mut account = Account::new(name, "anthropic", Credential::ApiKey(Secret::new("k")), NOW);
        account.organization = organization.map(Into::into);
        account
    }

    fn mark(reason: ClosureReason) -> Mark {
        let until = Some(NOW + Duration::from_secs(60));
        Mark { reason, scope: Scope::Account, since: NOW, until, evidence: "".into() }
    }

    #[test]
    fn accounts_of_one_organisation_share_a_used_up_window_but_not_a_refused_key() {
        let pool = AccountPool::new(vec![account("a", Some("o")), account("b", Some("o")), account("c", None)]);
        let ids: Vec<_> = pool.snapshot().iter().map(|account| account.id).collect();
        let closed_ones = |pool: &AccountPool| {
            pool.snapshot().iter().map(|account| account.closed_for(|| None, NOW).is_some()).collect::<Vec<_>>()
        };

        pool.close(ids[0], &mark(ClosureReason::NeedsLogin), NOW);
        assert_eq!(closed_ones(&pool), [true, false, false]);
        pool.close(ids[0], &mark(ClosureReason::Quota), NOW);
        assert_eq!(closed_ones(&pool), [true, true, false]);
    }

    #[test]
    fn an_account_that_turns_out_to_be_of_an_organisation_shares_what_is_used_up_there() {
        let pool = AccountPool::new(vec![account("a", Some("o")), account("b", None)]);
        let ids: Vec<_> = pool.snapshot().iter().map(|account| account.id).collect();
        pool.close(ids[0], &mark(ClosureReason::Quota), NOW);
        pool.close(ids[0], &mark(ClosureReason::Throttled), NOW);
        pool.apply(ids[1], [AccountChange::OrganizationSeen("o".into())], NOW);
        let reasons: Vec<_> = pool.snapshot()[1].marks.iter().map(|mark| mark.reason).collect();
        assert_eq!(reasons, [ClosureReason::Quota]);
    }

    #[tokio::test]
    async fn what_is_wrong_with_one_credential_says_nothing_about_the_next() {
        let store = Arc::new(RedbStore::in_memory());
        let (journal, writer) = WriteBehind::start(Arc::clone(&store) as _, WriteBehindOptions::default());
        let [renewed, other] = [account("renewed", None), account("other", None)];
        for account in [&renewed, &other] {
            store.add_account(account).await.expect("a new account");
        }
        let pool = AccountPool::new(vec![renewed.clone(), other.clone()]).journaled(journal);
        let sent = |account: &Account| {
            let sent = Arc::clone(&account.credential);
            move |current: &Credential| std::ptr::eq(current, &*sent)
        };

        pool.refuse(renewed.id, sent(&renewed), &mark(ClosureReason::NeedsLogin), NOW);
        pool.refuse(other.id, sent(&other), &mark(ClosureReason::NeedsLogin), NOW);
        // The store has it at once, and what was queued after.
        let key = Credential::ApiKey(Secret::new("another"));
        store.replace_credential(renewed.id, 0, &key).await.expect("another key");
        pool.renew(renewed.id, &Arc::new(key), NOW);
        pool.refuse(renewed.id, sent(&renewed), &mark(ClosureReason::NeedsLogin), NOW);

        let marks = |accounts: Vec<Account>| accounts.iter().map(|account| account.marks.len()).collect::<Vec<_>>();
        assert_eq!(marks(pool.snapshot().iter().map(|account| (**account).clone()).collect()), [0, 1]);
        writer.finish().await;
        assert_eq!(marks(store.accounts().await.expect("accounts")), [0, 1]);
    }

    #[test]
    fn a_snapshot_does_not_change_under_its_reader() {
        let pool = AccountPool::new(vec![account("a", None)]);
        let before = pool.snapshot();
        pool.apply(before[0].id, [AccountChange::Paused], NOW);
        assert!(!before[0].paused);
        assert!(pool.snapshot()[0].paused);
    }

    #[tokio::test]
    async fn a_snapshot_lacks_nothing_that_was_left_for_afterwards() {
        let store = Arc::new(RedbStore::in_memory());
        let (journal, _writer) = WriteBehind::start(store, WriteBehindOptions::default());
        let pool = Arc::new(AccountPool::new(vec![account("a", None)]).journaled(journal));
        let id = pool.snapshot()[0].id;
        pool.apply_afterwards(id, [AccountChange::Served], NOW);
        assert_eq!(pool.get(id).map(|account| account.requests), Some(0), "requests go first");
        assert_eq!(pool.snapshot()[0].requests, 1);
    }

    #[test]
    fn requests_in_flight_are_counted_until_their_guard_goes_even_past_a_removal() {
        let pool = AccountPool::new(vec![account("a", None)]);
        let id = pool.snapshot()[0].id;
        let guards = [pool.enter(id), pool.enter(id)];
        assert_eq!(pool.in_flight(id), 2);
        pool.remove(id);
        drop(guards);
        assert_eq!(pool.in_flight(id), 0);
    }
}
