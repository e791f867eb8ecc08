//! A scripted authorization server: codes with PKCE, refresh tokens that rotate and can be used once.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// What goes wrong with one request to the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer takes this long, and is good.
    Slow(Duration),
    /// Nothing is exchanged, and the answer has this status.
    Status(u16),
    /// The grant is refused.
    InvalidGrant,
    /// The grant is refused in words that repeat all that was sent.
    Quoting,
    /// The exchange happens, but the connection breaks before the answer.
    LoseAnswer,
    /// The exchange does not happen, and nothing ever comes back.
    HangBefore,
    /// The exchange happens, and nothing ever comes back.
    HangAfter,
}

/// A request to the token endpoint, as it came.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// Its `content-type`.
    pub content_type: String,
    /// Its fields.
    pub fields: HashMap<String, String>,
    /// The tokens that it got, if it got any.
    pub granted: Option<(String, String)>,
}

impl TokenRequest {
    /// `authorization_code` or `refresh_token`.
    pub fn grant(&self) -> &str {
        self.fields.get("grant_type").map_or("", String::as_str)
    }
}

/// A running authorization server. Dropping it ends it.
#[derive(Debug)]
pub struct MockOAuth {
    addr: SocketAddr,
    desk: Arc<Desk>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Desk {
    lifetime: u64,
    books: Mutex<Books>,
    /// Something was written into the books.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Books {
    issued: u64,
    /// Codes that were given out: the challenge and the redirect address each is bound to.
    codes: HashMap<String, (String, String)>,
    /// Refresh tokens that are good for one renewal.
    good: HashSet<String>,
    faults: VecDeque<Fault>,
    wrong_state: bool,
    requests: Vec<TokenRequest>,
}

impl MockOAuth {
    /// Serves on a port of its own; access tokens say that they live for `lifetime` seconds.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(lifetime: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let desk = Arc::new(Desk { lifetime, books: Mutex::default(), changed: Notify::new() });
        let app = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/key", post(mint))
            .with_state(Arc::clone(&desk));
        let serving = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { addr, desk, serving })
    }

    /// Where a person grants access: redirects at once, with a code.
    pub fn authorize_url(&self) -> String {
        format!("http://{}/authorize", self.addr)
    }

    /// Where codes and refresh tokens are exchanged.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.addr)
    }

    /// Where an access token buys a key.
    pub fn api_key_url(&self) -> String {
        format!("http://{}/key", self.addr)
    }

    /// The next requests to the token endpoint meet these.
    pub fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.desk.books.lock().faults.extend(faults);
    }

    /// The next code comes back with a state that nobody sent.
    pub fn confuse_state(&self) {
        self.desk.books.lock().wrong_state = true;
    }

    /// Every request to the token endpoint so far.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.desk.books.lock().requests.clone()
    }

    /// How many renewals came to new tokens.
    pub fn renewals(&self) -> usize {
        let renewed = |request: &&TokenRequest| request.grant() == "refresh_token" && request.granted.is_some();
        self.desk.books.lock().requests.iter().filter(renewed).count()
    }

    /// Waits until there were so many requests to the token endpoint.
    pub async fn requested(&self, count: usize) {
        loop {
            let changed = self.desk.changed.notified();
            if self.desk.books.lock().requests.len() >= count {
                return;
            }
            changed.await;
        }
    }

    /// Tokens as a login would have given them, without one: access and refresh.
    pub fn issue(&self) -> (String, String) {
        self.desk.books.lock().issue()
    }
}

impl Drop for MockOAuth {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Books {
    fn issue(&mut self) -> (String, String) {
        self.issued += 1;
        let pair = (format!("mock-oat-{}", self.issued), format!("mock-ort-{}", self.issued));
        self.good.insert(pair.1.clone());
        pair
    }

    /// What the grant of a request buys, if it is good. Code and refresh token are spent by that.
    fn exchange(&mut self, fields: &HashMap<String, String>) -> Option<(String, String)> {
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        match field("grant_type") {
            "authorization_code" => {
                let (challenge, redirect_uri) = self.codes.remove(field("code"))?;
                let proof = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
                (proof == challenge && redirect_uri == field("redirect_uri")).then(|| self.issue())
            }
            "refresh_token" => self.good.remove(field("refresh_token")).then(|| self.issue()),
            _ => None,
        }
    }
}

type Fields = Query<HashMap<String, String>>;

async fn authorize(State(desk): State<Arc<Desk>>, Query(asked): Fields) -> Response {
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    if field("code_challenge_method") != "S256" || field("response_type") != "code" {
        return (StatusCode::BAD_REQUEST, "no code flow with S256").into_response();
    }
    let (code, state) = {
        let mut books = desk.books.lock();
        books.issued += 1;
        let code = format!("mock-code-{}", books.issued);
        books.codes.insert(code.clone(), (field("code_challenge"), field("redirect_uri")));
        let wrong = std::mem::take(&mut books.wrong_state);
        (code, if wrong { "nobodys-state".to_owned() } else { field("state") })
    };
    let location = format!("{}?code={code}&state={state}", field("redirect_uri"));
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fields: HashMap<String, String> = if content_type == "application/json" {
        serde_json::from_slice(&body).unwrap_or_default()
    } else {
        url::form_urlencoded::parse(&body).into_owned().collect()
    };
    let (fault, granted, sent) = {
        let mut books = desk.books.lock();
        let fault = books.faults.pop_front();
        let kept = matches!(fault, Some(Fault::Status(_) | Fault::InvalidGrant | Fault::Quoting | Fault::HangBefore));
        let granted = if kept { None } else { books.exchange(&fields) };
        let sent: Vec<_> = fields.values().cloned().collect();
        let request = TokenRequest { content_type: content_type.to_owned(), fields, granted: granted.clone() };
        books.requests.push(request);
        (fault, granted, sent.join(" "))
    };
    desk.changed.notify_waiters();
    match fault {
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::HangBefore | Fault::HangAfter) => std::future::pending().await,
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "out of order").into_response();
        }
        Some(Fault::LoseAnswer) => {
            let cut = futures_util::stream::once(async { Err::<Bytes, _>(io::Error::other("lost")) });
            return Body::from_stream(cut).into_response();
        }
        Some(Fault::Quoting) => {
            let said = json!({ "error": "invalid_grant", "error_description": format!("no good: {sent}") });
            return json_answer(StatusCode::BAD_REQUEST, &said);
        }
        Some(Fault::InvalidGrant) | None => {}
    }
    match granted {
        Some((access, refresh)) => json_answer(
            StatusCode::OK,
            &json!({
                "token_type": "Bearer", "access_token": access, "expires_in": desk.lifetime, "refresh_token": refresh,
                "organization": { "uuid": access.replace("oat", "organization"), "name": "Mock" },
            }),
        ),
        None => json_answer(
            StatusCode::BAD_REQUEST,
            &json!({
                "error": "invalid_grant", "error_description": "Refresh token not found or invalid",
            }),
        ),
    }
}

async fn mint(headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match bearer.strip_prefix("Bearer mock-oat-") {
        Some(number) => json_answer(StatusCode::OK, &json!({ "raw_key": format!("mock-key-{number}") })),
        None => json_answer(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_token" })),
    }
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
