//! Who may work the operator's routes: a program with the admin token, or a browser with a session.
//!
//! A token has to be sent on purpose; a cookie is sent by the browser whoever asked it to. So what comes with a cookie
//! must prove in addition that a page of this very origin sent it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use ccflare_core::{control::audited, domain::Actor};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::{AdminToken, api::ApiError, patience::Patience, tickets::Tickets};

/// The other end of a request's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What opens the operator's routes.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    token: AdminToken,
    /// Whether browsers come by TLS, so that the cookie must never leave it.
    pub(crate) secure: bool,
    pub(crate) sessions: Arc<Tickets>,
    pub(crate) links: Arc<Tickets>,
    patience: Arc<Patience>,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Doors {
    pub(crate) fn new(token: AdminToken) -> Self {
        let day = Duration::from_secs(12 * 60 * 60);
        Self {
            token,
            secure: false,
            sessions: Arc::new(Tickets::new(day, 64)),
            links: Arc::new(Tickets::new(Duration::from_secs(60), 16)),
            patience: Arc::default(),
        }
    }

    /// The same for browsers that come by TLS.
    pub(crate) fn secure(self) -> Self {
        Self { secure: true, ..self }
    }

    /// Whether this is the admin token.
    ///
    /// # Errors
    /// Not without a pause, if the source has been wrong too often: then nobody looks at it.
    pub(crate) fn check_token(&self, token: &str, source: IpAddr) -> Result<(), ApiError> {
        if let Some(wait) = self.patience.wait(source) {
            return Err(ApiError::too_many_tries(wait));
        }
        if self.token.matches(token) {
            self.patience.was_right(source);
            return Ok(());
        }
        self.patience.was_wrong(source);
        tracing::warn!(%source, "a wrong admin token");
        Err(ApiError::unauthorized())
    }

    /// The name of the session's cookie. The prefix makes browsers refuse one that a neighbour or plain HTTP has set.
    pub(crate) const fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-ccflare" } else { "ccflare" }
    }

    /// The session in the cookies, if it is open.
    pub(crate) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, ticket)| *name == self.cookie_name() && self.sessions.is_good(ticket)).map(|(_, it)| it)
    }

    fn admit(&self, request: &Request) -> Result<Actor, ApiError> {
        let peer = source(request);
        let headers = request.headers();
        let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if let Some(token) = bearer(headers) {
            self.check_token(token, peer)?;
            if writes && has_body(headers) && !is_json(headers) {
                return Err(ApiError::not_json());
            }
            return Ok(Actor::Token(peer.to_string()));
        }
        if self.session(headers).is_none() {
            return Err(ApiError::unauthorized());
        }
        if writes && !is_same_origin(request.uri(), headers) {
            return Err(ApiError::cross_site());
        }
        if writes && !is_json(headers) {
            return Err(ApiError::not_json());
        }
        Ok(Actor::Browser(peer.to_string()))
    }

    /// Pages are for browsers: forms count where the API wants JSON, and a token only looks.
    #[allow(clippy::result_large_err, reason = "a refusal is sent at once, and is not handed on")]
    fn admit_page(&self, request: &Request) -> Result<Actor, Response> {
        let (peer, headers) = (source(request), request.headers());
        let looks = matches!(*request.method(), Method::GET | Method::HEAD);
        if looks && let Some(token) = bearer(headers) {
            return self
                .check_token(token, peer)
                .map(|()| Actor::Token(peer.to_string()))
                .map_err(IntoResponse::into_response);
        }
        if self.session(headers).is_none() {
            return Err(ask_to_log_in(request, looks));
        }
        if !looks && !is_same_origin(request.uri(), headers) {
            return Err(ApiError::cross_site().into_response());
        }
        Ok(Actor::Browser(peer.to_string()))
    }
}

fn ask_to_log_in(request: &Request, looks: bool) -> Response {
    match request.uri().path_and_query() {
        // Clients knock here before they ask for anything; all they want is an answer.
        Some(path) if request.method() == Method::HEAD && path.path() == "/" => StatusCode::NO_CONTENT.into_response(),
        Some(path) if looks && path.as_str() != "/" => {
            let next: String = url::form_urlencoded::byte_serialize(path.as_str().as_bytes()).collect();
            Redirect::to(&format!("/login?next={next}")).into_response()
        }
        _ => Redirect::to("/login").into_response(),
    }
}

/// Lets in who may, and has what they change written down as theirs.
pub(crate) async fn guard(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    match doors.admit(&request) {
        Ok(actor) => audited::on_behalf_of(actor, next.run(request)).await,
        Err(error) => error.into_response(),
    }
}

/// Lets in who may see the pages; a browser that is not logged in is asked to, and then gets what it wanted.
pub(crate) async fn guard_pages(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    match doors.admit_page(&request) {
        Ok(actor) => audited::on_behalf_of(actor, next.run(request)).await,
        Err(refusal) => refusal,
    }
}

/// The address that a request comes from. Nothing it says of itself (`x-forwarded-for`) counts.
pub(crate) fn source(request: &Request) -> IpAddr {
    // Only an embedder who serves connections in another way has no peer; all of those are then one source.
    request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |Peer(address)| address.ip())
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a page of this very origin sent it. Browsers state `Origin` with every write, and `Sec-Fetch-Site` in
/// addition; another port of the same machine is another origin.
pub(crate) fn is_same_origin(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if text(&SEC_FETCH_SITE).is_some_and(|site| site != "same-origin") {
        return false;
    }
    let host = uri.authority().map(|authority| authority.as_str()).or_else(|| text(&header::HOST));
    match text(&header::ORIGIN).map(|origin| origin.split_once("://")) {
        Some(Some((_, origin))) => host.is_some_and(|host| host.eq_ignore_ascii_case(origin)),
        Some(None) => false,
        None => headers.contains_key(SEC_FETCH_SITE),
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    !is_empty || headers.contains_key(header::TRANSFER_ENCODING) || headers.contains_key(header::CONTENT_TYPE)
}

/// Whether the body says it is JSON: no form can say so.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim() == "application/json")
}

/// Answers are for this operator, now, and for no page to frame, read from elsewhere, or guess the type of. No script
/// and no style stands in a page: what runs and how it looks comes from this origin's own files only.
pub(crate) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    // The program's own files are the same for everybody, and say so.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: under it browsers send the log-in form with `Origin: null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                                       connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Why the doors stay shut.
impl ApiError {
    fn too_many_tries(wait: Duration) -> Self {
        let seconds = wait.as_secs() + 1;
        let message = format!("too many wrong tokens from this address; try again in {seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", message).after(seconds)
    }

    pub(crate) fn cross_site() -> Self {
        let message = "a browser's session may change things from this server's own pages only".to_owned();
        Self::new(StatusCode::FORBIDDEN, "cross_site", message)
    }

    pub(crate) fn not_json() -> Self {
        let message = "the body must be JSON, with `content-type: application/json`".to_owned();
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_very_origin_is_the_same_one() {
        for (origin, site, same) in [
            (Some("http://localhost:8080"), Some("same-origin"), true),
            (Some("http://LOCALHOST:8080"), None, true),
            (None, Some("same-origin"), true),
            (None, None, false),
            (None, Some("none"), false),
            (None, Some("same-site"), false),
            (Some("http://localhost:8080"), Some("cross-site"), false),
            (Some("http://localhost:3000"), None, false),
            (Some("http://localhost"), None, false),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("null"), Some("same-origin"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:8080"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site));
            }
            assert_eq!(is_same_origin(&Uri::from_static("/api"), &headers), same, "{origin:?} {site:?}");
        }
    }
}
