//! The settings.

use ccflare_core::control::views::{SettingView, SettingsEdit, SettingsView, StrategyView, WebhookView};

use super::{Act, Answers, Effect, Form, Item, Kind, Model, Purpose, Shelf, shelf::any_says};
use crate::keys::Command;

/// The settings as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) shelf: Shelf<SettingView>,
    pub(crate) file: Option<String>,
    /// Why there are none.
    pub(crate) trouble: Option<String>,
    /// Who is told what happens.
    pub(crate) webhooks: Vec<WebhookView>,
    /// The strategy that decides, and those it can be changed for.
    pub(crate) strategy: Option<StrategyView>,
    /// The version that is shown; an edit of another one is refused.
    version: String,
}

impl Item for SettingView {
    fn id(&self) -> &str {
        &self.key
    }

    fn says(&self, needle: &str) -> bool {
        any_says(needle, &[Some(&self.key), Some(&self.about), Some(&self.origin), self.value.as_deref()])
    }
}

impl Settings {
    pub(crate) fn learn(&mut self, view: SettingsView) {
        self.trouble = None;
        self.shelf.put(view.settings);
        (self.file, self.webhooks, self.version) = (view.file, view.webhooks, view.version);
    }

    /// Changes one setting of those that are shown.
    pub(crate) fn edit(&self, key: &str, value: Option<String>) -> Act {
        Act::Settings(SettingsEdit { set: [(key.to_owned(), value)].into(), version: Some(self.version.clone()) })
    }
}

impl Model {
    pub(crate) fn obey_in_settings(&mut self, command: Command) -> Vec<Effect> {
        if self.settings.shelf.obey(command, self.size.1 / 2) {
            return Vec::new();
        }
        let chosen = self.settings.shelf.chosen().cloned();
        match (command, chosen) {
            (Command::Reload, _) => self.act(Act::Reload),
            (Command::Strategy, _) => self.ask_for_strategy(),
            (Command::Open, Some(setting)) => self.ask_for_value(&setting),
            (Command::Unset, Some(setting)) => self.act(self.settings.edit(&setting.key, None)),
            _ => Vec::new(),
        }
    }

    fn ask_for_strategy(&mut self) -> Vec<Effect> {
        let Some(StrategyView { strategy, strategies }) = self.settings.strategy.clone() else { return Vec::new() };
        let at = strategies.iter().position(|name| *name == strategy).unwrap_or(0);
        let says =
            strategies.iter().map(|name| format!("{name}: {}", about_strategy(name))).collect::<Vec<_>>().join("\n");
        let form = Form::of_one(
            "How accounts are chosen".to_owned(),
            "Strategy",
            Kind::Choice(strategies, at),
            Purpose::Strategy,
        );
        self.ask(Form { says, ..form })
    }

    fn ask_for_value(&mut self, setting: &SettingView) -> Vec<Effect> {
        let kind = if setting.secret { Kind::Secret } else { Kind::Text(setting.value.clone().unwrap_or_default()) };
        let when = if setting.live { "It takes effect at once." } else { "It takes effect at the next start." };
        let purpose = Purpose::Setting { key: setting.key.clone() };
        let form = Form::of_one(setting.key.clone(), "Value", kind, purpose);
        let says = format!("{}. {when}", capital(&setting.about));
        self.ask(Form { says, submit: "Write", ..form })
    }

    pub(crate) fn set(&self, key: &str, answers: &Answers) -> Act {
        self.settings.edit(key, Some(answers.at(0).to_owned()))
    }
}

/// What a strategy does, in a line.
pub(crate) fn about_strategy(name: &str) -> &'static str {
    match name {
        "session" => "one account for everybody until its window ends or it closes",
        "conversation" => "each conversation keeps its account; new ones go where the most room is",
        _ => "one of this installation's own",
    }
}

/// The text with a capital at its beginning.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
