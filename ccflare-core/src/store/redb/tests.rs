#[tokio::test]
async fn smoke() {
    use crate::{domain::*, store::*};
    let store = RedbStore::in_memory();
    let now = Timestamp::from_seconds(1_800_000_000);
    let a = Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), now);
    store.add_account(&a).await.unwrap();
    assert_eq!(store.accounts().await.unwrap().len(), 1);
    let (wb, writer) = WriteBehind::start(std::sync::Arc::new(store.clone()), WriteBehindOptions::default());
    let slots = wb.reserve().await.unwrap();
    let intent = Intent {
        id: ExchangeId::new(now),
        at: now,
        method: http::Method::POST,
        path: "/v1/messages".into(),
        model: None,
        request_bytes: 3,
    };
    slots.open(intent.clone()).settle(Box::new(Exchange::unfinished(intent, Outcome::Answered)));
    wb.change(a.id, AccountChange::Served, now);
    wb.flushed().await;
    assert_eq!(store.exchanges(PageRequest { before: None, limit: 9 }).await.unwrap().len(), 1);
    assert_eq!(store.accounts().await.unwrap()[0].requests, 1);
    assert_eq!(writer.finish().await, 3);
}
