//! Accounts that log in: both ways in, and tokens that stay alive whatever goes wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ccflare_core::{
    clock::{ManualClock, SystemClock},
    control::{ControlError, views::NewLogin},
    gateway::{Gateway, GatewayBuilder, GatewayOptions},
    oauth::{AuthorizationServer, AuthorizationServers, TokenFormat},
    store::{AccountStore, RedbStore, StoreError, StoreWatch, Watched},
};
use ccflare_mock::{Fault, KeyConfig, MockConfig, MockOAuth, MockUpstream, Step};
use ccflare_server::ServeOptions;
use http_body_util::Full;
use tower::ServiceExt;

use crate::harness::{SOON, START, Stage, after, http_client_builder, message};

/// What the mock's access tokens live for: eight hours.
const LIFE: u64 = 8 * 60 * 60;

fn server(oauth: &MockOAuth, format: TokenFormat) -> AuthorizationServer {
    let url = |text: &str| text.parse().expect("a URL");
    let redirect = url("https://login.example/shows-the-code");
    let (authorize, token) = (url(&oauth.authorize_url()), url(&oauth.token_url()));
    let mut server = AuthorizationServer::new("mock", authorize, token, "our-own-client", redirect);
    server.token_format = format;
    server
}

/// Answers that name no organisation: each login has one of its own.
fn upstream() -> MockConfig {
    MockConfig { other_keys: KeyConfig::organization(""), ..MockConfig::default() }
}

/// A stage without accounts, and an authorization server beside it.
async fn stage() -> (Stage, MockOAuth) {
    stage_with(TokenFormat::Form).await
}

async fn stage_with(format: TokenFormat) -> (Stage, MockOAuth) {
    let oauth = MockOAuth::start(LIFE).await.expect("a free port");
    let servers = AuthorizationServers::new([server(&oauth, format)]);
    let stage = Stage::set_with_servers(&[], upstream(), GatewayOptions::default(), servers).await;
    (stage, oauth)
}

/// What a person does: opens the address, grants access, and comes back with the address it ends at.
async fn grant(address: &str) -> String {
    let answer = http_client_builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
        .get(address)
        .send()
        .await
        .expect("the page");
    answer.headers()["location"].to_str().expect("an address").to_owned()
}

/// Logs an account in.
async fn log_in(stage: &Stage, login: NewLogin) {
    let login = stage.control.begin_login(login).await.expect("a login begins");
    let pasted = grant(&login.auth_url).await;
    stage.control.complete_login(&login.session_id, &pasted).await.expect("logged in");
    // Table order is the order of ids, and ids follow the clock.
    stage.clock.advance(Duration::from_millis(1));
}

fn named(name: &str) -> NewLogin {
    NewLogin { name: name.to_owned(), ..NewLogin::default() }
}

fn again(account: &str) -> NewLogin {
    NewLogin { account: Some(account.to_owned()), ..NewLogin::default() }
}

#[tokio::test]
async fn an_account_logs_in_with_the_address_or_what_the_page_shows_and_serves() {
    for format in [TokenFormat::Form, TokenFormat::Json] {
        let (stage, oauth) = stage_with(format).await;
        log_in(&stage, NewLogin { priority: 3, ..named("me") }).await;

        // From afar it is the same.
        let control = crate::control::remote(&stage);
        let login = control.begin_login(named("other")).await.expect("a login begins");
        let address: url::Url = grant(&login.auth_url).await.parse().expect("an address");
        let param = |name| address.query_pairs().find(|(key, _)| key == name).expect("there").1.into_owned();
        let shown = format!("{}#{}", param("code"), param("state"));
        let account = control.complete_login(&login.session_id, &shown).await.expect("logged in");
        assert_eq!((account.name.as_str(), account.token_status.as_str()), ("other", "valid"));

        let answer = stage.send(message("claude-opus-5-5", false), &[("anthropic-beta", "a,b")]).await;
        assert_eq!(answer.status, 200);
        let request = &stage.mock.requests()[0];
        let header = |name: &str| {
            let values = request.headers.iter().filter(|(known, _)| known == name);
            values.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(header("anthropic-beta"), ["a,b", "oauth-2025-04-20"]);
        assert_eq!((header("authorization"), header("x-api-key")), (vec!["Bearer mock-oat-4".to_owned()], vec![]));

        let exchange = &oauth.requests()[0];
        let is_json = format == TokenFormat::Json;
        assert_eq!(exchange.content_type == "application/json", is_json);
        assert_eq!(exchange.fields.contains_key("state"), is_json);
        assert_eq!(exchange.fields["client_id"], "our-own-client");
        let me = stage.account("me").await;
        assert_eq!((me.priority, me.organization.as_deref()), (3, Some("mock-organization-2")));
        assert!(me.token_expires_at.is_some());
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_login_that_is_not_right_comes_to_nothing_and_says_why() {
    let (stage, oauth) = stage().await;
    let begin = async || stage.control.begin_login(named("me")).await.expect("a login begins");
    let complete = async |session: &str, pasted: &str| {
        stage.control.complete_login(session, pasted).await.map(|account| account.name)
    };

    let login = begin().await;
    let pasted = grant(&login.auth_url).await;
    let half = complete(&login.session_id, "mock-code-1").await;
    assert!(matches!(half, Err(ControlError::Invalid(why)) if why.contains('#')), "half of it can be tried again");
    assert!(matches!(complete("no-session", &pasted).await, Err(ControlError::NotFound(_))));
    assert_eq!(complete(&login.session_id, &pasted).await.expect("now it is whole"), "me");
    assert!(matches!(complete(&login.session_id, &pasted).await, Err(ControlError::NotFound(_))), "a code works once");

    oauth.confuse_state();
    let login = stage.control.begin_login(named("x")).await.expect("a login begins");
    let confused = grant(&login.auth_url).await;
    assert!(
        matches!(complete(&login.session_id, &confused).await, Err(ControlError::Invalid(why)) if why.contains("another"))
    );

    let login = stage.control.begin_login(named("x")).await.expect("a login begins");
    let pasted = grant(&login.auth_url).await;
    stage.clock.advance(Duration::from_secs(601));
    assert!(matches!(complete(&login.session_id, &pasted).await, Err(ControlError::NotFound(_))), "ten minutes");

    let login = stage.control.begin_login(named("x")).await.expect("a login begins");
    let pasted = grant(&login.auth_url).await;
    oauth.faults([Fault::InvalidGrant]);
    assert!(
        matches!(complete(&login.session_id, &pasted).await, Err(ControlError::Invalid(why)) if why.contains("refuses"))
    );

    assert!(
        matches!(stage.control.begin_login(named("me")).await, Err(ControlError::Conflict(_))),
        "the name is taken"
    );
    let nowhere = NewLogin { server: Some("nope".to_owned()), ..named("x") };
    assert!(
        matches!(stage.control.begin_login(nowhere).await, Err(ControlError::Invalid(why)) if why.contains("mock"))
    );
    assert_eq!(stage.control.accounts().await.expect("accounts").len(), 1);
    stage.finish().await;
}

#[tokio::test]
async fn without_a_configured_server_the_answer_says_what_to_configure() {
    let stage = Stage::with(&[]).await;
    let error = stage.control.begin_login(named("me")).await.expect_err("nowhere to log in");
    assert!(error.to_string().contains("[oauth.NAME]"), "{error}");
    stage.finish().await;
}

#[tokio::test]
async fn a_server_with_a_key_url_gives_the_account_a_key() {
    let oauth = MockOAuth::start(LIFE).await.expect("a free port");
    let mut server = server(&oauth, TokenFormat::Json);
    server.api_key_url = Some(oauth.api_key_url().parse().expect("a URL"));
    let servers = AuthorizationServers::new([server]);
    let stage = Stage::set_with_servers(&[], upstream(), GatewayOptions::default(), servers).await;
    log_in(&stage, named("me")).await;
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["mock-key-2"]);
    assert_eq!(stage.account("me").await.token_expires_at, None);
    stage.finish().await;
}

#[tokio::test]
async fn tokens_are_renewed_before_they_end_and_by_one() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE - 10));
    oauth.faults([Fault::Slow(Duration::from_millis(50))]);
    let answers = futures_util::future::join_all((0..32).map(|_| stage.ask())).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(oauth.renewals(), 1, "all who wait share one renewal");
    let keys = stage.asked();
    assert!(keys.iter().all(|key| key == &keys[0] && key != "mock-oat-2"), "nobody went with the old one: {keys:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_goes_on() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.mock.always("mock-oat-2", Step::unauthorized());
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(oauth.renewals(), 1);
    assert_eq!(stage.account("me").await.state, "active");

    // Fresh ones are refused too: it is the account.
    stage.mock.always("mock-oat-3", Step::unauthorized());
    stage.mock.always("mock-oat-4", Step::unauthorized());
    assert_eq!(stage.ask().await.status, 503);
    assert_eq!(oauth.renewals(), 2, "exactly one more");
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.token_status.as_str()), ("needs_login", "expired"));
    assert_eq!(stage.ask().await.status, 503, "it is out of routing");
    assert_eq!(stage.asked().len(), 4);

    let ledger = stage.finish().await;
    let verdicts: Vec<_> = ledger[0].attempts.iter().map(|attempt| attempt.verdict.as_str()).collect();
    assert_eq!(verdicts, ["credential", "success"]);
}

#[tokio::test]
async fn a_spent_refresh_token_is_seen_at_once_and_a_login_puts_it_right() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    assert_eq!(stage.ask().await.status, 200);
    stage.clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::InvalidGrant]);
    assert_eq!(stage.ask().await.status, 503);
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.total_requests), ("needs_login", 1));
    assert_eq!(me.closures.len(), 1, "{:?}", me.closures);
    assert!(me.closures[0].evidence.contains("log in again"), "{:?}", me.closures);

    log_in(&stage, again("me")).await;
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.total_requests), ("active", 1), "its history stays");
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_rotation_ends_visibly() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::LoseAnswer]);
    assert_eq!(stage.ask().await.status, 429);
    assert_eq!(stage.account("me").await.state, "rate_limited", "nothing is known yet");
    stage.clock.advance(Duration::from_secs(2));
    assert_eq!(stage.ask().await.status, 503);
    assert_eq!(stage.account("me").await.state, "needs_login");
    stage.finish().await;
}

#[tokio::test]
async fn a_server_that_fails_is_left_alone_for_a_while_and_costs_nobody_the_account() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::Status(500), Fault::Status(502)]);
    for _ in 0..5 {
        let answer = stage.ask().await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "it says when it is tried again");
    }
    assert_eq!(oauth.requests().len(), 2, "one login, one try");
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.closures[0].reason.as_str()), ("rate_limited", "no_tokens"));
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.ask().await.status, 429);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.ask().await.status, 429, "the second pause is longer");
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.ask().await.status, 200);
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.closures.len()), ("active", 0));
    let ledger = stage.finish().await;
    let asked = ledger.iter().filter(|request| !request.attempts.is_empty()).count();
    assert_eq!(asked, 3, "only who tries the renewal asks the account");
}

#[tokio::test]
async fn while_the_old_tokens_last_a_failing_renewal_costs_nobody_anything() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE - 10));
    oauth.faults([Fault::Status(500), Fault::Status(500)]);
    for _ in 0..2 {
        assert_eq!(stage.ask().await.status, 200);
    }
    assert_eq!(stage.asked(), ["mock-oat-2", "mock-oat-2"]);
    assert_eq!(stage.account("me").await.state, "active");
    stage.finish().await;
}

#[tokio::test]
async fn with_some_time_left_only_the_end_waits_for_the_renewal() {
    let (oauth, store) = (MockOAuth::start(LIFE).await.expect("a free port"), Arc::new(RedbStore::in_memory()));
    let servers = AuthorizationServers::new([server(&oauth, TokenFormat::Form)]);
    let build = |builder: GatewayBuilder| builder.authorization_servers(servers);
    let (options, serve) = (GatewayOptions::default(), ServeOptions::default());
    let stage = Stage::over(Arc::clone(&store), &[], upstream(), options, build, serve).await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE - 60));
    oauth.faults([Fault::Slow(Duration::from_millis(300))]);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.asked(), ["mock-oat-2"], "the old one still goes");
    tokio::time::timeout(SOON, oauth.requested(2)).await.expect("the renewal is under way");
    stage.finish().await;
    // A set that is lost can't be bought again.
    let me = store.accounts().await.expect("accounts").remove(0);
    assert_eq!(me.credential.generation(), 2);
}

/// A disk that takes no tokens for a while.
#[derive(Debug, Default)]
struct Disk {
    is_full: AtomicBool,
}

impl StoreWatch for Disk {
    fn begins(&self, op: &'static str) -> Result<(), StoreError> {
        let fails = op == "replace_credential" && self.is_full.load(Ordering::Acquire);
        if fails { Err(StoreError::backend("no space left")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_kept_until_they_can() {
    let (oauth, disk) = (MockOAuth::start(LIFE).await.expect("a free port"), Arc::new(Disk::default()));
    let store = Watched::new(Arc::new(RedbStore::in_memory()), Arc::clone(&disk) as _, Arc::new(SystemClock::new()));
    let servers = AuthorizationServers::new([server(&oauth, TokenFormat::Form)]);
    let build = |builder: GatewayBuilder| builder.authorization_servers(servers);
    let (options, serve) = (GatewayOptions::default(), ServeOptions::default());
    let stage = Stage::over(Arc::new(store), &[], upstream(), options, build, serve).await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE));
    disk.is_full.store(true, Ordering::Release);
    assert_eq!(stage.ask().await.status, 429, "nobody goes with tokens that a restart would lose");
    disk.is_full.store(false, Ordering::Release);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(oauth.requests().len(), 2, "they were bought once");
    assert_eq!(stage.asked(), ["mock-oat-3"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_login_into_another_organisation_leaves_the_old_ones_limits_behind() {
    let (stage, _oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.mock.script("mock-oat-2", [Step::quota_unified("5h", after(LIFE))]);
    assert_eq!(stage.ask().await.status, 429);
    assert_eq!(stage.account("me").await.state, "rate_limited");
    // Each login of the mock is into an organisation of its own.
    log_in(&stage, again("me")).await;
    let me = stage.account("me").await;
    assert_eq!((me.state.as_str(), me.organization.as_deref()), ("active", Some("mock-organization-4")));
    assert_eq!(stage.ask().await.status, 200);
    stage.finish().await;
}

#[tokio::test]
async fn a_login_says_at_once_that_its_server_is_for_another_api() {
    let oauth = MockOAuth::start(LIFE).await.expect("a free port");
    let mut elsewhere = server(&oauth, TokenFormat::Form);
    elsewhere.provider = "elsewhere".into();
    let servers = AuthorizationServers::new([elsewhere]);
    let stage = Stage::set_with_servers(&["key"], upstream(), GatewayOptions::default(), servers).await;
    let refused = stage.control.begin_login(named("me")).await.expect_err("nobody speaks for it");
    assert!(refused.to_string().contains("there is no provider \"elsewhere\"; there is anthropic"), "{refused}");
    let refused = stage.control.begin_login(again("key")).await.expect_err("the account is not of that API");
    assert!(refused.to_string().contains("key is an account of anthropic"), "{refused}");
    stage.finish().await;
}

#[tokio::test]
async fn while_one_account_has_no_tokens_another_serves() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("a")).await;
    log_in(&stage, named("b")).await;
    stage.clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::InvalidGrant]);
    assert_eq!(stage.ask().await.status, 200);
    let states = (stage.account("a").await.state, stage.account("b").await.state);
    assert_eq!(states, ("needs_login".to_owned(), "active".to_owned()));
    stage.finish().await;
}

#[tokio::test]
async fn a_client_that_leaves_does_not_take_the_new_tokens_with_it() {
    let (stage, oauth) = stage().await;
    log_in(&stage, named("me")).await;
    stage.clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::Slow(Duration::from_millis(100))]);
    let request = stage.client.post(stage.url("/v1/messages")).body(message("claude-opus-5-5", false).to_string());
    let leaving = tokio::spawn(request.send());
    tokio::time::timeout(SOON, oauth.requested(2)).await.expect("the renewal is under way");
    leaving.abort();
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(oauth.requests().len(), 2, "it was not asked again");
    stage.finish().await;
}

/// Both have the same store, and each its own idea of the account.
#[tokio::test]
async fn two_instances_never_use_one_refresh_token_twice() {
    let (mock, oauth) = (MockUpstream::start(upstream()).await, MockOAuth::start(LIFE).await.expect("a free port"));
    let (store, clock) = (Arc::new(RedbStore::in_memory()), Arc::new(ManualClock::new(START)));
    let mut options = GatewayOptions::default();
    options.upstream_base_url = Some(mock.url().parse().expect("a URL"));
    let instance = async || {
        let builder = Gateway::builder(Arc::clone(&store) as _).options(options.clone()).clock(Arc::clone(&clock) as _);
        let servers = AuthorizationServers::new([server(&oauth, TokenFormat::Form)]);
        builder.authorization_servers(servers).build().await.expect("it starts")
    };
    let first = instance().await;
    let login = first.control().begin_login(named("me")).await.expect("a login begins");
    let ended_at = grant(&login.auth_url).await;
    first.control().complete_login(&login.session_id, &ended_at).await.expect("logged in");
    let second = instance().await;

    clock.advance(Duration::from_secs(LIFE));
    oauth.faults([Fault::Slow(Duration::from_millis(100))]);
    let asks = [&first, &second].into_iter().cycle().take(16).map(|gateway| {
        let body = Full::new(Bytes::from(message("claude-opus-5-5", false).to_string()));
        gateway.line().oneshot(http::Request::post("/v1/messages").body(body).expect("valid"))
    });
    for answer in futures_util::future::join_all(asks).await {
        assert_eq!(answer.expect("always an answer").status(), 200);
    }
    assert_eq!(oauth.requests().len(), 2, "one login, one renewal");
    for gateway in [first, second] {
        gateway.shutdown(SOON).await;
    }
    mock.shutdown().await;
}

/// Two accounts, 10,000 requests, 50 expiries, 64 clients.
#[tokio::test(flavor = "multi_thread")]
async fn many_clients_across_many_expiries_lose_no_request_and_no_token() {
    const EXPIRIES: usize = 50;
    const CLIENTS: usize = 64;
    const REQUESTS: usize = 10_000;
    let (stage, oauth) = stage().await;
    let stage = Arc::new(stage);
    log_in(&stage, named("a")).await;
    log_in(&stage, named("b")).await;

    let mut answered = 0;
    for epoch in 0..EXPIRIES {
        stage.clock.advance(Duration::from_secs(LIFE));
        // In the middle of each, the first account's window is used up and the second takes over.
        for half in 0..2 {
            let requests = REQUESTS / EXPIRIES / 2;
            let clients = (0..CLIENTS).map(|client| {
                let stage = Arc::clone(&stage);
                let mine = requests / CLIENTS + usize::from(client < requests % CLIENTS);
                tokio::spawn(async move {
                    for _ in 0..mine {
                        let answer = stage.ask().await;
                        assert_eq!(answer.status, 200, "{:?}", answer.body);
                    }
                    mine
                })
            });
            for client in futures_util::future::join_all(clients).await {
                answered += client.expect("every request is answered");
            }
            if half == 0 {
                let token = stage.asked().pop().expect("somebody was asked");
                let reset = after((epoch as u64 + 1) * LIFE + 3600);
                stage.mock.script(&token, [Step::quota_unified("5h", reset)]);
            }
        }
    }
    assert_eq!(answered, REQUESTS);
    assert_eq!(oauth.renewals(), 2 * EXPIRIES, "each account's tokens once an expiry");
    for name in ["a", "b"] {
        assert_ne!(stage.account(name).await.state, "needs_login");
    }
    let stage = Arc::into_inner(stage).expect("nobody else has it");
    stage.finish().await;
}
