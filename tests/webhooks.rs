//! Others are told what happens: signed, once more if they could not take it, and never without bound.

use std::{collections::VecDeque, convert::Infallible, fs, net::SocketAddr, sync::Arc, time::Duration};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use ccflare_core::{
    control::{
        Remote, SettingsControl as _,
        views::{AccountEdit, NewAccount, WebhookView},
    },
    domain::Secret,
    record::EventKind,
};
use ccflare_server::{
    Running,
    config::{Flags, Places, Sources},
};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::{net::TcpListener, sync::watch, task::AbortHandle};

use crate::harness::{SOON, TOKEN};

/// The secret of every receiver that names no other.
pub const SECRET: &str = "sixteen-characters-and-more";

/// Somebody who wants to be told.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: AbortHandle,
}

struct Shared {
    told: watch::Sender<Vec<Told>>,
    /// What the next ones are answered with; 200, when there are no more.
    answers: std::sync::Mutex<VecDeque<u16>>,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Told {
    headers: HeaderMap,
    body: Bytes,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().expect("text")
    }

    /// Whether its signature is that of somebody who knows the secret, as a receiver of Standard Webhooks finds out.
    fn is_signed_with(&self, secret: &str) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let given = self.header("webhook-signature").strip_prefix("v1,").expect("a version");
        mac.verify_slice(&BASE64_STANDARD.decode(given).expect("base64")).is_ok()
    }
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (told, held) = (watch::Sender::default(), watch::Sender::new(false));
        let shared = Arc::new(Shared { told, answers: std::sync::Mutex::default(), held });
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, serving }
    }

    /// The next ones are answered with these.
    fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.shared.answers.lock().expect("whole").extend(statuses);
    }

    fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// What configures it.
    pub fn settings(&self, secret: &str, events: &[&str]) -> String {
        format!("[[webhooks]]\nurl = \"http://{}/in\"\nsecret = \"{secret}\"\nevents = {events:?}\n", self.address)
    }

    /// Waits until what it was told is `enough`, and returns it.
    pub async fn until(&self, enough: impl FnMut(&Vec<Told>) -> bool) -> Vec<Told> {
        let mut told = self.shared.told.subscribe();
        let told = tokio::time::timeout(SOON, told.wait_for(enough)).await.expect("it is told");
        told.expect("it goes on").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| take(request, Arc::clone(&shared)));
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move { drop(serving.await) });
    }
}

async fn take(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    shared.told.send_modify(|told| told.push(Told { headers: head.headers, body }));
    let _ = shared.held.subscribe().wait_for(|held| !held).await;
    let status = shared.answers.lock().expect("whole").pop_front().unwrap_or(200);
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    Ok(answer)
}

/// A server with a configuration file of its own.
struct Site {
    folder: tempfile::TempDir,
    running: Running,
}

const BASE: &str = "admin_token = \"the-admins-own-token\"\n";

fn sources(folder: &tempfile::TempDir) -> Sources {
    let folder = folder.path();
    let flags = Flags { listen: Some("127.0.0.1:0".into()), data_dir: Some(folder.into()), ..Flags::default() };
    let places = Places { config_dir: folder.into(), data_dir: folder.into(), home: None };
    Sources::new(&flags, std::collections::HashMap::new(), &places)
}

impl Site {
    async fn start(settings: &str) -> Self {
        assert!(BASE.contains(TOKEN));
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("ccflare.toml"), format!("{BASE}{settings}")).expect("a file");
        let config = sources(&folder).read().expect("settings that make sense");
        let running = ccflare_server::start(config).await.expect("a server");
        running.control.add_account(NewAccount::with_key("a", Secret::new("a"))).await.expect("an account");
        Self { folder, running }
    }

    /// Settles on other settings without a restart.
    async fn settle(&self, settings: &str) {
        let file = self.folder.path().join("ccflare.toml");
        fs::write(file, format!("{BASE}{settings}")).expect("a file");
        self.running.control.reload_settings().await.expect("they make sense");
    }

    /// The one receiver as operators see it, as soon as that is `enough`.
    async fn hook(&self, mut enough: impl FnMut(&WebhookView) -> bool) -> WebhookView {
        let look = async {
            loop {
                let hooks = self.running.control.settings().await.expect("settings").webhooks;
                let hook = hooks.into_iter().next().expect("a receiver");
                if enough(&hook) {
                    return hook;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, look).await.expect("it comes to that")
    }

    async fn pause_and_resume(&self) {
        for edit in [AccountEdit::Pause, AccountEdit::Resume] {
            self.running.control.edit_account("a", edit).await.expect("edited");
        }
    }
}

fn changes(told: &[Told]) -> Vec<String> {
    told.iter().map(|told| told.json()["change"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_is_told_is_signed_and_told_again_in_order_after_a_failure() {
    let receiver = Receiver::start().await;
    receiver.answer([500]);
    let site = Site::start(&receiver.settings(SECRET, &["account"])).await;
    site.pause_and_resume().await;
    let told = receiver.until(|told| told.len() >= 4).await;
    assert_eq!(changes(&told), ["added", "added", "paused", "resumed"], "the first one was not taken");
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"), "by which a receiver knows it again");
    assert_eq!(told[0].body, told[1].body);
    for told in &told {
        assert!(told.is_signed_with(SECRET) && !told.is_signed_with("another-secret-of-16"), "{told:?}");
        assert_eq!(told.json()["id"].to_string(), told.header("webhook-id"));
        assert_eq!(told.header("content-type"), "application/json");
    }
    site.running.stop().await;
}

#[tokio::test]
async fn what_a_receiver_refuses_for_good_is_not_told_again() {
    let receiver = Receiver::start().await;
    receiver.answer([410, 302]);
    let site = Site::start(&receiver.settings(SECRET, &["account"])).await;
    site.pause_and_resume().await;
    let told = receiver.until(|told| told.len() >= 3).await;
    assert_eq!(changes(&told), ["added", "paused", "resumed"]);
    site.running.stop().await;
}

#[tokio::test]
async fn what_became_of_the_last_event_is_shown_and_counted_on_when_the_settings_change() {
    let receiver = Receiver::start().await;
    receiver.answer([500, 200, 410]);
    let site = Site::start(&receiver.settings(SECRET, &["account"])).await;
    receiver.until(|told| told.len() >= 2).await;
    let hook = site.hook(|hook| hook.delivered == 1).await;
    let last = hook.last.expect("the last one");
    assert_eq!((&*last.event, &*last.outcome, last.tries, last.status), ("account", "delivered", 2, Some(200)));
    assert_eq!((hook.given_up, last.error), (0, None));

    site.running.control.edit_account("a", AccountEdit::Pause).await.expect("paused");
    let last = site.hook(|hook| hook.given_up == 1).await.last.expect("the last one");
    assert_eq!((&*last.outcome, last.tries, last.status), ("given_up", 1, Some(410)));

    // Another secret makes no other receiver.
    site.settle(&receiver.settings("another-secret-of-16", &["account"])).await;
    site.running.control.edit_account("a", AccountEdit::Resume).await.expect("resumed");
    let hook = site.hook(|hook| hook.delivered == 2).await;
    assert_eq!(hook.given_up, 1);
    let server = format!("http://{}/", site.running.address).parse().expect("a URL");
    let remote = Remote::new(server, Secret::new(TOKEN)).expect("an address");
    let seen = remote.settings().await.expect("settings").webhooks;
    assert_eq!(seen, [hook], "the API tells it, too");
    let seen = format!("{seen:?}");
    assert!(!seen.contains("another-secret") && !seen.contains("/in"), "{seen}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_said_to_be_tried_again() {
    let receiver = Receiver::start().await;
    let settings = receiver.settings(SECRET, &["account"]);
    // Nobody listens any more when the first event is told.
    drop(receiver);
    let site = Site::start(&settings).await;
    let last = site.hook(|hook| hook.last.is_some()).await.last.expect("the last one");
    assert_eq!((&*last.outcome, last.tries, last.status), ("retrying", 1, None));
    let error = last.error.expect("why");
    assert!(error.contains("could not connect") && !error.contains("/in"), "{error}");
    site.running.stop().await;
}

#[tokio::test]
async fn receivers_come_change_and_go_without_a_restart() {
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let site = Site::start("").await;
    site.settle(&first.settings(SECRET, &["account"])).await;
    site.pause_and_resume().await;
    assert_eq!(changes(&first.until(|told| told.len() >= 2).await), ["paused", "resumed"]);

    // Another secret counts at once, and nothing is told twice or left out.
    let both = first.settings("another-secret-of-16", &["account"]) + &second.settings(SECRET, &["account"]);
    site.settle(&both).await;
    site.pause_and_resume().await;
    let told = first.until(|told| told.len() >= 4).await;
    assert_eq!(changes(&told), ["paused", "resumed", "paused", "resumed"]);
    assert!(told[1].is_signed_with(SECRET) && told[2].is_signed_with("another-secret-of-16"));
    second.until(|told| told.len() >= 2).await;

    site.settle(&second.settings(SECRET, &["account"])).await;
    site.pause_and_resume().await;
    assert_eq!(second.until(|told| told.len() >= 4).await.len(), 4, "it is not disturbed");
    assert_eq!(first.until(|_| true).await.len(), 4, "who is taken out is told no more");
    let changed = site.running.control.reload_settings().await.expect("read").changed;
    assert!(changed.is_empty(), "{changed:?}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_costs_no_more_than_what_is_kept_and_is_told_what_it_missed() {
    let receiver = Receiver::start().await;
    receiver.hold(true);
    let site = Site::start(&receiver.settings(SECRET, &["account", "loginNeeded"])).await;
    receiver.until(|told| !told.is_empty()).await;
    let events = site.running.events();
    let mut heard = site.running.control.events(ccflare_core::control::views::EventQuery::of("accounts")).await;
    let heard = heard.as_mut().expect("subscribed");
    for _ in 0..20 {
        for _ in 0..1000 {
            events.emit(EventKind::LoginNeeded { account: "a".into(), why: "".into() });
        }
        // So that none is lost before it is kept.
        let read = futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::take(&mut *heard, 1000));
        assert_eq!(tokio::time::timeout(SOON, read).await.expect("others hear at once").len(), 1000);
    }
    receiver.hold(false);
    let is_missed = |told: &Told| told.json()["type"] == "missed";
    // Thousands may come before it; each is looked at once.
    let mut seen = 0;
    let told = receiver.until(|told| told[std::mem::replace(&mut seen, told.len())..].iter().any(is_missed)).await;
    let missed = told.iter().find(|told| is_missed(told)).expect("it is there").json();
    assert!(missed["count"].as_u64() > Some(10_000), "{missed}");
    tokio::time::timeout(Duration::from_secs(5), site.running.stop()).await.expect("it does not hold up the end");
}

#[tokio::test]
async fn a_receiver_that_others_could_overhear_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |url: &str| format!("{BASE}[[webhooks]]\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n");
    for url in ["http://hooks.example/in", "http://10.0.0.1/in", "https://169.254.169.254/in", "ftp://127.0.0.1/in"] {
        let error = sources(&folder).with(Some(&with(url))).expect_err(url).to_string();
        assert!(error.contains("line 2") && error.contains("https://") && !error.contains(SECRET), "{url}: {error}");
    }
    sources(&folder).with(Some(&with("https://hooks.example/in"))).expect("this one is fine");
    // A file that goes wrong later is refused, too, and those who are told stay.
    let receiver = Receiver::start().await;
    let site = Site::start(&receiver.settings(SECRET, &["account"])).await;
    fs::write(site.folder.path().join("ccflare.toml"), with("http://hooks.example/in")).expect("a file");
    site.running.control.reload_settings().await.expect_err("it is refused");
    site.pause_and_resume().await;
    receiver.until(|told| told.len() >= 3).await;
    site.running.stop().await;
}
