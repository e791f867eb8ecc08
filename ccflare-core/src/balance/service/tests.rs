use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use parking_lot::Mutex;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::{
    balance::{BalanceLayer, Session},
    clock::{Clock, ManualClock},
    domain::{Account, AccountChange, Credential, Secret},
    pool::AccountPool,
    provider::Providers,
};

/// What an account answers, and what happens meanwhile.
type Answers = fn(&str, usize, &AccountPool, &ManualClock) -> Response<Full<Bytes>>;

fn good() -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from_static(b"{}")))
}

fn limited(retry_after: &'static str) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(429).header("retry-after", retry_after);
    answer.body(Full::default()).expect("an answer")
}

/// Asks once with two accounts: who was asked, and the status of the answer.
async fn asked(prepare: fn(&AccountPool, Timestamp), answers: Answers) -> (Vec<String>, u16) {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let account = |name| Account::new(name, "anthropic", Credential::ApiKey(Secret::new("k")), clock.now());
    let pool = Arc::new(AccountPool::new(vec![account("a"), account("b")]));
    prepare(&pool, clock.now());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let upstream = service_fn({
        let (asked, pool, clock) = (Arc::clone(&asked), Arc::clone(&pool), Arc::clone(&clock));
        move |attempt: Attempt| {
            let name = attempt.target.account().expect("an account").name.to_string();
            let mut asked = asked.lock();
            let answer = answers(&name, asked.len(), &pool, &clock);
            asked.push(name);
            std::future::ready(Ok::<_, AttemptError>(answer))
        }
    });
    let balance = BalanceLayer::new(pool, Arc::new(Session::default()), Providers::default(), clock);
    let request = Request::post("/v1/messages").body(Bytes::from_static(b"{}")).expect("a request");
    let answer = balance.layer(upstream).oneshot(request).await;
    let status = answer.map_or_else(|error| error.refusal.status(), |answer| answer.status()).as_u16();
    (std::mem::take(&mut asked.lock()), status)
}

fn id(pool: &AccountPool, name: &str) -> AccountId {
    pool.snapshot().iter().find(|account| *account.name == *name).expect("an account").id
}

#[tokio::test]
async fn who_has_opened_since_the_plan_was_made_is_asked_before_the_client_is_sent_away() {
    let throttle_a = |pool: &AccountPool, now| {
        let mark = crate::domain::Mark {
            reason: crate::domain::ClosureReason::Throttled,
            scope: crate::domain::Scope::Account,
            since: now,
            until: Some(now + Duration::from_secs(2)),
            evidence: "".into(),
        };
        pool.close(id(pool, "a"), &mark, now);
    };
    let found = asked(throttle_a, |name, _, _, clock| {
        if name == "a" {
            return good();
        }
        clock.advance(Duration::from_secs(3));
        limited("60")
    });
    assert_eq!(found.await, (vec!["b".to_owned(), "a".to_owned()], 200));
}

#[tokio::test(start_paused = true)]
async fn who_was_waited_for_is_not_asked_again_if_the_operator_takes_it_out_meanwhile() {
    let found = asked(
        |_, _| {},
        |name, _, pool, clock| {
            if name == "b" {
                return good();
            }
            pool.apply(id(pool, "a"), [AccountChange::Paused], clock.now());
            limited("1")
        },
    );
    assert_eq!(found.await, (vec!["a".to_owned(), "b".to_owned()], 200));
}
