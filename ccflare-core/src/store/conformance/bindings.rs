//! What a store has to do with the places of conversations.

use std::time::Duration;

use crate::{
    domain::{
        AccountId, Binding, Choice, ClosureReason, Decision, Excluded, Fingerprint, Headroom, Lane, Leaving,
        ModelFamily, Move, Named, NanoUsd, Ranked, SessionKey, Timestamp, VerdictKind,
    },
    store::Store,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn binding(session: u128) -> Binding {
    let lane = |family, cached| Lane {
        family,
        account: AccountId::from_bytes([7; 16]),
        model: Some("claude-opus-5-5".into()),
        cached,
        hour: true,
        used: NOW,
    };
    let bare = Lane { model: None, hour: false, ..lane(ModelFamily::Other, None) };
    Binding {
        session: SessionKey(session),
        prefix: Some(Fingerprint(u128::MAX)),
        lanes: vec![lane(ModelFamily::Opus, Some(150_000)), bare],
        main: Some(ModelFamily::Opus),
    }
}

/// Every field of a binding survives; a newer one takes the place of the older, and what is forgotten is gone.
///
/// # Panics
/// If the law is broken.
pub async fn bindings_come_back_whole_until_they_are_forgotten(store: &dyn Store) {
    let all = async || {
        let mut all = store.bindings().await.expect("the bindings");
        all.sort_by_key(|binding| binding.session);
        all
    };
    let bare = Binding { prefix: None, lanes: Vec::new(), main: None, ..binding(u128::MAX) };
    store.keep_bindings(&[bare.clone(), binding(1), binding(0)], &[]).await.expect("kept");
    assert_eq!(all().await, [binding(0), binding(1), bare.clone()]);

    let mut moved = binding(1);
    moved.lanes.truncate(1);
    moved.lanes[0].account = AccountId::from_bytes([8; 16]);
    let gone = [SessionKey(0), SessionKey(99)];
    store.keep_bindings(&[moved.clone()], &gone).await.expect("kept and forgotten");
    assert_eq!(all().await, [moved, bare]);
}

/// A decision with nothing left out.
pub(super) fn full_decision() -> Decision {
    let account = |byte, name: &str| Named { id: AccountId::from_bytes([byte; 16]), name: name.into() };
    let headroom = Headroom {
        size: 12,
        left: 0.25,
        window: Some("7d_oi".into()),
        conversations: 3,
        in_flight: 2,
        expires: Some(NOW),
    };
    let first = Ranked {
        account: account(9, "work"),
        priority: 0,
        choice: Choice::Conversation,
        headroom: Some(headroom),
        wait: Duration::from_millis(1500),
    };
    let second = Ranked {
        account: account(8, "home"),
        priority: 0,
        choice: Choice::FailOver,
        headroom: None,
        wait: Duration::ZERO,
    };
    let excluded = Excluded {
        account: account(7, "spent"),
        reason: ClosureReason::Quota,
        until: Some(NOW),
        evidence: "7d rejected".into(),
    };
    let moved = Move {
        from: AccountId::from_bytes([7; 16]),
        from_name: None,
        reason: Leaving::Refused(VerdictKind::Throttle),
        cached_tokens: 150_000,
        price: Some(NanoUsd(720_000_000)),
    };
    Decision {
        strategy: "conversation".into(),
        candidates: vec![first, second],
        excluded: vec![excluded],
        unnamed: 4,
        moved: Some(moved),
    }
}
