//! Nothing secret is seen outside of memory: a server lives through all kinds of things with secrets that are easy to
//! recognise, and then everything it let out is searched for them.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ccflare_core::{
    control::{
        Control,
        views::{AccountEdit, NewAccount, NewLogin, RequestPageQuery},
    },
    domain::Secret,
};
use ccflare_mock::{ErrorAnswer, Fault, MockConfig, MockOAuth, MockUpstream, Step};
use ccflare_server::config::{Config, Places};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{SOON, http_client, http_client_builder, message};

const ADMIN: &str = "canary-of-the-admin-token";
const KEYS: [&str; 3] =
    ["sk-ant-api03-canary-one-abcdef", "sk-ant-api03-canary-two-abcdef", "canary-plain-key-of-nobody"];
const CLIENT: [&str; 3] =
    ["sk-ant-api03-canary-of-the-client", "canary-bearer-of-the-client", "canary-cookie-of-the-client"];
/// What the mock's tokens, refresh tokens and codes begin with.
const MINTED: [&str; 3] = ["mock-oat-", "mock-ort-", "mock-code-"];

/// Log lines of every level and every crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A server as it is shipped, with its files in `folder`.
async fn start(folder: &Path, oauth: &MockOAuth) -> ccflare_server::Running {
    let places = Places { config_dir: folder.join("config"), data_dir: folder.join("data"), home: None };
    std::fs::create_dir_all(&places.config_dir).expect("a folder");
    let file = format!(
        "[oauth.mock]\nauthorize_url = \"{}\"\ntoken_url = \"{}\"\nclient_id = \"mine\"\n",
        oauth.authorize_url(),
        oauth.token_url()
    );
    let flags = [("listen", "127.0.0.1:0"), ("admin_token", ADMIN), ("capture_payloads", "true")];
    let flags = flags.map(|(key, value)| (key, value.to_owned()));
    let config = Config::resolve(flags, |_| None, Some(&file), &places).expect("valid settings");
    ccflare_server::start(config).await.expect("it starts")
}

/// Asks for a message with all that a client might carry, and reads whatever comes.
async fn ask(base: &str, stream: bool) -> String {
    let request = http_client()
        .post(format!("{base}/v1/messages"))
        .header("x-api-key", CLIENT[0])
        .header("authorization", format!("Bearer {}", CLIENT[1]))
        .header("cookie", format!("session={}", CLIENT[2]))
        .body(message("claude-opus-5-5", stream).to_string());
    let Ok(answer) = request.send().await else { return String::new() };
    let head = format!("{} {:?}", answer.status(), answer.headers());
    let body = tokio::time::timeout(SOON, answer.text()).await;
    format!("{head} {}", body.map(Result::unwrap_or_default).unwrap_or_default())
}

/// Asks the operator's surface; wrongly, too.
async fn operate(base: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for path in
        ["/", "/health", "/readyz", "/api/accounts", "/api/requests", "/api/status", "/api/strategies", "/api/no"]
    {
        for token in [Some(ADMIN), Some("wrong"), None] {
            let mut request = http_client().get(format!("{base}{path}"));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = request.send().await.expect("an answer");
            seen.push(format!("{:?} {}", answer.headers().clone(), answer.text().await.expect("text")));
        }
    }
    for body in [
        json!({ "name": "one", "apiKey": KEYS[0] }).to_string(),
        json!({ "name": "x", "apiKey": format!("{} with spaces", KEYS[0]) }).to_string(),
        json!({ "name": "x", "apiKey": KEYS[0], "baseUrl": format!("ftp://u:{}@x", KEYS[0]) }).to_string(),
        json!({ "name": "x", "apikey": KEYS[0] }).to_string(),
        format!("{{\"apiKey\": \"{}\"", KEYS[0]),
    ] {
        let request = http_client().post(format!("{base}/api/accounts")).bearer_auth(ADMIN).body(body);
        let answer = request.header("content-type", "application/json").send().await.expect("an answer");
        assert!(answer.status().is_client_error());
        seen.push(answer.text().await.expect("text"));
    }
    seen
}

async fn log_in(control: &dyn Control, name: &str, base: &str) {
    let wanted = NewLogin { name: name.to_owned(), base_url: Some(base.to_owned()), ..NewLogin::default() };
    let login = control.begin_login(wanted).await.expect("begun");
    let client = http_client_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let page = client.get(&login.auth_url).send().await.expect("the page");
    let ended_at = page.headers()["location"].to_str().expect("an address").to_owned();
    control.complete_login(&login.session_id, &ended_at).await.expect("logged in");
}

fn assert_clean(what: &str, text: &str) {
    for canary in [ADMIN].iter().chain(&KEYS).chain(&CLIENT).chain(&MINTED) {
        if let Some(place) = text.find(canary) {
            let around = text.get(place.saturating_sub(200)..(place + 100).min(text.len())).unwrap_or(canary);
            panic!("{what} shows {canary}: … {around} …");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_seen_in_logs_answers_or_files() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    // Another test of the same process may have been faster; then this one hears nothing, and the others still count.
    let heard = lines.with_ansi(false).with_writer(log.clone()).try_init().is_ok();
    let folder = tempfile::tempdir().expect("a folder");
    let mock = MockUpstream::start(MockConfig::default()).await;
    let oauth = MockOAuth::start(3600).await.expect("a free port");
    let server = start(folder.path(), &oauth).await;
    let base = format!("http://{}", server.address);

    let mut seen = vec![ask(&base, false).await];
    for (name, key) in ["one", "two", "three"].into_iter().zip(KEYS) {
        let account = NewAccount::with_key(name, Secret::new(key)).at(&mock.url());
        seen.push(format!("{:?}", server.control.add_account(account).await));
    }
    log_in(&*server.control, "four", &mock.url()).await;

    // The API repeats the key in its own words; then it has all its other troubles.
    let telling = |key: &str| {
        Step::Status(Box::new(ErrorAnswer::new(401, "authentication_error", format!("this is no key: {key}"))))
    };
    let refusing = |key: &str| {
        Step::Status(Box::new(ErrorAnswer::new(400, "invalid_request_error", format!("{key} may not ask that"))))
    };
    let troubles: [&dyn Fn(&str) -> Step; 14] = [
        &telling,
        &refusing,
        &|_| Step::billing(),
        &|_| Step::spend_limit(),
        &|_| Step::on_hold(),
        &|_| Step::bad_request(),
        &|_| Step::forbidden_model(),
        &|_| Step::bare_429(),
        &|_| Step::throttle("1000"),
        &|_| Step::overloaded(),
        &|_| Step::server_error(),
        &|_| Step::ResetBeforeHeaders,
        &|_| Step::ResetMidStream { after_events: 2 },
        &|_| Step::ErrorEvent { after_events: 0, error_type: "overloaded_error".to_owned() },
    ];
    for (number, trouble) in troubles.into_iter().enumerate() {
        for key in KEYS {
            mock.clear(key);
            mock.script(key, [trouble(key), trouble(key)]);
        }
        ask(&base, number % 2 == 0).await;
        for account in server.control.accounts().await.expect("accounts") {
            seen.push(format!("{account:?}"));
            let _ = server.control.edit_account(&account.id, AccountEdit::Resume).await;
        }
    }
    // Only the tokens are left to try.
    for name in ["one", "two", "three"] {
        server.control.edit_account(name, AccountEdit::Pause).await.expect("paused");
    }
    oauth.faults([Fault::Quoting, Fault::Status(500)]);
    mock.always("mock-oat-2", telling("mock-oat-2"));
    for _ in 0..3 {
        seen.push(ask(&base, true).await);
    }
    seen.extend(operate(&base).await);
    let page = server.control.requests(RequestPageQuery::newest(1000)).await.expect("the ledger");
    let mut captured = 0;
    for request in &page.requests {
        seen.push(format!("{request:?}"));
        if let Ok(payload) = server.control.payload(&request.id).await {
            captured += usize::from(payload.request.body.contains("Hello"));
            seen.push(format!("{payload:?}"));
        }
    }
    assert!(captured > 0, "nothing was captured");
    tokio::time::timeout(Duration::from_secs(30), server.stop()).await.expect("it stops");
    mock.shutdown().await;

    for seen in &seen {
        assert_clean("an answer", seen);
    }
    let log = log.text();
    assert!(!heard || log.contains("account closed"), "the log was not listened to");
    assert_clean("the log", &log);
    let database = std::fs::read(folder.path().join("data/ccflare.redb")).expect("the database");
    assert_clean("the database", &String::from_utf8_lossy(&database));
    for file in ["data/ccflare.redb", "config/master.key"] {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
            let path = folder.path().join(file);
            assert_eq!(mode(&path), 0o600, "{file}");
        }
    }

    // A copy without its key tells nobody anything.
    let copy = folder.path().join("copy.redb");
    std::fs::copy(folder.path().join("data/ccflare.redb"), &copy).expect("copied");
    let opened = ccflare_core::store::RedbStore::open(&copy, ccflare_core::store::SealKey::generate());
    assert!(matches!(opened, Err(ccflare_core::store::StoreError::WrongKey { .. })), "{opened:?}");
}
