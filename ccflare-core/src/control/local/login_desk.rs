//! Logging accounts in, for [`Local`](super::Local).

use std::sync::Arc;

use super::{known_provider, valid_base_url, valid_name};
use crate::control::{
    ControlError,
    views::{LoginView, NewLogin},
};
use crate::{
    clock::Clock,
    domain::{Account, AccountChange, AccountId, Credential, LoginId, LoginPurpose, PendingLogin, Timestamp},
    oauth::{AuthorizationServer, AuthorizationServers, Code, Granted, Login, TokenEndpoint, TokenError},
    pool::AccountPool,
    provider::Providers,
    store::{Store, StoreError},
};

/// The desk at which accounts log in.
#[derive(Clone, Debug)]
pub struct Logins {
    store: Arc<dyn Store>,
    pool: Arc<AccountPool>,
    servers: AuthorizationServers,
    endpoint: TokenEndpoint,
    clock: Arc<dyn Clock>,
}

impl Logins {
    /// Logs in at these servers.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        pool: Arc<AccountPool>,
        servers: AuthorizationServers,
        endpoint: TokenEndpoint,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, pool, servers, endpoint, clock }
    }

    /// Begins a login; `account` is the one that is to have new tokens, if it is there already.
    pub(super) async fn begin(
        &self,
        new: NewLogin,
        account: Option<Arc<Account>>,
        providers: &Providers,
    ) -> Result<LoginView, ControlError> {
        let now = self.clock.now();
        let server = self.server(new.server.as_deref(), account.as_deref())?;
        let purpose = match account {
            Some(account) => renewal(&account, server)?,
            None => {
                known_provider(providers, &server.provider)?;
                self.addition(&new, server)?
            }
        };
        self.store.sweep_logins(now - PendingLogin::LIFE).await?;
        let (address, pending) = Login { server, purpose, redirect_port: new.redirect_port }.begin(now);
        self.store.keep_login(&pending).await?;
        Ok(LoginView {
            session_id: pending.id.to_string(),
            auth_url: address.to_string(),
            redirect_uri: pending.redirect_uri.to_string(),
            server: server.name.to_string(),
            expires: (now + PendingLogin::LIFE).to_string(),
        })
    }

    /// Ends a login with the code that somebody pasted. Returns the account's id, and whether it is a new account.
    pub(super) async fn complete(&self, session: &str, pasted: &str) -> Result<AccountId, ControlError> {
        let over = || ControlError::NotFound("this login has ended, or never was; begin again".to_owned());
        // Before the login is taken: whoever pastes half of it may try again.
        let code = Code::of_paste(pasted).map_err(|error| ControlError::Invalid(error.to_string()))?;
        let id: LoginId = session.parse().map_err(|_| over())?;
        let now = self.clock.now();
        let login = self.store.take_login(id).await?.filter(|login| !login.is_over(now)).ok_or_else(over)?;
        if !code.belongs_to(&login) {
            return Err(ControlError::Invalid("that code belongs to another login; begin again".to_owned()));
        }
        let server = self.server(Some(&login.server), None)?;
        let granted = self.endpoint.redeem(server, &login, &code, now).await.map_err(refused)?;
        let organization = granted.organization.clone();
        let credential = self.credential(server, granted).await?;
        match &login.purpose {
            LoginPurpose::Add { .. } => self.add(&login.purpose, credential, organization, now).await,
            LoginPurpose::Renew(account) => self.renew(*account, credential, organization, now).await,
        }
    }

    fn server(&self, name: Option<&str>, account: Option<&Account>) -> Result<&AuthorizationServer, ControlError> {
        let own = account.and_then(|account| account.credential.tokens()).map(|tokens| &*tokens.server);
        let found = match name.or(own) {
            Some(name) => self.servers.get(name),
            None => self.servers.only(),
        };
        found.ok_or_else(|| {
            let names: Vec<_> = self.servers.names().collect();
            ControlError::Invalid(match (name.or(own), &*names) {
                (_, []) => "no authorization server is configured: add [oauth.NAME] with authorize_url, token_url, \
                            client_id and redirect_uri to the server's ccflare.toml (docs/oauth.md has an example)"
                    .to_owned(),
                (Some(name), names) => {
                    format!("there is no authorization server {name:?}; there is {}", names.join(", "))
                }
                (None, names) => format!("say which authorization server: {}", names.join(", ")),
            })
        })
    }

    fn addition(&self, new: &NewLogin, server: &AuthorizationServer) -> Result<LoginPurpose, ControlError> {
        let name = valid_name(&new.name)?;
        // Asked again when the account is added; here it saves somebody a login in vain.
        if self.pool.snapshot().iter().any(|account| *account.name == *name) {
            return Err(StoreError::NameTaken(name.to_owned()).into());
        }
        Ok(LoginPurpose::Add {
            name: name.into(),
            provider: Arc::clone(&server.provider),
            base_url: new.base_url.as_deref().map(valid_base_url).transpose()?.map(Into::into),
            priority: new.priority,
            tier: new.tier,
        })
    }

    /// The tokens, or the key that they buy.
    async fn credential(&self, server: &AuthorizationServer, granted: Granted) -> Result<Credential, ControlError> {
        match &server.api_key_url {
            Some(url) => {
                let key = self.endpoint.mint(url, &granted.tokens.access).await.map_err(refused)?;
                Ok(Credential::ApiKey(key))
            }
            None => Ok(Credential::OAuth(granted.tokens)),
        }
    }

    async fn add(
        &self,
        purpose: &LoginPurpose,
        credential: Credential,
        organization: Option<String>,
        now: Timestamp,
    ) -> Result<AccountId, ControlError> {
        let LoginPurpose::Add { name, provider, base_url, priority, tier } = purpose else {
            return Err(ControlError::Invalid("this login is for an account that is there".to_owned()));
        };
        let account = Account {
            base_url: base_url.clone(),
            priority: *priority,
            tier: *tier,
            organization: organization.map(Into::into),
            ..Account::new(name, provider, credential, now)
        };
        self.store.add_account(&account).await?;
        let id = account.id;
        self.pool.add(account);
        tracing::info!(account = %name, "account added by login");
        Ok(id)
    }

    async fn renew(
        &self,
        id: AccountId,
        mut credential: Credential,
        organization: Option<String>,
        now: Timestamp,
    ) -> Result<AccountId, ControlError> {
        let stored = self.store.account(id).await?;
        let expected = stored.credential.generation();
        if let Credential::OAuth(tokens) = &mut credential {
            tokens.generation = expected + 1;
        }
        self.store.replace_credential(id, expected, &credential).await?;
        self.pool.renew(id, &Arc::new(credential), now);
        if let Some(organization) = organization.filter(|seen| stored.organization.as_deref() != Some(seen)) {
            self.pool.apply(id, [AccountChange::OrganizationSeen(organization.into())], now);
        }
        tracing::info!(account = %stored.name, "account logged in again");
        Ok(id)
    }
}

/// New tokens for an account that is there, from a server that gives tokens for the same API.
fn renewal(account: &Account, server: &AuthorizationServer) -> Result<LoginPurpose, ControlError> {
    if account.provider != server.provider {
        return Err(ControlError::Invalid(format!(
            "the authorization server {:?} gives tokens for {}, and {} is an account of {}",
            server.name, server.provider, account.name, account.provider
        )));
    }
    Ok(LoginPurpose::Renew(account.id))
}

fn refused(error: TokenError) -> ControlError {
    match error {
        TokenError::Refused(_) => ControlError::Invalid(format!("{error}; begin again")),
        TokenError::Unavailable(_) => ControlError::Unavailable(format!("{error}; begin again")),
    }
}
