//! The stage: a face on a screen in memory, over a gateway with accounts and a mock behind it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use ccflare_core::{
    clock::{Clock, ManualClock},
    control::{
        Control, ControlError, SettingsControl,
        views::{
            AccountView, NewAccount, ReloadView, RequestPageQuery, RequestView, SettingView, SettingsEdit,
            SettingsView, WebhookView,
        },
    },
    domain::{Secret, Timestamp},
    gateway::{Gateway, GatewayOptions},
    oauth::{AuthorizationServer, AuthorizationServers, TokenFormat},
    store::RedbStore,
};
use ccflare_mock::{KeyConfig, MockConfig, MockOAuth, MockUpstream};
use http_body_util::{BodyExt, Full};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use crate::{Colours, Connected, Face, puppet::Puppet};

/// The smallest screen that must do, and a large one.
pub(crate) const SIZES: [(usize, usize); 2] = [(80, 24), (160, 50)];

/// The moment at which every test begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(crate) struct Stage {
    pub(crate) mock: MockUpstream,
    pub(crate) oauth: MockOAuth,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) clock: Arc<ManualClock>,
    gateway: Gateway,
    face: Puppet,
    // Dropped last: the face's tasks run on it.
    runtime: Runtime,
}

impl Stage {
    /// A face of this size over a gateway with these accounts; each one's key is its name.
    pub(crate) fn with(size: (usize, usize), accounts: &[&str]) -> Self {
        let own = |config: MockConfig, name: &&str| config.key(*name, KeyConfig::organization(format!("org-{name}")));
        let config = accounts.iter().fold(MockConfig::default(), own);
        Self::set(size, accounts, MockConfig { other_keys: KeyConfig::organization(""), ..config }, Colours::True)
    }

    /// The same with an upstream of another making, on a terminal of so many colours.
    pub(crate) fn set(size: (usize, usize), accounts: &[&str], config: MockConfig, colours: Colours) -> Self {
        Self::built(size, accounts, config, colours, GatewayOptions::default(), Some(Vec::new()))
    }

    /// A face without accounts over a gateway of another making.
    pub(crate) fn with_options(size: (usize, usize), options: GatewayOptions) -> Self {
        Self::built(size, &[], MockConfig::default(), Colours::True, options, Some(Vec::new()))
    }

    /// A face over a gateway whose settings name these receivers.
    pub(crate) fn with_webhooks(size: (usize, usize), hooks: Vec<WebhookView>) -> Self {
        Self::built(size, &[], MockConfig::default(), Colours::True, GatewayOptions::default(), Some(hooks))
    }

    /// A face over a gateway within a program that has settings of its own.
    pub(crate) fn without_settings(size: (usize, usize)) -> Self {
        Self::built(size, &[], MockConfig::default(), Colours::True, GatewayOptions::default(), None)
    }

    fn built(
        size: (usize, usize),
        accounts: &[&str],
        config: MockConfig,
        colours: Colours,
        mut options: GatewayOptions,
        webhooks: Option<Vec<WebhookView>>,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let clock = Arc::new(ManualClock::new(START));
        let (mock, oauth, gateway) = runtime.block_on(async {
            let (mock, oauth) = (MockUpstream::start(config).await, MockOAuth::start(28_800).await.expect("a port"));
            options.upstream_base_url = Some(mock.url().parse().expect("the mock has a URL"));
            let builder = Gateway::builder(Arc::new(RedbStore::in_memory())).options(options);
            let builder = builder.clock(Arc::clone(&clock) as Arc<dyn Clock>).authorization_servers(servers(&oauth));
            let builder =
                builder.settings(webhooks.map(|webhooks| Arc::new(Told { set: Mutex::default(), webhooks }) as _));
            (mock, oauth, builder.build().await.expect("an empty store opens"))
        });
        let control = gateway.control();
        for name in accounts {
            let new = NewAccount::with_key(name, Secret::new(name));
            runtime.block_on(control.add_account(new)).expect("a new account");
            // Table order is the order of ids, and ids follow the clock.
            clock.advance(Duration::from_millis(1));
        }
        let works_on = Arc::clone(&control);
        let face = Face {
            colours,
            place: "stage".to_owned(),
            connect: Box::pin(async move {
                Ok(Connected { control: works_on, place: "127.0.0.1:8080".to_owned(), note: None })
            }),
            browse: None,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let face = Puppet::open(face, size, runtime.handle());
        Self { mock, oauth, control, clock, gateway, face, runtime }
    }

    /// Does something with what is behind the face.
    pub(crate) fn behind<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Sends a request through the gateway and reads its whole answer; the status.
    pub(crate) fn ask(&self, model: &str) -> u16 {
        self.ask_with(model, &[])
    }

    /// The same with headers.
    pub(crate) fn ask_with(&self, model: &str, headers: &[(&str, &str)]) -> u16 {
        let body = serde_json::json!({
            "model": model, "max_tokens": 64, "messages": [{ "role": "user", "content": "Hello" }],
        });
        let request = http::Request::post("/v1/messages").header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::new(Bytes::from(body.to_string()))).expect("a request");
        let line = self.gateway.line();
        self.behind(async move {
            let answer = line.oneshot(request).await.expect("never fails");
            let status = answer.status().as_u16();
            answer.into_body().collect().await.expect("a whole body");
            status
        })
    }

    pub(crate) fn account(&self, name: &str) -> Option<AccountView> {
        let accounts = self.behind(self.control.accounts()).expect("accounts");
        accounts.into_iter().find(|account| account.name == name)
    }

    pub(crate) fn requests(&self) -> Vec<RequestView> {
        self.requests_in_all(50)
    }

    /// So many of the newest.
    pub(crate) fn requests_in_all(&self, limit: usize) -> Vec<RequestView> {
        self.behind(self.control.requests(RequestPageQuery::newest(limit))).expect("requests").requests
    }

    /// Lets time pass, as far as the face and the gateway see it.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.clock.advance(time);
    }
}

impl std::ops::Deref for Stage {
    type Target = Puppet;

    fn deref(&self) -> &Puppet {
        &self.face
    }
}

impl std::ops::DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Puppet {
        &mut self.face
    }
}

/// Settings that are as they were set.
#[derive(Debug)]
struct Told {
    set: Mutex<BTreeMap<String, String>>,
    webhooks: Vec<WebhookView>,
}

#[async_trait]
impl SettingsControl for Told {
    async fn settings(&self) -> Result<SettingsView, ControlError> {
        let set = self.set.lock().expect("not poisoned");
        let setting = |key: &str, live: bool, secret: bool| SettingView {
            key: key.to_owned(),
            value: set.get(key).filter(|_| !secret).cloned(),
            default: Some("5h".to_owned()),
            origin: if set.contains_key(key) { "file" } else { "default" }.to_owned(),
            place: set.contains_key(key).then(|| "line 1".to_owned()),
            pending: None,
            live,
            secret,
            variables: vec![format!("CCFLARE_{}", key.to_uppercase())],
            about: format!("the {} of the stage", key.replace('_', " ")),
        };
        let settings = vec![
            setting("session_duration", true, false),
            setting("listen", false, false),
            setting("admin_token", false, true),
        ];
        Ok(SettingsView {
            version: set.len().to_string(),
            file: Some("/etc/ccflare.toml".to_owned()),
            settings,
            webhooks: self.webhooks.clone(),
        })
    }

    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError> {
        let now = self.settings().await?.version;
        assert!(edit.version.is_none_or(|version| version == now), "an edit is for what was shown");
        for (key, value) in edit.set {
            let mut set = self.set.lock().expect("not poisoned");
            match value {
                Some(value) if value == "nonsense" => {
                    return Err(ControlError::Invalid(format!("{key}: {value:?} is no duration, such as 5h")));
                }
                Some(value) => drop(set.insert(key, value)),
                None => drop(set.remove(&key)),
            }
        }
        self.settings().await
    }

    async fn reload_settings(&self) -> Result<ReloadView, ControlError> {
        Ok(ReloadView { changed: vec!["listen".to_owned()], ..ReloadView::default() })
    }
}

fn servers(oauth: &MockOAuth) -> AuthorizationServers {
    let url = |text: &str| text.parse().expect("a URL");
    let redirect = url("https://login.example/shows-the-code");
    let (authorize, token) = (url(&oauth.authorize_url()), url(&oauth.token_url()));
    let mut server = AuthorizationServer::new("mock", authorize, token, "our-own-client", redirect);
    server.token_format = TokenFormat::Form;
    AuthorizationServers::new([server])
}
