//! Speaks to token endpoints.

use std::{future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use oauth2::{
    AuthUrl, AuthorizationCode, Client, ClientId, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

use super::{AuthorizationServer, Code, TokenError, TokenFormat};
use crate::{
    domain::{PendingLogin, Secret, Timestamp, TokenSet},
    upstream::{Upstream, UpstreamOptions},
};

/// No token answer is longer.
const ANSWER: usize = 64 * 1024;

/// No more characters than these of what a server says are repeated.
const LINE: usize = 200;

/// So long a token endpoint may take, from the connection to the last byte of its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a login came to.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The tokens.
    pub tokens: TokenSet,
    /// The organisation they belong to, if the server said so.
    pub organization: Option<String>,
}

/// Exchanges codes and refresh tokens. It follows no redirects, waits at most half a minute, and reads short answers
/// only. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    upstream: Upstream,
}

impl TokenEndpoint {
    /// With connections of its own.
    #[must_use]
    pub fn new() -> Self {
        let patience =
            UpstreamOptions { first_byte_timeout: PATIENCE, idle_timeout: PATIENCE, ..UpstreamOptions::default() };
        Self { upstream: Upstream::new(patience) }
    }

    /// Buys the first tokens of an account with a code.
    ///
    /// # Errors
    /// [`TokenError::Refused`] if the code is not (or no longer) good.
    pub async fn redeem(
        &self,
        server: &AuthorizationServer,
        login: &PendingLogin,
        code: &Code,
        now: Timestamp,
    ) -> Result<Granted, TokenError> {
        let client = client(server, Url::clone(&login.redirect_uri));
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.code.expose().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(login.verifier.expose().to_owned()));
        if server.token_format == TokenFormat::Json {
            request = request.add_extra_param("state", login.state.expose());
        }
        let told = [&code.code, &login.verifier, &login.state];
        let answer = request.request_async(&self.speaking(server.token_format)).await;
        let answer = answer.map_err(|error| understand(error, &told))?;
        let organization = answer.extra_fields().organization["uuid"].as_str().map(str::to_owned);
        Ok(Granted { tokens: tokens(server, &answer, None, now), organization })
    }

    /// Buys the next tokens with the last ones' refresh token, which is spent by that.
    ///
    /// # Errors
    /// [`TokenError::Refused`] if the refresh token is not (or no longer) good, or there is none.
    pub async fn renew(
        &self,
        server: &AuthorizationServer,
        old: &TokenSet,
        now: Timestamp,
    ) -> Result<TokenSet, TokenError> {
        let Some(refresh) = &old.refresh else {
            return Err(TokenError::Refused("the tokens have ended and can't be renewed".to_owned()));
        };
        let client = client(server, server.redirect_uri.clone());
        let spent = RefreshToken::new(refresh.expose().to_owned());
        let answer = client.exchange_refresh_token(&spent).request_async(&self.speaking(server.token_format)).await;
        let answer = answer.map_err(|error| understand(error, &[&old.access, refresh]))?;
        Ok(tokens(server, &answer, Some(old), now))
    }

    /// Buys an API key with an access token.
    ///
    /// # Errors
    /// If the server gives none.
    pub async fn mint(&self, url: &Url, access: &Secret) -> Result<Secret, TokenError> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", access.expose()))
            .map_err(|_| TokenError::Unavailable("its access token can't be sent".to_owned()))?;
        bearer.set_sensitive(true);
        let request = Request::post(url.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from_static(b"{}"))
            .map_err(|error| TokenError::Unavailable(error.to_string()))?;
        let answer = self.send(request).await.map_err(|error| TokenError::Unavailable(error.0))?;
        let said: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let key = ["raw_key", "api_key", "key"].into_iter().find_map(|name| said[name].as_str());
        match key {
            Some(key) if answer.status().is_success() => Ok(Secret::new(key)),
            _ => Err(TokenError::Unavailable(format!("it gives no API key (status {})", answer.status().as_u16()))),
        }
    }

    /// This endpoint as the `oauth2` crate wants it, which speaks in forms only.
    fn speaking(&self, format: TokenFormat) -> impl Fn(HttpRequest) -> Sending {
        let endpoint = self.clone();
        move |request| {
            let endpoint = endpoint.clone();
            Box::pin(async move {
                let request = match format {
                    TokenFormat::Form => request.map(Bytes::from),
                    TokenFormat::Json => as_json(request),
                };
                endpoint.send(request).await
            })
        }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<HttpResponse, HttpError> {
        let late = |_| HttpError(format!("it took longer than {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(late)?
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<HttpResponse, HttpError> {
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.upstream.clone().oneshot(request.map(Full::new)).await;
        let (parts, body) = answer.map_err(|error| HttpError(error.to_string()))?.into_parts();
        let body = Limited::new(body, ANSWER).collect().await.map_err(|error| HttpError(error.to_string()))?;
        Ok(HttpResponse::from_parts(parts, body.to_bytes().to_vec()))
    }
}

impl Default for TokenEndpoint {
    fn default() -> Self {
        Self::new()
    }
}

type Sending = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

/// Why a request came to no answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct HttpError(String);

/// The fields of a form as a JSON object.
fn as_json(request: HttpRequest) -> Request<Bytes> {
    let (mut parts, form) = request.into_parts();
    let fields = url::form_urlencoded::parse(&form).into_owned();
    let object: serde_json::Map<_, _> = fields.map(|(name, value)| (name, Value::String(value))).collect();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Request::from_parts(parts, Value::Object(object).to_string().into())
}

/// What a token answer says beside the tokens; nothing in it may cost them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Extra {
    #[serde(default)]
    organization: Value,
}

impl ExtraTokenFields for Extra {}

type Answer = StandardTokenResponse<Extra, BasicTokenType>;

type Ready = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The server as the `oauth2` crate knows it.
pub(super) fn client(server: &AuthorizationServer, redirect_uri: Url) -> Ready {
    Client::new(ClientId::new(server.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(server.authorize_url.clone()))
        .set_token_uri(TokenUrl::from_url(server.token_url.clone()))
        .set_redirect_uri(RedirectUrl::from_url(redirect_uri))
}

/// A server that gives no new refresh token means the old one to go on.
fn tokens(server: &AuthorizationServer, answer: &Answer, old: Option<&TokenSet>, now: Timestamp) -> TokenSet {
    let refresh = answer.refresh_token().map(|token| Secret::new(token.secret()));
    TokenSet {
        server: server.name.clone(),
        access: Secret::new(answer.access_token().secret()),
        refresh: refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
        expires: answer.expires_in().map(|life| now + life),
        generation: old.map_or(0, |old| old.generation) + 1,
    }
}

/// What a failure means. Never repeats a body, nor what the server was `told` in confidence: it may quote that.
fn understand(error: RequestTokenError<HttpError, BasicErrorResponse>, told: &[&Secret]) -> TokenError {
    use BasicErrorResponseType::{Extension, InvalidGrant, UnauthorizedClient};
    match error {
        RequestTokenError::ServerResponse(said) => {
            let description = said.error_description().map(String::as_str).unwrap_or_default();
            let line = line(&format!("{} {description}", said.error().as_ref()), told);
            match said.error() {
                InvalidGrant | UnauthorizedClient => TokenError::Refused(line),
                Extension(code) if matches!(&**code, "invalid_token" | "access_denied" | "refresh_token_reused") => {
                    TokenError::Refused(line)
                }
                _ => TokenError::Unavailable(line),
            }
        }
        RequestTokenError::Request(error) => TokenError::Unavailable(error.0),
        RequestTokenError::Parse(..) => TokenError::Unavailable("its answer is not understood".to_owned()),
        // The crate's own words for answers without a body and the like.
        RequestTokenError::Other(what) => TokenError::Unavailable(line(&what, told)),
    }
}

/// One short line of what a server says, without the `secrets`.
fn line(said: &str, secrets: &[&Secret]) -> String {
    let line: String = said.chars().filter(|c| !c.is_control()).collect();
    let hidden = secrets.iter().fold(line, |line, secret| secret.hide_in(&line));
    hidden.trim_end().chars().take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_dribbles_is_not_waited_for_longer_than_one_that_is_silent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(PATIENCE / 2).await;
            }
        });
        let url = |path: &str| format!("http://{address}/{path}").parse::<Url>().expect("a URL");
        let server = AuthorizationServer::new("slow", url("authorize"), url("token"), "client", url("back"));
        let (access, refresh) = (Secret::new("access"), Some(Secret::new("refresh")));
        let old = TokenSet { server: "slow".into(), access, refresh, expires: None, generation: 1 };
        let begun = tokio::time::Instant::now();
        let renewed = TokenEndpoint::new().renew(&server, &old, Timestamp::from_seconds(0)).await;
        assert!(matches!(&renewed, Err(TokenError::Unavailable(why)) if why.contains("30 s")), "{renewed:?}");
        assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
    }

    #[test]
    fn one_line_of_what_a_server_says_holds_no_secret() {
        let secrets = [&Secret::new("open-sesame"), &Secret::new("abracadabra")];
        assert_eq!(line("no open-sesame\nnor abracadabra ", &secrets), "no [secret]nor [secret]");
        assert_eq!(line(&"long ".repeat(100), &secrets).len(), LINE);
    }
}
