//! The operator's wishes, sent to a running server.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use super::{
    Control, ControlError,
    views::{
        AccountEdit, AccountView, AuditQuery, AuditView, BrowserLinkView, ClientKeyView, LoginView, NewAccount,
        NewClientKey, NewKeyView, NewLogin, PayloadView, RequestPage, RequestPageQuery, RequestView, StatusView,
    },
};
use crate::domain::Secret;

/// Speaks to a server's JSON API with the admin token.
#[derive(Debug)]
pub struct Remote {
    client: reqwest::Client,
    base: Url,
    token: Secret,
}

/// An error as the API tells it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    error: String,
    code: String,
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
        Ok(Self { client, base, token })
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
        let told = response.json::<Told>().await.unwrap_or_default();
        Err(understand(status, told))
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ControlError> {
        let response = self.send(request).await?;
        response.json().await.map_err(|error| {
            ControlError::Unavailable(format!("{} answers, but not as ccflare does: {error}", self.base))
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ControlError {
        let why = if error.is_timeout() { "it does not answer in time" } else { "it can't be reached" };
        ControlError::Unavailable(format!("no ccflare server at {}: {why}; start one with `ccflare serve`", self.base))
    }
}

/// The error that the server meant.
fn understand(status: StatusCode, told: Told) -> ControlError {
    let message = if told.error.is_empty() { format!("the server answers {status}") } else { told.error };
    match (told.code.as_str(), status) {
        ("not_found", _) => ControlError::NotFound(message),
        ("conflict", _) => ControlError::Conflict(message),
        ("confirmation_required", _) => {
            ControlError::ConfirmationRequired(told.details["confirm"].as_str().unwrap_or_default().to_owned())
        }
        (_, StatusCode::UNAUTHORIZED) => ControlError::Unauthorized(message),
        (_, status) if status.is_client_error() => ControlError::Invalid(message),
        _ => ControlError::Unavailable(message),
    }
}

#[async_trait]
impl Control for Remote {
    async fn status(&self) -> Result<StatusView, ControlError> {
        self.read(self.to(Method::GET, &["status"])).await
    }

    async fn accounts(&self) -> Result<Vec<AccountView>, ControlError> {
        self.read(self.to(Method::GET, &["accounts"])).await
    }

    async fn add_account(&self, new: NewAccount) -> Result<AccountView, ControlError> {
        let body = json!({
            "name": new.name, "provider": new.provider, "apiKey": new.api_key.expose(),
            "baseUrl": new.base_url, "priority": new.priority, "tier": new.tier,
        });
        Ok(self.read::<Changed>(self.to(Method::POST, &["accounts"]).json(&body)).await?.account)
    }

    async fn edit_account(&self, account: &str, edit: AccountEdit) -> Result<AccountView, ControlError> {
        let (verb, body) = match edit {
            AccountEdit::Pause => ("pause", json!({})),
            AccountEdit::Resume => ("resume", json!({})),
            AccountEdit::Rename(name) => ("rename", json!({ "name": name })),
            AccountEdit::Priority(priority) => ("priority", json!({ "priority": priority })),
            AccountEdit::Tier(tier) => ("tier", json!({ "tier": tier })),
        };
        let request = self.to(Method::POST, &["accounts", account, verb]).json(&body);
        Ok(self.read::<Changed>(request).await?.account)
    }

    async fn remove_account(&self, account: &str, confirm: &str) -> Result<(), ControlError> {
        let request = self.to(Method::DELETE, &["accounts", account]).json(&json!({ "confirm": confirm }));
        self.send(request).await.map(drop)
    }

    async fn requests(&self, query: RequestPageQuery) -> Result<RequestPage, ControlError> {
        let mut request = self.to(Method::GET, &["requests"]).query(&[("limit", query.limit)]);
        if let Some(before) = &query.before {
            request = request.query(&[("before", before)]);
        }
        let response = self.send(request).await?;
        let has_next = response.headers().contains_key(header::LINK);
        let requests: Vec<RequestView> =
            response.json().await.map_err(|error| ControlError::Unavailable(error.to_string()))?;
        let next = requests.last().filter(|_| has_next).map(|request| request.id.clone());
        Ok(RequestPage { requests, next })
    }

    async fn request(&self, id: &str) -> Result<RequestView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id])).await
    }

    async fn begin_login(&self, login: NewLogin) -> Result<LoginView, ControlError> {
        self.read(self.to(Method::POST, &["oauth", "init"]).json(&login)).await
    }

    async fn complete_login(&self, session: &str, pasted: &str) -> Result<AccountView, ControlError> {
        let body = json!({ "sessionId": session, "code": pasted });
        let request = self.to(Method::POST, &["oauth", "callback"]).json(&body);
        // The server waits for the authorization server.
        Ok(self.read::<Changed>(request.timeout(Duration::from_secs(90))).await?.account)
    }

    async fn client_keys(&self) -> Result<Vec<ClientKeyView>, ControlError> {
        self.read(self.to(Method::GET, &["keys"])).await
    }

    async fn create_client_key(&self, key: NewClientKey) -> Result<NewKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys"]).json(&key)).await
    }

    async fn revoke_client_key(&self, key: &str) -> Result<ClientKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys", key, "revoke"]).json(&json!({}))).await
    }

    async fn rotate_client_key(&self, key: &str) -> Result<NewKeyView, ControlError> {
        self.read(self.to(Method::POST, &["keys", key, "rotate"]).json(&json!({}))).await
    }

    async fn browser_link(&self) -> Result<BrowserLinkView, ControlError> {
        let mut link: BrowserLinkView = self.read(self.to(Method::POST, &["login-links"]).json(&json!({}))).await?;
        let url = self.base.join(&link.url).map_err(|error| ControlError::Unavailable(error.to_string()))?;
        link.url = url.to_string();
        Ok(link)
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditView>, ControlError> {
        let mut request = self.to(Method::GET, &["audit"]).query(&[("limit", query.limit)]);
        if let Some(before) = &query.before {
            request = request.query(&[("before", before)]);
        }
        self.read(request).await
    }

    // What exchanges carried.

    async fn payload(&self, id: &str) -> Result<PayloadView, ControlError> {
        self.read(self.to(Method::GET, &["requests", id, "payload"])).await
    }
}
