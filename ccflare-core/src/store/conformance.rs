//! What every backend has to do, as tests that any of them can run.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use ccflare_core::store::{RedbStore, Store, conformance};
//! # async fn test() {
//! conformance::check(async || Arc::new(RedbStore::in_memory()) as Arc<dyn Store>).await;
//! # }
//! ```
//!
//! Each law is a function of its own, for those who want to see them fail one by one. They panic when the law is
//! broken. What happens when a store is opened again is not among them: only the backend knows how.

use std::{sync::Arc, time::Duration};

mod agents;
mod analytics;
mod bindings;
mod ownership;
mod tokens;

pub use agents::{an_agent_has_one_preference, workspaces_stay_until_nobody_comes_from_them};
pub use analytics::{
    a_selection_is_found_page_by_page, conversations_add_up, exchanges_go_oldest_first, sums_count_each_exchange_once,
};
pub use bindings::bindings_come_back_whole_until_they_are_forgotten;
pub use ownership::owned_ids_come_back_until_they_are_forgotten;
pub use tokens::{a_credential_is_replaced_by_who_knows_it, a_lease_belongs_to_one_holder, a_login_is_taken_once};

use super::{LedgerEntry, PageRequest, Store, StoreError};
use crate::domain::{
    Account, AccountChange, AccountId, Actor, AttemptRecord, AuditEntry, AuditId, Choice, ClientKey, ClientKeyId,
    ClosureReason, Credential, Exchange, ExchangeId, Intent, KeyDigest, Limits, Mark, ModelFamily, ModelUsage, NanoUsd,
    Outcome, Payload, PayloadSide, Scope, Secret, Tier, Timestamp, Timing, Tokens, Usage, VerdictKind, Window,
};

/// Runs every law, each on an empty store that `fresh` makes.
///
/// # Panics
/// If a law is broken.
pub async fn check(fresh: impl AsyncFn() -> Arc<dyn Store>) {
    accounts_come_back_whole_in_the_order_they_were_added(&*fresh().await).await;
    a_name_belongs_to_one_account(&*fresh().await).await;
    a_change_is_returned_and_kept(&*fresh().await).await;
    accounts_that_are_not_there_can_neither_change_nor_go(&*fresh().await).await;
    removing_an_account_keeps_its_exchanges(&*fresh().await).await;
    a_credential_is_replaced_by_who_knows_it(&*fresh().await).await;
    a_login_is_taken_once(&*fresh().await).await;
    a_lease_belongs_to_one_holder(&*fresh().await).await;
    exchanges_come_back_whole(&*fresh().await).await;
    pages_run_from_the_newest_to_the_oldest(&*fresh().await).await;
    settling_twice_keeps_the_first(&*fresh().await).await;
    settled_intents_are_not_recovered(&*fresh().await).await;
    open_intents_are_recovered_once(&*fresh().await).await;
    a_batch_changes_accounts_in_order(&*fresh().await).await;
    a_batch_skips_changes_that_cannot_be(&*fresh().await).await;
    client_keys_come_back_whole_in_the_order_they_were_made(&*fresh().await).await;
    a_name_belongs_to_one_client_key_that_works(&*fresh().await).await;
    a_client_keys_last_use_is_the_ledgers_to_tell(&*fresh().await).await;
    the_audit_log_runs_from_the_newest_to_the_oldest(&*fresh().await).await;
    payloads_come_back_whole_until_they_are_swept(&*fresh().await).await;
    an_agent_has_one_preference(&*fresh().await).await;
    workspaces_stay_until_nobody_comes_from_them(&*fresh().await).await;
    sums_count_each_exchange_once(&*fresh().await).await;
    a_selection_is_found_page_by_page(&*fresh().await).await;
    conversations_add_up(&*fresh().await).await;
    exchanges_go_oldest_first(&*fresh().await).await;
    owned_ids_come_back_until_they_are_forgotten(&*fresh().await).await;
    bindings_come_back_whole_until_they_are_forgotten(&*fresh().await).await;
}

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Every field of an account survives, and the order is that of adding, whatever ids and names say.
///
/// # Panics
/// If the law is broken.
pub async fn accounts_come_back_whole_in_the_order_they_were_added(store: &dyn Store) {
    let later = Account::new("a", "anthropic", key("sk-later"), NOW + Duration::from_secs(9));
    let accounts = [full_account("z"), later, full_account("m")];
    for account in &accounts {
        add(store, account).await;
    }
    let stored = all(store).await;
    assert_eq!(stored.len(), accounts.len(), "one account for each that was added");
    for (stored, added) in stored.iter().zip(&accounts) {
        assert_same(stored, added);
    }
}

/// Neither adding nor renaming gives a name to a second account; an account may be given its own name again, and a
/// name that was given up is free.
///
/// # Panics
/// If the law is broken.
pub async fn a_name_belongs_to_one_account(store: &dyn Store) {
    let [first, second] = [account("first"), account("second")];
    add(store, &first).await;
    add(store, &second).await;

    let error = store.add_account(&account("first")).await.expect_err("a second account of the name");
    assert!(matches!(&error, StoreError::NameTaken(name) if name == "first"), "NameTaken, not {error:?}");
    let error = rename(store, second.id, "first").await.expect_err("a rename to a taken name");
    assert!(matches!(&error, StoreError::NameTaken(name) if name == "first"), "NameTaken, not {error:?}");
    assert_eq!(names(store).await, ["first", "second"], "a refused name changes nothing");

    rename(store, first.id, "first").await.expect("its own name");
    rename(store, first.id, "third").await.expect("a free name");
    rename(store, second.id, "first").await.expect("a name that was given up");
    assert_eq!(names(store).await, ["third", "first"], "renaming moves nobody");
}

/// A change is applied as [`Account::apply`] does it, returned, and there when read again; the credential stays.
///
/// # Panics
/// If the law is broken.
pub async fn a_change_is_returned_and_kept(store: &dyn Store) {
    let mut expected = account("a");
    add(store, &expected).await;
    for (seconds, change) in (0..).zip(every_change()) {
        let at = NOW + Duration::from_secs(seconds);
        expected.apply(change.clone(), at);
        let returned =
            store.change_account(expected.id, change, at).await.expect("a change of an account that is there");
        assert_same(&returned, &expected);
        assert_same(&all(store).await[0], &expected);
    }
}

/// Changing or removing an account that was never there, or is there no more, says so.
///
/// # Panics
/// If the law is broken.
pub async fn accounts_that_are_not_there_can_neither_change_nor_go(store: &dyn Store) {
    let gone = account("gone");
    add(store, &gone).await;
    store.remove_account(gone.id).await.expect("removing what is there");
    for id in [gone.id, AccountId::new(NOW)] {
        let changed = store.change_account(id, AccountChange::Paused, NOW).await.expect_err("a change of nothing");
        assert!(matches!(changed, StoreError::NoSuchAccount), "NoSuchAccount, not {changed:?}");
        let removed = store.remove_account(id).await.expect_err("removing nothing");
        assert!(matches!(removed, StoreError::NoSuchAccount), "NoSuchAccount, not {removed:?}");
    }
    add(store, &account("gone")).await;
}

/// A record outlives the account that it names.
///
/// # Panics
/// If the law is broken.
pub async fn removing_an_account_keeps_its_exchanges(store: &dyn Store) {
    let account = account("a");
    add(store, &account).await;
    let exchange = full_exchange(0);
    append(store, &[settled(&exchange)]).await;
    store.remove_account(account.id).await.expect("removing what is there");
    assert_eq!(newest(store).await, [exchange]);
}

/// Every field of an exchange survives, known or not; one can be had by its id.
///
/// # Panics
/// If the law is broken.
pub async fn exchanges_come_back_whole(store: &dyn Store) {
    let [full, bare] = [full_exchange(1), Exchange::unfinished(intent(2), Outcome::Cancelled)];
    append(store, &[settled(&full), settled(&bare)]).await;
    for exchange in [&full, &bare] {
        let stored = store.exchange(exchange.intent.id).await.expect("reading an exchange");
        assert_eq!(stored.as_ref(), Some(exchange));
    }
    assert_eq!(store.exchange(ExchangeId::new(NOW)).await.expect("reading what is not there"), None);
}

/// Pages follow each other without a gap or a double, newest first, in whatever order exchanges were settled; open
/// intents are in none of them.
///
/// # Panics
/// If the law is broken.
pub async fn pages_run_from_the_newest_to_the_oldest(store: &dyn Store) {
    assert_eq!(newest(store).await, [], "an empty ledger");
    let exchanges: Vec<_> = (0..7).map(full_exchange).collect();
    for index in [3, 0, 6, 1, 5, 2, 4] {
        append(store, &[settled(&exchanges[index])]).await;
    }
    append(store, &[LedgerEntry::Opened(intent(8))]).await;

    let mut paged = Vec::new();
    let mut before = None;
    loop {
        let page = store.exchanges(PageRequest { before, limit: 3 }).await.expect("reading a page");
        assert!(page.len() <= 3, "{} exchanges on a page of 3", page.len());
        let Some(last) = page.last() else { break };
        before = Some(last.intent.id);
        paged.extend(page);
    }
    paged.reverse();
    assert_eq!(paged, exchanges);
}

/// The first settlement of an exchange is the one that stays, within a batch and across batches.
///
/// # Panics
/// If the law is broken.
pub async fn settling_twice_keeps_the_first(store: &dyn Store) {
    let first = full_exchange(0);
    let second = Exchange { outcome: Outcome::Cut, ..first.clone() };
    append(store, &[LedgerEntry::Opened(first.intent.clone()), settled(&first), settled(&second)]).await;
    let expected = [first];
    assert_eq!(newest(store).await, expected, "within a batch");
    append(store, &[settled(&second)]).await;
    assert_eq!(newest(store).await, expected, "across batches");
}

/// An intent is closed by its settlement, be it in the same batch or in a later one.
///
/// # Panics
/// If the law is broken.
pub async fn settled_intents_are_not_recovered(store: &dyn Store) {
    let [together, apart] = [full_exchange(0), full_exchange(1)];
    let opened = |exchange: &Exchange| LedgerEntry::Opened(exchange.intent.clone());
    append(store, &[opened(&together), opened(&apart), settled(&together)]).await;
    append(store, &[settled(&apart)]).await;
    assert_eq!(store.recover().await.expect("recovering"), 0, "no intent is open");
    assert_eq!(newest(store).await, [apart, together]);
}

/// Recovery settles each open intent as interrupted; the second one finds nothing, and a settlement that comes too late
/// changes nothing.
///
/// # Panics
/// If the law is broken.
pub async fn open_intents_are_recovered_once(store: &dyn Store) {
    append(store, &[]).await;
    append(store, &[LedgerEntry::Opened(intent(0)), LedgerEntry::Opened(intent(1))]).await;
    assert_eq!(store.recover().await.expect("recovering"), 2, "both intents were open");
    assert_eq!(store.recover().await.expect("recovering again"), 0, "nothing is left to recover");
    append(store, &[settled(&full_exchange(0))]).await;
    let interrupted = |second| Exchange::unfinished(intent(second), Outcome::Interrupted);
    assert_eq!(newest(store).await, [interrupted(1), interrupted(0)]);
}

/// Changes of accounts that come in a batch have happened one after the other, as the pool did them.
///
/// # Panics
/// If the law is broken.
pub async fn a_batch_changes_accounts_in_order(store: &dyn Store) {
    let mut expected = [account("a"), account("b")];
    let mut batch = Vec::new();
    for (seconds, change) in (0..).zip(every_change()) {
        let at = NOW + Duration::from_secs(seconds);
        for account in &mut expected {
            // Both can't have that one.
            if !matches!(change, AccountChange::Renamed(_)) {
                account.apply(change.clone(), at);
                batch.push(LedgerEntry::AccountChanged { id: account.id, change: change.clone(), at });
            }
        }
    }
    for account in &expected {
        add(store, &Account { id: account.id, ..self::account(&account.name) }).await;
    }
    // The first gives its name up, so that the second can have it.
    for (account, name) in expected.iter_mut().zip(["c", "a"]) {
        let change = AccountChange::Renamed(name.into());
        account.apply(change.clone(), NOW);
        batch.push(LedgerEntry::AccountChanged { id: account.id, change, at: NOW });
    }
    append(store, &batch).await;
    for (stored, expected) in all(store).await.iter().zip(&expected) {
        assert_same(stored, expected);
    }
}

/// Neither an account that is gone nor a name that is taken keeps the rest of a batch from being written.
///
/// # Panics
/// If the law is broken.
pub async fn a_batch_skips_changes_that_cannot_be(store: &dyn Store) {
    let [first, second] = [account("first"), account("second")];
    add(store, &first).await;
    add(store, &second).await;
    let changed = |id, change| LedgerEntry::AccountChanged { id, change, at: NOW };
    append(
        store,
        &[
            changed(AccountId::new(NOW), AccountChange::Paused),
            changed(second.id, AccountChange::Renamed("first".into())),
            changed(second.id, AccountChange::Served),
            settled(&full_exchange(0)),
        ],
    )
    .await;
    assert_eq!(names(store).await, ["first", "second"]);
    assert_eq!(all(store).await[1].requests, 1, "the rest of the account's changes");
    assert_eq!(newest(store).await.len(), 1, "the rest of the batch");
}

/// A payload is what it was; the oldest go first, at most as many as are asked for, and young ones stay.
///
/// # Panics
/// If the law is broken.
pub async fn payloads_come_back_whole_until_they_are_swept(store: &dyn Store) {
    let payload = |seconds| {
        let headers = vec![("content-type".into(), "text/plain".into())];
        let side = PayloadSide { headers, body: vec![0, 255, 7].into(), length: 9, truncated: true };
        // Not `new`: ids made in one process never go back in time, and other laws have made some.
        let id = ExchangeId::first_of(NOW + Duration::from_secs(seconds));
        Payload { id, request: side, answer: PayloadSide::default() }
    };
    let kept = [payload(1), payload(2), payload(3)];
    store.keep_payloads(&kept).await.expect("kept");
    for payload in &kept {
        assert_eq!(store.payload(payload.id).await.expect("readable").as_ref(), Some(payload));
    }
    let sweep = async |limit| store.sweep_payloads(NOW + Duration::from_secs(3), limit).await.expect("a sweep");
    assert_eq!((sweep(1).await, sweep(9).await, sweep(9).await), (1, 1, 0));
    let left = [&kept[0], &kept[1], &kept[2]].map(|payload| payload.id);
    assert_eq!(store.payload(left[0]).await.expect("readable"), None);
    assert_eq!(store.payload(left[1]).await.expect("readable"), None);
    assert!(store.payload(left[2]).await.expect("readable").is_some());
}

async fn add(store: &dyn Store, account: &Account) {
    store.add_account(account).await.expect("adding an account of a free name");
}

async fn rename(store: &dyn Store, id: AccountId, name: &str) -> Result<Account, StoreError> {
    store.change_account(id, AccountChange::Renamed(name.into()), NOW).await
}

async fn all(store: &dyn Store) -> Vec<Account> {
    store.accounts().await.expect("reading the accounts")
}

async fn names(store: &dyn Store) -> Vec<String> {
    all(store).await.iter().map(|account| account.name.to_string()).collect()
}

async fn append(store: &dyn Store, batch: &[LedgerEntry]) {
    store.append(batch).await.expect("appending a batch");
}

fn settled(exchange: &Exchange) -> LedgerEntry {
    LedgerEntry::Settled(Box::new(exchange.clone()))
}

async fn newest(store: &dyn Store) -> Vec<Exchange> {
    store.exchanges(PageRequest { before: None, limit: 100 }).await.expect("reading a page")
}

/// Everything that `Debug` shows is everything but the credential.
#[track_caller]
fn assert_same(stored: &Account, expected: &Account) {
    assert_eq!(format!("{stored:#?}"), format!("{expected:#?}"));
    assert!(secrets(stored) == secrets(expected), "the credential came back as another one");
}

fn secrets(account: &Account) -> (&str, Option<&str>) {
    match &*account.credential {
        Credential::ApiKey(key) => (key.expose(), None),
        Credential::OAuth(tokens) => (tokens.access.expose(), tokens.refresh.as_ref().map(Secret::expose)),
    }
}

fn key(text: &str) -> Credential {
    Credential::ApiKey(Secret::new(text))
}

fn account(name: &str) -> Account {
    Account::new(name, "anthropic", key(&format!("sk-{name}")), NOW)
}

/// An account with nothing left out.
fn full_account(name: &str) -> Account {
    let mut account = account(name);
    account.base_url = Some(Arc::new("https://api.example.com/base/".parse().expect("a URL")));
    for change in every_change().into_iter().filter(|change| !matches!(change, AccountChange::Renamed(_))) {
        account.apply(change, NOW);
    }
    account
}

fn every_change() -> Vec<AccountChange> {
    let mark = |reason, scope, seconds: Option<u64>| Mark {
        reason,
        scope,
        since: NOW,
        until: seconds.map(|seconds| NOW + Duration::from_secs(seconds)),
        evidence: "This request would exceed your rate limit".into(),
    };
    vec![
        AccountChange::Closed(mark(ClosureReason::NeedsLogin, Scope::Account, None)),
        AccountChange::Closed(mark(ClosureReason::NoTokens, Scope::Account, Some(60))),
        AccountChange::Renewed,
        AccountChange::Resumed,
        AccountChange::Paused,
        AccountChange::Renamed("renamed".into()),
        AccountChange::Prioritized(7),
        AccountChange::Tiered(Tier::Twenty),
        AccountChange::Closed(mark(ClosureReason::Throttled, Scope::Account, Some(600))),
        AccountChange::Closed(mark(ClosureReason::Quota, Scope::Family(ModelFamily::Opus), Some(3600))),
        AccountChange::Closed(mark(ClosureReason::NotEntitled, Scope::Model("claude-x".into()), None)),
        AccountChange::Served,
        AccountChange::SessionStarted(NOW),
        AccountChange::Served,
        AccountChange::Observed(Arc::new(limits())),
        AccountChange::OrganizationSeen("org-1".into()),
    ]
}

fn limits() -> Limits {
    let subscription = Window {
        name: "7d_oi".into(),
        status: Some("allowed_warning".into()),
        utilization: Some(1.25),
        limit: None,
        remaining: None,
        resets: Some(NOW),
        family: Some(ModelFamily::Fable),
        observed: NOW,
    };
    let key = Window {
        name: "input-tokens".into(),
        status: None,
        utilization: None,
        limit: Some(4_000_000),
        remaining: Some(0),
        resets: None,
        family: None,
        observed: NOW,
    };
    Limits { windows: vec![subscription, key], observed: Some(NOW), tier_hint: Some(Tier::Five) }
}

/// Every field of a client key survives.
///
/// # Panics
/// If the law is broken.
pub async fn client_keys_come_back_whole_in_the_order_they_were_made(store: &dyn Store) {
    let full = ClientKey {
        expires: Some(NOW + Duration::from_secs(60)),
        models: vec!["claude-haiku-*".into()],
        accounts: vec![AccountId::from_bytes([7; 16])],
        ..client_key(1, "z")
    };
    let keys = [full, client_key(2, "a")];
    for key in &keys {
        store.put_client_key(key).await.expect("a key that can be added");
    }
    assert_eq!(store.client_keys().await.expect("the keys"), keys, "whole, and in order");
}

/// A name that works is taken; one whose key is revoked is free, and stays free for nobody else's sake.
///
/// # Panics
/// If the law is broken.
pub async fn a_name_belongs_to_one_client_key_that_works(store: &dyn Store) {
    let first = client_key(1, "laptop");
    store.put_client_key(&first).await.expect("a new key");
    let error = store.put_client_key(&client_key(2, "laptop")).await.expect_err("a second key of the name");
    assert!(matches!(&error, StoreError::KeyNameTaken(name) if name == "laptop"), "KeyNameTaken, not {error:?}");
    store.put_client_key(&ClientKey { revoked: Some(NOW), ..first.clone() }).await.expect("revoked");
    store.put_client_key(&client_key(2, "laptop")).await.expect("a name that was given up");
    let revoked: Vec<_> = store.client_keys().await.expect("the keys").iter().map(|key| key.revoked).collect();
    assert_eq!(revoked, [Some(NOW), None]);
}

/// Settling an exchange that came with a key makes its arrival the key's last use; an older one, or changing the key,
/// takes that back no more.
///
/// # Panics
/// If the law is broken.
pub async fn a_client_keys_last_use_is_the_ledgers_to_tell(store: &dyn Store) {
    let key = client_key(1, "laptop");
    store.put_client_key(&key).await.expect("a new key");
    let used = async || store.client_keys().await.expect("the keys")[0].last_used;
    assert_eq!(used().await, None);
    for second in [9, 5] {
        let intent = Intent { client_key: Some((key.id, "laptop".into())), ..(*intent(second)).clone() };
        let exchange = Box::new(Exchange::unfinished(intent, Outcome::Answered));
        store.append(&[LedgerEntry::Settled(exchange)]).await.expect("a batch");
        assert_eq!(used().await, Some(NOW + Duration::from_secs(9)));
    }
    store.put_client_key(&key).await.expect("the same key");
    assert_eq!(used().await, Some(NOW + Duration::from_secs(9)));
}

/// Entries come back whole, newest first, page by page. (Their bound is too far away to be reached in a test of this kind.)
///
/// # Panics
/// If the law is broken.
pub async fn the_audit_log_runs_from_the_newest_to_the_oldest(store: &dyn Store) {
    let actors = [Actor::Local, Actor::Token("127.0.0.1".into()), Actor::Browser("::1".into())];
    let entry = |number: u8| AuditEntry {
        id: AuditId::from_bytes([number; 16]),
        at: NOW + Duration::from_secs(number.into()),
        actor: actors[usize::from(number) % 3].clone(),
        action: "account.add".to_owned(),
        subject: "work".to_owned(),
        refused: (number == 2).then(|| "no".to_owned()),
    };
    for number in 0..5 {
        store.write_audit(&entry(number)).await.expect("an entry");
    }
    assert_eq!(store.audit(None, 2).await.expect("a page"), [entry(4), entry(3)]);
    let rest = store.audit(Some(entry(3).id), 9).await.expect("the rest");
    assert_eq!(rest, [entry(2), entry(1), entry(0)]);
}

fn client_key(number: u8, name: &str) -> ClientKey {
    ClientKey {
        id: ClientKeyId::from_bytes([number; 16]),
        name: name.into(),
        digest: KeyDigest::of(name),
        created: NOW,
        expires: None,
        revoked: None,
        models: Vec::new(),
        accounts: Vec::new(),
        last_used: None,
    }
}

/// The intent of the `second`th exchange: always the same one.
fn intent(second: u8) -> Arc<Intent> {
    let mut id = [0; 16];
    id[0] = second + 1;
    Arc::new(Intent {
        id: ExchangeId::from_bytes(id),
        at: NOW + Duration::from_secs(second.into()),
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: Some("claude-opus-5-5".into()),
        request_bytes: 183_000,
        client_key: None,
        asker: None,
        preference: None,
    })
}

/// An exchange with nothing left out.
fn full_exchange(second: u8) -> Exchange {
    let attempt = |account, choice, status, verdict, detail: Option<&str>| AttemptRecord {
        account,
        choice,
        started: Duration::from_micros(250),
        took: Duration::from_millis(900),
        status,
        verdict,
        detail: detail.map(Into::into),
    };
    let named = Some((AccountId::from_bytes([9; 16]), "work".into()));
    let tokens = Tokens {
        input: Some(12),
        output: None,
        cache_read: Some(120_000),
        cache_write_5m: Some(0),
        cache_write_1h: Some(u64::MAX),
    };
    Exchange {
        intent: intent(second),
        outcome: Outcome::Answered,
        status: Some(200),
        error: Some("overloaded_error: Overloaded".into()),
        attempts: vec![
            attempt(named, Choice::FailOver, None, VerdictKind::Network, Some("connection refused")),
            attempt(None, Choice::ClientCredentials, Some(200), VerdictKind::Success, None),
        ],
        timing: Timing {
            headers: Some(Duration::from_millis(900)),
            first_token: Some(Duration::from_millis(1200)),
            end: Some(Duration::from_secs(20)),
        },
        model: Some("claude-opus-5-5-20261101".into()),
        usage: Usage {
            tokens,
            iterations: vec![
                ModelUsage { model: None, tokens },
                ModelUsage { model: Some("claude-haiku-5-5".to_owned()), tokens: Tokens::default() },
            ],
            fast: true,
            batch: false,
            us_only: true,
            web_searches: 3,
        },
        cost: Some(NanoUsd(123_456_789)),
        priced: Some("2026-11-24".into()),
        response_bytes: 45_000,
        decision: Some(Box::new(bindings::full_decision())),
    }
}
