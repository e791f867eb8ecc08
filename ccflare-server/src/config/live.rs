//! The settings of a running server: shown with their origin, changed in the file, read anew.
//!
//! A reading is taken over whole or not at all. Live settings are in effect from then on; of the others it is known that
//! they wait for a restart.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use async_trait::async_trait;
use ccflare_core::{
    control::{
        ControlError, SettingsControl,
        views::{ReloadView, SettingView, SettingsEdit, SettingsView},
    },
    live::{Live, LiveOptions},
    record::{EventKind, Events},
};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{Config, ConfigError, Origin, SETTINGS, Setting, Sources, edit, file};
use crate::{logging, webhooks::Webhook};

/// Reads, shows and changes the settings of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    shared: Arc<Shared>,
}

struct Shared {
    sources: Arc<Sources>,
    live: Live,
    webhooks: watch::Sender<Vec<Webhook>>,
    events: OnceLock<Events>,
    state: Mutex<State>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("sources", &self.sources).finish_non_exhaustive()
    }
}

/// What the server was started with, and what was read last.
struct State {
    running: Config,
    latest: Config,
}

impl LiveConfig {
    /// The settings that a server starts with, read from `sources`.
    #[must_use]
    pub fn new(config: Config, sources: Arc<Sources>) -> Self {
        let live = Live::new(LiveOptions::from(&config.gateway));
        let webhooks = watch::Sender::new(config.webhooks.clone());
        let state = Mutex::new(State { running: config.clone(), latest: config });
        Self { shared: Arc::new(Shared { sources, live, webhooks, events: OnceLock::new(), state }) }
    }

    /// Tells what changes to whoever listens to these events, too. The first ones stay.
    pub fn tell(&self, events: Events) {
        let _ = self.shared.events.set(events);
    }

    /// Who is told what happens, now and whenever that changes.
    #[must_use]
    pub fn webhooks(&self) -> watch::Receiver<Vec<Webhook>> {
        self.shared.webhooks.subscribe()
    }

    /// What the line takes its live settings from.
    #[must_use]
    pub fn live(&self) -> Live {
        self.shared.live.clone()
    }

    /// Where they are read from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.shared.sources
    }

    /// Reads everything anew. Blocks on the file.
    ///
    /// # Errors
    /// What is wrong and where; then everything stays as it was.
    pub fn reload(&self) -> Result<ReloadView, ConfigError> {
        let mut state = self.state();
        let latest = self.shared.sources.read().inspect_err(|error| {
            self.emit(&[], &[], Some(error));
        })?;
        Ok(self.adopt(&mut state, latest))
    }

    /// All settings as they are.
    #[must_use]
    pub fn view(&self) -> SettingsView {
        self.state().view(self.sources())
    }

    fn change(&self, wanted: &SettingsEdit) -> Result<SettingsView, ControlError> {
        let mut state = self.state();
        let version = state.view(self.sources()).version;
        if wanted.version.as_ref().is_some_and(|wanted| *wanted != version) {
            let message =
                format!("the settings have changed meanwhile (they are at version {version} now); look again");
            return Err(ControlError::Stale(message));
        }
        let changes = wanted.set.iter().map(|(key, value)| Ok((known(key)?, value.as_deref())));
        let changes = changes.collect::<Result<Vec<_>, ControlError>>()?;
        let sources = self.sources();
        let text = sources.text().map_err(refused)?.unwrap_or_default();
        let text = edit::apply(&text, &changes).map_err(refused)?;
        let latest = sources.with(Some(&text)).map_err(refused)?;
        for (setting, value) in changes {
            if let (Some(_), Some((_, origin @ (Origin::Flag | Origin::Environment(_))))) =
                (value, latest.given.get(setting.key))
            {
                let message =
                    format!("{} is set by {origin}, which goes before the file; take it away there", setting.key);
                return Err(ControlError::Conflict(message));
            }
        }
        edit::write(sources.file(), &text)
            .map_err(|error| ControlError::Unavailable(format!("can't write {}: {error}", sources.file().display())))?;
        self.adopt(&mut state, latest);
        Ok(state.view(sources))
    }

    fn adopt(&self, state: &mut State, mut latest: Config) -> ReloadView {
        Webhook::go_on(&mut latest.webhooks, &state.latest.webhooks);
        let (changed, restart) = (changes(&state.latest, &latest, true), changes(&state.running, &latest, false));
        let news: Vec<_> = changes(&state.latest, &latest, false).into_iter().chain(changed.iter().cloned()).collect();
        if latest.log_level != state.latest.log_level {
            logging::set_level(&latest.log_level);
        }
        self.shared.live.replace(LiveOptions::from(&latest.gateway));
        if changed.iter().any(|key| key == WEBHOOKS) {
            self.shared.webhooks.send_replace(latest.webhooks.clone());
        }
        state.latest = latest;
        self.emit(&news, &restart, None);
        tracing::info!(?changed, needs_restart = ?restart, "the settings were read anew");
        ReloadView { changed, restart, version: state.view(self.sources()).version }
    }

    /// Names alone: values may be secret.
    fn emit(&self, changed: &[String], restart: &[String], error: Option<&ConfigError>) {
        let Some(events) = self.shared.events.get() else { return };
        let names = |keys: &[String]| keys.iter().map(|key| key.as_str().into()).collect();
        let error = error.map(|error| error.to_string().into());
        events.emit(EventKind::Config { changed: names(changed), needs_restart: names(restart), error });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done: the state is replaced whole.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, ControlError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.map_err(|error| ControlError::Unavailable(error.to_string()))?
    }
}

/// The receivers of events, which are a table of their own.
const WEBHOOKS: &str = "webhooks";

/// The names of settings that are not the same: of those that count at once, or of those that wait for a restart.
fn changes(before: &Config, after: &Config, live: bool) -> Vec<String> {
    let differs =
        |setting: &&Setting| setting.live == live && before.effective(setting.key) != after.effective(setting.key);
    let mut changed: Vec<_> = SETTINGS.iter().filter(differs).map(|setting| setting.key.to_owned()).collect();
    // Tables of their own. There is nothing secret in the servers' `Debug`.
    if live && before.webhooks != after.webhooks {
        changed.push(WEBHOOKS.to_owned());
    }
    if !live && format!("{:?}", before.servers) != format!("{:?}", after.servers) {
        changed.push("oauth".to_owned());
    }
    changed
}

fn refused(error: ConfigError) -> ControlError {
    ControlError::Invalid(error.to_string())
}

fn known(key: &str) -> Result<&'static Setting, ControlError> {
    let setting = Setting::of(key).ok_or_else(|| {
        let hint = file::nearest(key, SETTINGS.iter().map(|setting| setting.key));
        ControlError::NotFound(format!("there is no setting {key}; {hint}"))
    })?;
    if setting.is_secret() {
        let variable = setting.env[0];
        let message = format!("{key} is a secret: write it into the file yourself, or set {variable}");
        return Err(ControlError::Invalid(message));
    }
    Ok(setting)
}

impl State {
    fn view(&self, sources: &Sources) -> SettingsView {
        let settings: Vec<_> = SETTINGS.iter().map(|setting| self.setting(setting)).collect();
        let text = serde_json::to_vec(&settings).unwrap_or_default();
        let version = Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let webhooks = self.latest.webhooks.iter().map(Webhook::view).collect();
        SettingsView { version, file: Some(sources.file().display().to_string()), settings, webhooks }
    }

    fn setting(&self, setting: &Setting) -> SettingView {
        let key = setting.key;
        let (running, latest) = (self.running.effective(key), self.latest.effective(key));
        let waits = !setting.live && running != latest;
        let (config, value) = if waits { (&self.running, running) } else { (&self.latest, latest.clone()) };
        let origin = config.given.get(key).map(|(_, origin)| origin);
        let pending = waits.then(|| latest.unwrap_or_default());
        let secret = self.running.given.is_secret(setting) || self.latest.given.is_secret(setting);
        let hide = |text: Option<String>| if secret { None } else { text };
        SettingView {
            key: key.to_owned(),
            value: hide(value),
            default: setting.default().map(str::to_owned),
            origin: origin.map_or("default", Origin::kind).to_owned(),
            place: origin.and_then(Origin::place),
            pending: pending.map(|text| if secret { "(another)".to_owned() } else { text }),
            live: setting.live,
            secret,
            variables: setting.env.iter().map(|name| (*name).to_owned()).collect(),
            about: setting.about.to_owned(),
        }
    }
}

#[async_trait]
impl SettingsControl for LiveConfig {
    async fn settings(&self) -> Result<SettingsView, ControlError> {
        Ok(self.view())
    }

    async fn change_settings(&self, edit: SettingsEdit) -> Result<SettingsView, ControlError> {
        self.blocking(move |this| this.change(&edit)).await
    }

    async fn reload_settings(&self) -> Result<ReloadView, ControlError> {
        self.blocking(|this| this.reload().map_err(refused)).await
    }
}
