//! Authorization servers, as the operator describes them.

use std::{collections::BTreeMap, sync::Arc};

use url::{Host, Url};

/// Where and as whom to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizationServer {
    /// What the operator calls it.
    pub name: Arc<str>,
    /// Where a person grants access.
    pub authorize_url: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_url: Url,
    /// The client that the operator is registered as there.
    pub client_id: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Where the code is sent: a page of the server's that shows it, or this machine.
    pub redirect_uri: Url,
    /// Further parameters of the authorize address.
    pub extra_params: Vec<(String, String)>,
    /// How the token endpoint wants its requests.
    pub token_format: TokenFormat,
    /// Where a token buys an API key, which then becomes the account's credential in the tokens' place.
    pub api_key_url: Option<Url>,
    /// The API whose accounts log in here.
    pub provider: Arc<str>,
}

/// How a token endpoint wants its requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    /// As a form, as RFC 6749 has it.
    #[default]
    Form,
    /// As a JSON object of the same fields, with the login's `state` among them.
    Json,
}

impl AuthorizationServer {
    /// A server with no scopes, no further parameters, and forms at its token endpoint.
    #[must_use]
    pub fn new(name: &str, authorize_url: Url, token_url: Url, client_id: &str, redirect_uri: Url) -> Self {
        Self {
            name: name.into(),
            authorize_url,
            token_url,
            client_id: client_id.to_owned(),
            scopes: Vec::new(),
            redirect_uri,
            extra_params: Vec::new(),
            token_format: TokenFormat::default(),
            api_key_url: None,
            provider: "anthropic".into(),
        }
    }

    /// Where to send the code: the configured address; if that is this machine, at the port that somebody listens on
    /// (RFC 8252 §7.3: servers take any port there).
    #[must_use]
    pub fn redirect(&self, port: Option<u16>) -> Url {
        let mut uri = self.redirect_uri.clone();
        // A port that is configured is one that the server insists on.
        if self.redirects_here()
            && uri.port().is_none()
            && let Some(port) = port
        {
            // Fails for addresses without a host only, and this one has one.
            let _ = uri.set_port(Some(port));
        }
        uri
    }

    /// Whether the code is sent to this machine.
    #[must_use]
    pub fn redirects_here(&self) -> bool {
        is_here(&self.redirect_uri)
    }
}

/// Whether keys and tokens may be sent to an address: `https`, or `http` on this machine.
#[must_use]
pub fn may_carry_secrets(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_here(url),
        _ => false,
    }
}

/// Whether an address is on this machine, whoever asks.
#[must_use]
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The servers there are, by name. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationServers(Arc<BTreeMap<Arc<str>, AuthorizationServer>>);

impl AuthorizationServers {
    /// These.
    #[must_use]
    pub fn new(servers: impl IntoIterator<Item = AuthorizationServer>) -> Self {
        Self(Arc::new(servers.into_iter().map(|server| (Arc::clone(&server.name), server)).collect()))
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AuthorizationServer> {
        self.0.get(name)
    }

    /// The only one, if there is just one.
    #[must_use]
    pub fn only(&self) -> Option<&AuthorizationServer> {
        self.0.values().next().filter(|_| self.0.len() == 1)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_loopback_names_alone() {
        let is_here = |url: &str| is_here(&url.parse().expect("a URL"));
        for here in ["http://127.0.0.1:8080", "http://[::1]:8080", "https://localhost"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in ["http://10.0.0.1:8080", "https://localhost.example", "https://127.0.0.1.example"] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
