//! Settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All settings as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingsView {
    /// Changes whenever a setting does; an edit can be bound to it.
    pub version: String,
    /// The configuration file, whether it is there or not.
    pub file: Option<String>,
    /// One by one, in the order in which they are documented.
    pub settings: Vec<SettingView>,
    /// Who is told what happens.
    #[serde(default)]
    pub webhooks: Vec<WebhookView>,
}

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookView {
    /// The machine that it is at. The rest of its address may be a secret.
    pub host: String,
    /// The types of events that it is told.
    pub events: Vec<String>,
    /// How many events it has taken since the server was started.
    #[serde(default)]
    pub delivered: u64,
    /// How many it has not taken, and will not be told again.
    #[serde(default)]
    pub given_up: u64,
    /// What has become of the last one that was sent.
    #[serde(default)]
    pub last: Option<DeliveryView>,
}

/// What has become of an event that was sent to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    /// When it was answered, or not.
    pub at: String,
    /// The event's type.
    pub event: String,
    /// `delivered`; `retrying`, which is sent again; or `given_up`.
    pub outcome: String,
    /// How often it has been sent.
    pub tries: u32,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingView {
    /// Its name in the file.
    pub key: String,
    /// What is in effect, as it would be written; `null` if it is not set, or secret.
    pub value: Option<String>,
    /// What would be in effect if nobody said anything.
    pub default: Option<String>,
    /// `flag`, `environment`, `file`, `stored` or `default`.
    pub origin: String,
    /// The variable, or the line of the file, that it comes from.
    pub place: Option<String>,
    /// What will be in effect after a restart, if that is something else. Of a secret only that it will change.
    pub pending: Option<String>,
    /// Whether a change takes effect at once; else it takes a restart.
    pub live: bool,
    /// Whether its value is never shown.
    pub secret: bool,
    /// The environment variables that set it; the first that is set counts.
    pub variables: Vec<String>,
    /// What it is.
    pub about: String,
}

/// Settings to be changed together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsEdit {
    /// What to write, as it stands in the file; `null` takes a setting out of the file.
    pub set: BTreeMap<String, Option<String>>,
    /// The version of the settings that this is meant for; any, if not given.
    #[serde(default)]
    pub version: Option<String>,
}

impl SettingsEdit {
    /// Changes this one.
    #[must_use]
    pub fn of(key: &str, value: &str) -> Self {
        Self { set: BTreeMap::from([(key.to_owned(), Some(value.to_owned()))]), version: None }
    }
}

/// What reading the settings anew has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReloadView {
    /// The settings that are in effect otherwise than before.
    pub changed: Vec<String>,
    /// The settings that differ from what is in effect and take a restart.
    pub restart: Vec<String>,
    /// The version of the settings now.
    pub version: String,
}
