//! The laws of ids that live on one account.

use std::{sync::Arc, time::Duration};

use super::NOW;
use crate::{
    domain::{AccountId, OwnedId},
    store::Store,
};

/// An id comes back whole and in the order of sight; seen again it is one id still, with what is known now; forgotten
/// it is gone, and forgetting what is not there is no error. An id that goes and comes in one step is there.
///
/// # Panics
/// If the law is broken.
pub async fn owned_ids_come_back_until_they_are_forgotten(store: &dyn Store) {
    let id = |name: &str, seconds: u64| OwnedId {
        id: name.into(),
        account: AccountId::new(NOW),
        seen: NOW + Duration::from_secs(seconds),
        until: None,
    };
    let thread = OwnedId { until: Some(NOW + Duration::from_secs(300)), ..id("msg_1", 2) };
    let ids = [id("file_b", 1), thread, id("file_a", 3)];
    let note = async |seen: &[OwnedId], gone: &[Arc<str>]| {
        store.note_owned_ids(seen, gone).await.expect("a note");
        store.owned_ids().await.expect("the ids")
    };
    let turned: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(note(&turned, &[]).await, ids, "the one seen longest ago first");

    let again = OwnedId { account: AccountId::new(NOW), ..id("file_b", 4) };
    let known = note(std::slice::from_ref(&again), &["msg_1".into(), "nobody's".into()]).await;
    assert_eq!(known, [ids[2].clone(), again.clone()]);
    assert_eq!(note(&ids[2..], &["file_a".into(), "file_b".into()]).await, ids[2..]);
}
