//! What crosses to the API and back.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body_util::Full;
use url::{Position, Url};
use zeroize::Zeroizing;

use crate::{
    domain::{Account, Credential, client_key::key_in},
    provider::PrepareError,
};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Says that the bearer token is one of OAuth.
const OAUTH_BETA: &str = "oauth-2025-04-20";

/// Makes the request for the wire; see [`Provider::prepare`](crate::provider::Provider::prepare).
pub(super) fn prepare(
    request: &Request<Bytes>,
    account: Option<&Account>,
    base: Option<&Url>,
) -> Result<Request<Full<Bytes>>, PrepareError> {
    let base = account.and_then(|account| account.base_url.as_deref()).or(base);
    // Built afresh: the client's extensions end here, and its HTTP version is its own affair.
    let mut prepared = Request::new(Full::new(request.body().clone()));
    *prepared.method_mut() = request.method().clone();
    *prepared.uri_mut() = locate(request.uri(), base)?;
    *prepared.version_mut() = Version::HTTP_11;
    *prepared.headers_mut() = match account {
        Some(account) => {
            let mut headers = filter(request.headers(), |name, _| stays_here(name) || is_credential(name));
            authorize(account, &mut headers)?;
            headers
        }
        None => filter(request.headers(), |name, value| stays_here(name) || is_client_key(name, value)),
    };
    Ok(prepared)
}

/// Takes out what must not reach the client; see [`Provider::release`](crate::provider::Provider::release).
pub(super) fn release(headers: &mut HeaderMap) {
    // `alt-svc` is about the upstream's own address: a client that followed it would go round this proxy.
    let stays_behind =
        |name: &HeaderName| is_hop_by_hop(name.as_str()) || *name == header::SET_COOKIE || *name == header::ALT_SVC;
    // A `connection` header is hop-by-hop itself, so whatever it names is looked at as well.
    if headers.keys().any(stays_behind) {
        *headers = filter(headers, |name, _| stays_behind(name));
    }
}

/// The request's own path and query, byte for byte, at the account's address (which may have a path of its own).
fn locate(uri: &Uri, base: Option<&Url>) -> Result<Uri, PrepareError> {
    let path = uri.path_and_query().cloned().ok_or(PrepareError::Url)?;
    let mut parts = http::uri::Parts::default();
    match base {
        None => {
            parts.scheme = Some(Scheme::HTTPS);
            parts.authority = Some(Authority::from_static("api.anthropic.com"));
            parts.path_and_query = Some(path);
        }
        Some(base) => {
            parts.scheme = Some(scheme(base)?);
            let authority = &base[Position::BeforeHost..Position::AfterPort];
            parts.authority = Some(authority.parse().map_err(|_| PrepareError::Url)?);
            parts.path_and_query = Some(under(base.path().trim_end_matches('/'), path)?);
        }
    }
    Uri::from_parts(parts).map_err(|_| PrepareError::Url)
}

fn scheme(base: &Url) -> Result<Scheme, PrepareError> {
    match base.scheme() {
        "https" => Ok(Scheme::HTTPS),
        "http" => Ok(Scheme::HTTP),
        _ => Err(PrepareError::Url),
    }
}

fn under(prefix: &str, path: PathAndQuery) -> Result<PathAndQuery, PrepareError> {
    if prefix.is_empty() {
        return Ok(path);
    }
    format!("{prefix}{path}").try_into().map_err(|_| PrepareError::Url)
}

/// Puts the account's credential in: a key as the API wants keys, a token as bearer, with the beta flag that tokens need
/// behind whatever betas the client asked for (anthropic-wire §2).
fn authorize(account: &Account, headers: &mut HeaderMap) -> Result<(), PrepareError> {
    let unsendable = |_| PrepareError::Credential(Arc::clone(&account.name));
    let (name, mut value) = match &*account.credential {
        Credential::ApiKey(key) => (X_API_KEY, HeaderValue::from_str(key.expose()).map_err(unsendable)?),
        Credential::OAuth(tokens) => {
            let bearer = Zeroizing::new(format!("Bearer {}", tokens.access.expose()));
            (header::AUTHORIZATION, HeaderValue::from_str(&bearer).map_err(unsendable)?)
        }
    };
    value.set_sensitive(true);
    headers.append(name, value);
    if account.credential.tokens().is_some() && !lists(headers, &ANTHROPIC_BETA, OAUTH_BETA) {
        headers.append(ANTHROPIC_BETA, HeaderValue::from_static(OAUTH_BETA));
    }
    Ok(())
}

/// Whether a header that is a list, perhaps in several lines, has this word in it.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim() == word)
}

/// The headers without those that `drop` names and without those that a `connection` header names, in their order and
/// with their duplicates ([`HeaderMap::remove`] would put the last one in the gap).
fn filter(headers: &HeaderMap, drop: impl Fn(&HeaderName, &HeaderValue) -> bool) -> HeaderMap {
    let named = named_by_connection(headers);
    let mut kept = HeaderMap::with_capacity(headers.len() + 1);
    for (name, value) in headers {
        if named.contains(name) {
            continue;
        }
        if let Some(name) = well_known(name).or_else(|| (!drop(name, value)).then(|| name.clone())) {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// The names that nearly every request has and that nothing is dropped of, made of constants: the copy of any other name
/// is an allocation.
fn well_known(name: &HeaderName) -> Option<HeaderName> {
    macro_rules! known {
        ($($known:literal)*) => {
            match name.as_str() {
                $($known => Some(const { HeaderName::from_static($known) }),)*
                _ => None,
            }
        };
    }
    known! {
        "anthropic-beta" "anthropic-version" "anthropic-dangerous-direct-browser-access" "x-app"
        "x-claude-code-session-id" "x-claude-code-agent-id" "x-claude-code-parent-agent-id" "x-claude-code-agent-type"
        "x-stainless-arch" "x-stainless-lang" "x-stainless-os" "x-stainless-package-version" "x-stainless-retry-count"
        "x-stainless-runtime" "x-stainless-runtime-version" "x-stainless-timeout" "x-stainless-helper-method"
    }
}

/// The headers that `connection` declares to be for this hop only (RFC 9110 §7.6.1), unless they are dropped anyway.
/// Almost always none: `keep-alive` and `close` name nothing else.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|token| HeaderName::from_bytes(token.trim().as_bytes()).ok())
        .filter(|name| !is_hop_by_hop(name.as_str()) && name != "close")
        .collect()
}

/// What a request says to this proxy or about the client's own network, and what its body's length makes anew.
fn stays_here(name: &HeaderName) -> bool {
    let name = name.as_str();
    is_hop_by_hop(name)
        || matches!(name, "host" | "content-length" | "expect" | "cookie" | "forwarded" | "via" | "x-real-ip")
        || name.starts_with("x-forwarded-")
        || name.starts_with("x-ccflare-")
}

/// What belongs to the client's own account. Newer SDKs send plain keys as `authorization`, so both names go whatever
/// is in them; a workspace id is bound to its key (anthropic-wire §2).
fn is_credential(name: &HeaderName) -> bool {
    matches!(name.as_str(), "authorization" | "x-api-key" | "anthropic-workspace-id")
}

/// The key of a client of this proxy opens this proxy and is nobody else's to see.
fn is_client_key(name: &HeaderName, value: &HeaderValue) -> bool {
    is_credential(name) && key_in(value.as_bytes()).is_some()
}

fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
    )
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http_body_util::BodyExt;

    use super::*;
    use crate::domain::{Secret, Timestamp};

    fn account(key: &str, base_url: Option<&str>) -> Account {
        let credential = Credential::ApiKey(Secret::new(key));
        let mut account = Account::new("work", "anthropic", credential, Timestamp::default());
        account.base_url = base_url.map(|url| Arc::new(url.parse().expect("a URL")));
        account
    }

    /// Headers as lines, in order.
    fn headers(lines: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines.lines().filter_map(|line| line.trim().split_once(": ")) {
            headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"));
        }
        headers
    }

    fn lines(headers: &HeaderMap) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect()
    }

    fn request(uri: &str, lines: &str) -> Request<Bytes> {
        let mut request = Request::post(uri).body(Bytes::from_static(b"{}")).expect("a request");
        *request.headers_mut() = headers(lines);
        request
    }

    #[test]
    fn the_url_is_the_accounts_address_and_the_requests_path_and_query_untouched() {
        const HERE: &str = "/v1/messages?beta=true&x=%7e%41";
        for (base, uri, sent) in [
            (None, HERE, "https://api.anthropic.com/v1/messages?beta=true&x=%7e%41"),
            (None, "/v1/messages?", "https://api.anthropic.com/v1/messages?"),
            (None, "http://localhost:8080/v1/models", "https://api.anthropic.com/v1/models"),
            (Some("http://127.0.0.1:9"), HERE, "http://127.0.0.1:9/v1/messages?beta=true&x=%7e%41"),
            (Some("http://[::1]:9/"), "/v1/models", "http://[::1]:9/v1/models"),
            (Some("https://h.example/prefix"), HERE, "https://h.example/prefix/v1/messages?beta=true&x=%7e%41"),
            (Some("https://u:p@h.example/a/b/"), "/v1/models", "https://h.example/a/b/v1/models"),
        ] {
            let prepared = prepare(&request(uri, ""), Some(&account("k", base)), None).expect("can be made");
            assert_eq!(prepared.uri().to_string(), sent, "{base:?} {uri}");
        }
    }

    #[test]
    fn an_address_that_is_not_http_makes_no_url() {
        for base in ["ftp://h.example", "unix:/run/x", "mailto:a@h.example"] {
            let result = prepare(&request("/v1/models", ""), Some(&account("k", Some(base))), None);
            assert!(matches!(result, Err(PrepareError::Url)), "{base}");
        }
    }

    #[test]
    fn a_request_crosses_with_its_headers_in_order_and_exactly_one_credential() {
        let asked = "host: localhost:8080
            accept: application/json
            authorization: Bearer sk-ant-api03-client
            anthropic-beta: a-2026-01-01
            connection: keep-alive, x-hop
            x-hop: 1
            anthropic-beta: b-2026-01-01
            x-api-key: client
            user-agent: claude-cli/2.1.330 (external, cli)
            anthropic-workspace-id: wrkspc_client
            cookie: session=1
            content-length: 2
            transfer-encoding: chunked
            te: trailers
            expect: 100-continue
            forwarded: for=10.0.0.1
            x-forwarded-for: 10.0.0.1
            x-real-ip: 10.0.0.1
            via: 1.1 here
            x-ccflare-anything: 1
            proxy-authorization: Basic x
            accept-encoding: gzip, br
            x-unknown: kept
            anthropic-version: 2026-10-21";
        let mut asked = request("/v1/messages", asked);
        *asked.version_mut() = Version::HTTP_2;
        asked.extensions_mut().insert(7_u8);
        let prepared = prepare(&asked, Some(&account("sk-ant-api03-account", None)), None).expect("can be made");
        assert_eq!(
            lines(prepared.headers()),
            [
                "accept: application/json",
                "anthropic-beta: a-2026-01-01",
                "anthropic-beta: b-2026-01-01",
                "user-agent: claude-cli/2.1.330 (external, cli)",
                "accept-encoding: gzip, br",
                "x-unknown: kept",
                "anthropic-version: 2026-10-21",
                "x-api-key: sk-ant-api03-account",
            ]
        );
        assert!(prepared.headers()[X_API_KEY].is_sensitive());
        assert_eq!((prepared.method(), prepared.version()), (&Method::POST, Version::HTTP_11));
        assert!(prepared.extensions().is_empty());
    }

    #[test]
    fn without_an_account_the_clients_own_credentials_stay() {
        let asked = request("/v1/messages", "authorization: Bearer a\nx-api-key: b\ncookie: c");
        let prepared = prepare(&asked, None, None).expect("can be made");
        assert_eq!(lines(prepared.headers()), ["authorization: Bearer a", "x-api-key: b"]);
    }

    #[test]
    fn a_client_key_of_ours_goes_nowhere_even_without_an_account() {
        let asked = "a: 1
            authorization: Bearer ccf_secret
            x-api-key: sk-ant-own
            x-api-key: ccf_secret
            b: 2";
        let prepared = prepare(&request("/v1/messages", asked), None, None).expect("can be made");
        assert_eq!(lines(prepared.headers()), ["a: 1", "x-api-key: sk-ant-own", "b: 2"]);
    }

    #[test]
    fn a_client_cannot_take_the_accounts_key_away_by_naming_it_a_connection_header() {
        let asked = request("/v1/messages", "connection: x-api-key, content-type\ncontent-type: a/b");
        let prepared = prepare(&asked, Some(&account("k", None)), None).expect("can be made");
        assert_eq!(lines(prepared.headers()), ["x-api-key: k"]);
    }

    #[test]
    fn a_key_that_is_no_header_is_an_error_that_names_the_account_and_not_the_key() {
        let error =
            prepare(&request("/v1/messages", ""), Some(&account("secret\nkey", None)), None).expect_err("no header");
        assert!(error.to_string().contains("work") && !error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn the_body_is_the_same_bytes_not_a_copy_of_them() {
        let bytes = Bytes::from(vec![7; 1024]);
        let asked = Request::post("/v1/messages").body(bytes.clone()).expect("a request");
        let prepared = prepare(&asked, None, None).expect("can be made");
        let sent = prepared.into_body().collect().await.expect("infallible").to_bytes();
        assert_eq!(sent.as_ptr(), bytes.as_ptr());
        assert_eq!(sent, bytes);
    }

    #[test]
    fn an_answer_loses_hop_by_hop_headers_and_cookies_and_keeps_the_order_of_the_rest() {
        let mut answer = headers(
            "date: d
            connection: keep-alive, X-Hop
            set-cookie: a=1
            content-type: text/event-stream
            transfer-encoding: chunked
            warning: one
            x-hop: 1
            set-cookie: b=2
            warning: two
            content-encoding: gzip
            content-length: 3
            request-id: req_1",
        );
        release(&mut answer);
        assert_eq!(
            lines(&answer),
            [
                "date: d",
                "content-type: text/event-stream",
                "warning: one",
                "warning: two",
                "content-encoding: gzip",
                "content-length: 3",
                "request-id: req_1",
            ]
        );
    }

    #[test]
    fn an_answer_with_nothing_to_take_out_stays_as_it_is() {
        let mut answer = headers("b: 1\na: 2\nb: 3");
        let before = lines(&answer);
        release(&mut answer);
        assert_eq!(lines(&answer), before);
    }
}
