//! The laws of what keeps tokens alive: replaced credentials, pending logins, leases.

use std::{sync::Arc, time::Duration};

use super::{NOW, account, add, all, assert_same, key};
use crate::{
    domain::{
        AccountChange, AccountId, ClosureReason, Credential, LoginId, LoginPurpose, Mark, PendingLogin, Scope, Secret,
        Tier, TokenSet,
    },
    store::{Lease, Store, StoreError},
};

/// A credential is replaced only by who knows which one it replaces; the account's being refused ends with it.
///
/// # Panics
/// If the law is broken.
pub async fn a_credential_is_replaced_by_who_knows_it(store: &dyn Store) {
    let [mut renewed, other] = [account("renewed"), account("other")];
    add(store, &renewed).await;
    add(store, &other).await;
    let refused =
        Mark { reason: ClosureReason::NeedsLogin, scope: Scope::Account, since: NOW, until: None, evidence: "".into() };
    store.change_account(renewed.id, AccountChange::Closed(refused), NOW).await.expect("a change");

    let first = Credential::OAuth(tokens(1));
    store.replace_credential(renewed.id, 0, &first).await.expect("the key of generation 0");
    renewed.renew(Arc::new(first));
    assert_same(&store.account(renewed.id).await.expect("it is there"), &renewed);

    let late = store.replace_credential(renewed.id, 0, &Credential::OAuth(tokens(1))).await;
    assert!(matches!(late, Err(StoreError::Superseded)), "Superseded, not {late:?}");
    let second = Credential::OAuth(TokenSet { refresh: None, expires: None, ..tokens(2) });
    store.replace_credential(renewed.id, 1, &second).await.expect("the tokens of generation 1");
    renewed.renew(Arc::new(second));
    let stored = all(store).await;
    assert_same(&stored[0], &renewed);
    assert_same(&stored[1], &other);

    let missing = store.replace_credential(AccountId::new(NOW), 0, &key("sk-new")).await;
    assert!(matches!(missing, Err(StoreError::NoSuchAccount)), "NoSuchAccount, not {missing:?}");
    let missing = store.account(AccountId::new(NOW)).await.map(|account| account.id);
    assert!(matches!(missing, Err(StoreError::NoSuchAccount)), "NoSuchAccount, not {missing:?}");
}

/// A login is taken once, whole; those that are too old are swept and no others.
///
/// # Panics
/// If the law is broken.
pub async fn a_login_is_taken_once(store: &dyn Store) {
    let purposes = [
        LoginPurpose::Renew(AccountId::new(NOW)),
        LoginPurpose::Add {
            name: "name".into(),
            provider: "anthropic".into(),
            base_url: Some(Arc::new("https://api.example.com/base/".parse().expect("a URL"))),
            priority: 7,
            tier: Some(Tier::Five),
        },
    ];
    for purpose in purposes {
        let login = login(0, purpose);
        store.keep_login(&login).await.expect("kept");
        let taken = store.take_login(login.id).await.expect("read").expect("it is there");
        assert_eq!(format!("{taken:?}"), format!("{login:?}"));
        assert!(taken.state.expose() == login.state.expose() && taken.verifier.expose() == login.verifier.expose());
        assert!(store.take_login(login.id).await.expect("read").is_none(), "a login is taken once");
    }

    let [old, young] = [0, 600].map(|second| login(second, LoginPurpose::Renew(AccountId::new(NOW))));
    store.keep_login(&old).await.expect("kept");
    store.keep_login(&young).await.expect("kept");
    assert_eq!(store.sweep_logins(NOW + Duration::from_secs(300)).await.expect("swept"), 1);
    assert!(store.take_login(old.id).await.expect("read").is_none(), "the old one is gone");
    assert!(store.take_login(young.id).await.expect("read").is_some(), "the young one is not");
}

/// A lease belongs to one holder until it is given back or runs out.
///
/// # Panics
/// If the law is broken.
pub async fn a_lease_belongs_to_one_holder(store: &dyn Store) {
    let lease = |name: &str, holder: &str, second| Lease {
        name: name.to_owned(),
        holder: holder.to_owned(),
        until: NOW + Duration::from_secs(second),
    };
    let take = async |lease: &Lease, second| {
        store.take_lease(lease, NOW + Duration::from_secs(second)).await.expect("an answer")
    };
    assert!(take(&lease("a", "one", 60), 0).await, "a free one");
    assert!(take(&lease("b", "two", 60), 0).await, "another one");
    assert!(!take(&lease("a", "two", 60), 59).await, "held by somebody else");
    assert!(take(&lease("a", "one", 70), 59).await, "prolonged by its holder");
    assert!(!take(&lease("a", "two", 99), 69).await, "held for the longer time");
    assert!(take(&lease("a", "two", 99), 70).await, "it has run out");
    store.release_lease(&lease("a", "one", 70)).await.expect("nothing happens");
    assert!(!take(&lease("a", "one", 99), 71).await, "nobody gives back what is another's");
    store.release_lease(&lease("a", "two", 99)).await.expect("given back");
    assert!(take(&lease("a", "one", 99), 71).await, "free again");
}

fn tokens(generation: u64) -> TokenSet {
    TokenSet {
        server: "server".into(),
        access: Secret::new(&format!("access-{generation}")),
        refresh: Some(Secret::new(&format!("refresh-{generation}"))),
        expires: Some(NOW + Duration::from_secs(3600)),
        generation,
    }
}

fn login(second: u64, purpose: LoginPurpose) -> PendingLogin {
    let created = NOW + Duration::from_secs(second);
    PendingLogin {
        id: LoginId::new(created),
        server: "server".into(),
        redirect_uri: Arc::new("http://127.0.0.1:4711/callback".parse().expect("a URL")),
        state: Secret::new("the-state"),
        verifier: Secret::new("the-verifier"),
        purpose,
        created,
    }
}
