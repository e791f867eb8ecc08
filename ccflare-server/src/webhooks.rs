//! Tells others what happens: a signed POST for each chosen event.
//!
//! Signed after the Standard Webhooks specification: `webhook-signature` is `v1,` and the base64 of an HMAC-SHA256 over
//! `ID.TIMESTAMP.BODY`. Events are sent one after the other; those that wait are bounded by what the event bus keeps, so
//! a receiver that is down for long misses some and is told so (`missed`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use ccflare_core::{
    control::{
        Control,
        views::{EventQuery, EventView, WebhookView},
    },
    domain::Secret,
    upstream::{Upstream, UpstreamOptions},
};
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, StatusCode};
use http_body_util::Full;
use sha2::Sha256;
use tokio::{sync::watch, time::timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tower::ServiceExt;
use url::Url;

mod deliveries;

use deliveries::{Counted, Deliveries, Outcome};

/// How often an event is sent until it is given up: with the pauses between, for about a minute.
const TRIES: u32 = 6;

/// So long a receiver may take for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// One receiver.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it is: `https`, or this machine.
    pub url: Url,
    /// What events are signed with.
    pub secret: Secret,
    /// The types of events that it is told.
    pub events: Vec<String>,
    deliveries: Deliveries,
}

/// Whether they are configured alike.
impl PartialEq for Webhook {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url && self.events == other.events && self.secret.expose() == other.secret.expose()
    }
}

/// Sends, until it is dropped.
#[derive(Debug)]
pub struct Webhooks {
    following: AbortOnDropHandle<()>,
    tasks: TaskTracker,
}

impl Webhooks {
    /// Sends what `control` tells to each of `hooks`, whoever they are at the time. Link-local addresses are connected to
    /// only if that is allowed.
    #[must_use]
    pub fn start(hooks: watch::Receiver<Vec<Webhook>>, control: &Arc<dyn Control>, allow_link_local: bool) -> Self {
        let mut options = UpstreamOptions::default();
        options.first_byte_timeout = PATIENCE;
        options.allow_link_local = allow_link_local;
        let tasks = TaskTracker::new();
        let following = follow(hooks, Arc::clone(control), Upstream::new(options), tasks.clone());
        Self { following: AbortOnDropHandle::new(tasks.spawn(following)), tasks }
    }

    /// Ends, and has let go of everything when it returns.
    pub async fn stop(self) {
        drop(self.following);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A receiver that is served.
struct Served {
    hook: Webhook,
    /// The event that it was told last, or that was given up; 0 before the first.
    last: Arc<AtomicU64>,
    _task: AbortOnDropHandle<()>,
}

/// Serves those who are wanted. Who stays is not disturbed; who comes back with another secret or other events goes on
/// where it was.
async fn follow(
    mut hooks: watch::Receiver<Vec<Webhook>>,
    control: Arc<dyn Control>,
    upstream: Upstream,
    tasks: TaskTracker,
) {
    let mut served: Vec<Served> = Vec::new();
    loop {
        let wanted = hooks.borrow_and_update().clone();
        let mut before = std::mem::take(&mut served);
        for hook in wanted {
            let same = before.iter().position(|known| known.hook == hook);
            served.push(match same {
                Some(at) => before.swap_remove(at),
                None => {
                    let known = before.iter().find(|known| known.hook.url == hook.url);
                    hook.start(known.map(|known| known.last.load(Ordering::Acquire)), &control, &upstream, &tasks)
                }
            });
        }
        drop(before);
        if hooks.changed().await.is_err() {
            // Nobody can change them any more; they are served until this is dropped.
            std::future::pending::<()>().await;
        }
    }
}

impl Webhook {
    /// One that has been told nothing yet.
    #[must_use]
    pub fn new(url: Url, secret: Secret, events: Vec<String>) -> Self {
        Self { url, secret, events, deliveries: Deliveries::default() }
    }

    /// Goes on counting where those have come to who were configured before: each where it was, as far as the address
    /// tells.
    pub(crate) fn go_on(hooks: &mut [Self], before: &[Self]) {
        let mut before = before.to_vec();
        for hook in hooks {
            let alike = before.iter().position(|known| known == hook);
            let known = alike.or_else(|| before.iter().position(|known| known.url == hook.url));
            if let Some(known) = known {
                hook.deliveries = before.remove(known).deliveries;
            }
        }
    }

    /// As operators see it, without what may be secret.
    pub(crate) fn view(&self) -> WebhookView {
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let Counted { delivered, given_up, last } = self.deliveries.counted();
        WebhookView { host, events: self.events.clone(), delivered, given_up, last }
    }

    fn start(self, after: Option<u64>, control: &Arc<dyn Control>, upstream: &Upstream, tasks: &TaskTracker) -> Served {
        let after = after.filter(|after| *after > 0);
        let last = Arc::new(AtomicU64::new(after.unwrap_or_default()));
        let serving = self.clone().serve(after, Arc::clone(&last), Arc::clone(control), upstream.clone());
        Served { hook: self, last, _task: AbortOnDropHandle::new(tasks.spawn(serving)) }
    }

    async fn serve(self, after: Option<u64>, last: Arc<AtomicU64>, control: Arc<dyn Control>, upstream: Upstream) {
        // Not of log lines: a failure to send is one, and would be sent.
        let query = EventQuery { after, ..EventQuery::of("requests,accounts,moves,config") };
        let Ok(mut events) = control.events(query).await else { return };
        while let Some(event) = events.next().await {
            let name = event.detail.name();
            if name == "missed" || self.events.iter().any(|wanted| wanted == name) {
                self.tell(&event, &upstream).await;
            }
            last.store(event.id, Ordering::Release);
        }
    }

    /// Sends one event until it is taken, refused for good, or given up.
    async fn tell(&self, event: &EventView, upstream: &Upstream) {
        let host = self.url.host_str().unwrap_or_default();
        for attempt in 0..TRIES {
            if attempt > 0 {
                let jitter = Duration::from_millis(rand::random::<u64>() % 500);
                tokio::time::sleep(Duration::from_secs(1 << attempt) + jitter).await;
            }
            let answer = timeout(PATIENCE, self.send(event, upstream)).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            let tries = attempt + 1;
            let outcome = match &answer {
                Ok(status) if status.is_success() => Outcome::Delivered,
                Ok(status) if is_final(*status) => Outcome::GivenUp,
                _ if tries == TRIES => Outcome::GivenUp,
                _ => Outcome::Retrying,
            };
            self.deliveries.note(event.detail.name(), tries, outcome, &answer);
            match answer {
                Ok(_) if outcome == Outcome::Delivered => return,
                Ok(status) if is_final(status) => {
                    tracing::warn!(host, event = event.id, status = status.as_u16(), "a webhook refuses an event");
                    return;
                }
                Ok(status) => tracing::debug!(host, status = status.as_u16(), "a webhook can't take an event now"),
                Err(error) => tracing::debug!(host, error, "a webhook can't be reached"),
            }
        }
        tracing::warn!(host, event = event.id, tries = TRIES, "an event is not told to a webhook: it does not take it");
    }

    async fn send(&self, event: &EventView, upstream: &Upstream) -> Result<StatusCode, String> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let (id, timestamp, body) = (event.id.to_string(), now.as_secs().to_string(), event.json());
        let request = Request::post(self.url.as_str())
            .header("content-type", "application/json")
            .header("user-agent", concat!("ccflare/", env!("CARGO_PKG_VERSION")))
            .header("webhook-signature", signature(&self.secret, &id, &timestamp, body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(|error| error.to_string())?;
        let answer = upstream.clone().oneshot(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status())
    }
}

/// Whether another try would be answered alike. A redirect is no answer: the secret's proof goes nowhere else.
fn is_final(status: StatusCode) -> bool {
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !later.contains(&status)
}

/// What is signed with: what the base64 behind `whsec_` stands for, as the specification writes secrets, else the text itself.
pub(crate) fn signing_key(secret: &Secret) -> Option<Vec<u8>> {
    match secret.expose().strip_prefix("whsec_") {
        Some(key) => BASE64_STANDARD.decode(key).ok(),
        None => Some(secret.expose().as_bytes().to_vec()),
    }
}

/// `v1,` and the base64 of an HMAC-SHA256 over id, timestamp and body, joined with dots.
fn signature(secret: &Secret, id: &str, timestamp: &str, body: &str) -> String {
    // One that can't be decoded is refused where it is read.
    let key = signing_key(secret).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length will do");
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        // printf 'id.1800000000.{}' | openssl dgst -sha256 -hmac a-secret-of-sixteen -binary | base64
        let signed = signature(&Secret::new("a-secret-of-sixteen"), "id", "1800000000", "{}");
        assert_eq!(signed, "v1,i7OUn4T9/VhnIeqaumwQ21Rhfr2Gn84QnWl934HqeqA=");
        // The same secret as the specification writes it.
        let signed = signature(&Secret::new("whsec_YS1zZWNyZXQtb2Ytc2l4dGVlbg=="), "id", "1800000000", "{}");
        assert_eq!(signed, "v1,i7OUn4T9/VhnIeqaumwQ21Rhfr2Gn84QnWl934HqeqA=");
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        assert!(is_final(StatusCode::GONE) && is_final(StatusCode::FOUND));
        assert!(!is_final(StatusCode::BAD_GATEWAY) && !is_final(StatusCode::TOO_MANY_REQUESTS));
    }
}
