//! The laws of sums, searches and conversations.

use std::sync::Arc;

use super::{NOW, full_exchange};
use crate::{
    analytics::{Dimensions, Filter, Minute, Question},
    domain::{Asker, Exchange, ExchangeId, Timestamp},
    store::{LedgerEntry, PageRequest, Store, Wanted},
};

/// Ten exchanges, a minute after another, of two agents in two conversations.
fn ten() -> Vec<Exchange> {
    let one = |number: u8| {
        let mut exchange = full_exchange(0);
        let at = NOW + std::time::Duration::from_secs(u64::from(number) * 60);
        let intent = Arc::make_mut(&mut exchange.intent);
        (intent.id, intent.at) = (ExchangeId::new(at), at);
        intent.asker = Some(Arc::new(Asker {
            session: format!("session {}", number / 5).into(),
            conversation: crate::domain::Fingerprint(u128::from(number / 5)),
            subagent: None,
            is_subagent: false,
            parent: None,
            agent: (number % 2 == 1).then(|| "reviewer".into()),
            workspace: None,
        }));
        exchange
    };
    (0..10).map(one).collect()
}

async fn settle(store: &dyn Store, exchanges: &[Exchange]) {
    let entries: Vec<_> = exchanges.iter().cloned().map(|one| LedgerEntry::Settled(Box::new(one))).collect();
    store.append(&entries).await.expect("settling");
}

fn everything() -> Question {
    Question::ever(Filter::default())
}

/// Sums are those of the exchanges that are meant, whenever they are settled, and each is counted once.
///
/// # Panics
/// If the law is broken.
pub async fn sums_count_each_exchange_once(store: &dyn Store) {
    let exchanges = ten();
    settle(store, &exchanges[5..]).await;
    settle(store, &exchanges[..7]).await;
    let answer = store.answer(&everything()).await.expect("an answer");
    assert_eq!((answer.total.counts.requests, answer.total.counts.cost.0), (10, 1_234_567_890));
    let agents: Vec<_> = answer.agents.iter().map(|(name, group)| (name.as_deref(), group.counts.requests)).collect();
    assert_eq!(agents, [(None, 5), (Some("reviewer"), 5)]);
    let first = Minute::of(NOW);
    let filter = Filter { agents: Some(vec![Some("reviewer".into())]), ..Filter::default() };
    let question = Question { from: first + 2, to: first + 8, bucket: 1, filter, distributions: true };
    let answer = store.answer(&question).await.expect("an answer");
    let minutes: Vec<_> = answer.buckets.iter().map(|bucket| bucket.start.0 - first.0).collect();
    assert_eq!(minutes, [3, 5, 7]);
}

/// Pages of a selection have all that is wanted and nothing else, newest first.
///
/// # Panics
/// If the law is broken.
pub async fn a_selection_is_found_page_by_page(store: &dyn Store) {
    let exchanges = ten();
    settle(store, &exchanges).await;
    let filter = Filter { agents: Some(vec![None]), ..Filter::default() };
    let mut wanted = Wanted { filter, limit: 2, ..Wanted::default() };
    let mut found = Vec::new();
    loop {
        let page = store.find(&wanted).await.expect("a page");
        found.extend(page.exchanges);
        wanted.before = page.next;
        if wanted.before.is_none() {
            break;
        }
    }
    let unnamed = |exchange: &&Exchange| Dimensions::of(exchange).agent.is_none();
    assert_eq!(found, exchanges.iter().rev().filter(unnamed).cloned().collect::<Vec<_>>());
    let wanted =
        Wanted { session: Some("session 1".into()), from: Some(exchanges[7].intent.at), limit: 9, ..Wanted::default() };
    let found = store.find(&wanted).await.expect("a page");
    assert_eq!((found.exchanges.len(), found.next), (3, None));
}

/// Conversations are listed by their latest exchange, and add up.
///
/// # Panics
/// If the law is broken.
pub async fn conversations_add_up(store: &dyn Store) {
    let exchanges = ten();
    settle(store, &exchanges).await;
    let sessions = store.sessions(PageRequest { before: None, limit: 9 }).await.expect("a page");
    let seen: Vec<_> = sessions.iter().map(|session| (&*session.id, session.all.requests)).collect();
    assert_eq!(seen, [("session 1", 5), ("session 0", 5)]);
    assert_eq!((sessions[1].first, sessions[1].last), (exchanges[0].intent.at, exchanges[4].intent.id));
    let rest = store.sessions(PageRequest { before: Some(sessions[0].last), limit: 9 }).await.expect("a page");
    assert_eq!(rest, sessions[1..]);
    assert_eq!(store.session("session 0").await.expect("readable").as_ref(), Some(&sessions[1]));
    assert_eq!(store.session("session 2").await.expect("readable"), None);
}

/// Old exchanges go, oldest first and as many as wanted; forgetting takes all of them.
///
/// # Panics
/// If the law is broken.
pub async fn exchanges_go_oldest_first(store: &dyn Store) {
    let exchanges = ten();
    settle(store, &exchanges).await;
    let before = exchanges[4].intent.at;
    assert_eq!(store.sweep_exchanges(before, 3).await.expect("a sweep"), 3);
    assert_eq!(store.exchange(exchanges[2].intent.id).await.expect("readable"), None);
    assert_eq!(store.exchange(exchanges[3].intent.id).await.expect("readable").as_ref(), Some(&exchanges[3]));
    assert_eq!(store.sweep_exchanges(before, 3).await.expect("a sweep"), 1);
    assert_eq!(store.sweep_exchanges(before, 3).await.expect("a sweep"), 0);
    assert_eq!(store.forget_exchanges().await.expect("forgotten"), 6);
    assert_eq!(store.answer(&everything()).await.expect("an answer").total.counts.requests, 0);
    let page = PageRequest { before: None, limit: 9 };
    assert_eq!(store.exchanges(page).await.expect("a page"), []);
    assert_eq!(store.sweep_exchanges(Timestamp::from_micros(i64::MAX), 9).await.expect("a sweep"), 0);
}
