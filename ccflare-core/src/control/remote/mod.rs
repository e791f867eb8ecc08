//! The operator's wishes, sent to a running server.

use std::{error::Error, io, path::PathBuf, time::Duration};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{ControlError, views::AccountView};
use crate::domain::Secret;

mod accounts;
mod agents;
mod analytics;
mod audit;
mod gateway;
mod keys;
mod live;
mod logins;
mod maintenance;
mod placement;
mod requests;
mod settings;

/// Speaks to a server's JSON API with the admin token.
#[derive(Debug)]
pub struct Remote {
    client: reqwest::Client,
    base: Url,
    token: Secret,
    /// The database that another process uses, which is why a server is spoken to.
    in_use: Option<PathBuf>,
}

/// An error as the API tells it.
#[derive(Deserialize)]
struct Told {
    error: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    details: Value,
}

/// The answer to a change: the account as it is now.
#[derive(Deserialize)]
struct Changed {
    account: AccountView,
}

impl Remote {
    /// A server at `base`, spoken to with `token`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ControlError::Invalid`] if `base` is no `http` or `https` address.
    pub fn new(base: Url, token: Secret) -> Result<Self, ControlError> {
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(ControlError::Invalid(format!("{base} is not the address of a server")));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(crate::upstream::tls())
            // A redirect would carry the token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| ControlError::Unavailable(error.to_string()))?;
        Ok(Self { client, base, token, in_use: None })
    }

    /// The same, because another process uses this database.
    pub(super) fn using(self, database: PathBuf) -> Self {
        Self { in_use: Some(database), ..self }
    }

    /// A request to a path of segments, each of which may have any characters in it.
    fn to(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("api").extend(segments);
        }
        self.client.request(method, url).bearer_auth(self.token.expose())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ControlError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let Ok(told) = response.json::<Told>().await else {
            let message = format!("{} answers {status}, and not as ccflare does", self.base);
            return Err(ControlError::Unavailable(message));
        };
        Err(match understand(status, told) {
            ControlError::Unauthorized(_) => ControlError::Unauthorized(format!(
                "{} does not take this admin token: it may be the server of another data directory (name its --data-dir), or \
                 CCFLARE_ADMIN_TOKEN is not its token",
                self.base
            )),
            other => other,
        })
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ControlError> {
        let response = self.send(request).await?;
        response.json().await.map_err(|error| {
            ControlError::Unavailable(format!("{} answers, but not as ccflare does: {error}", self.base))
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ControlError {
        if let Some(distrust) = distrust(error) {
            return ControlError::Unavailable(format!(
                "{} is there, and is not trusted: {distrust}; name the server as its certificate does (--server \
                 https://NAME), or have the certificate trusted (SSL_CERT_FILE)",
                self.base
            ));
        }
        let why = if error.is_timeout() { "it does not answer in time" } else { "it can't be reached" };
        if let Some(database) = &self.in_use {
            return ControlError::Unavailable(format!(
                "{} is in use by another process, and no server answers at {}: {why}; if it is a server, say where it listens \
                 (--server http://127.0.0.1:PORT, or `port` in the configuration file)",
                database.display(),
                self.base
            ));
        }
        ControlError::Unavailable(format!(
            "no ccflare server at {}: {why}; start one with `ccflare serve`, or name another with --server",
            self.base
        ))
    }
}

/// What is wrong with the other side's certificate, or with its TLS.
fn distrust<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let cause = |error: &'a (dyn Error + 'static)| error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref();
    std::iter::successors(Some(error), |error| (*error).source()).find_map(cause)
}

/// The error that the server meant.
fn understand(status: StatusCode, told: Told) -> ControlError {
    let message = told.error;
    match (told.code.as_str(), status) {
        ("not_found", _) => ControlError::NotFound(message),
        ("stale", _) => ControlError::Stale(message),
        ("conflict", _) => ControlError::Conflict(message),
        ("confirmation_required", _) => {
            ControlError::ConfirmationRequired(told.details["confirm"].as_str().unwrap_or_default().to_owned())
        }
        (_, StatusCode::UNAUTHORIZED) => ControlError::Unauthorized(message),
        (_, status) if status.is_client_error() => ControlError::Invalid(message),
        _ => ControlError::Unavailable(message),
    }
}

/// The `before` of the address in `<...?before=ID&...>; rel="next"`.
fn cursor(link: &str) -> Option<String> {
    let address = link.strip_prefix('<')?.split_once('>')?.0;
    let query = address.split_once('?')?.1.as_bytes();
    url::form_urlencoded::parse(query).find(|(name, _)| name == "before").map(|(_, id)| id.into_owned())
}
