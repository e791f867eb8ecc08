//! Client keys, and what operators changed.

use ccflare_core::control::views::{AuditView, ClientKeyView, NewClientKey, NewKeyView};

use super::{Act, Effect, Form, Item, Kind, Model, Offer, Purpose, Shelf, Topic, shelf::any_says};
use crate::{keys::Command, theme::Role};

/// The keys, and the latest changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientKeys {
    pub(crate) shelf: Shelf<ClientKeyView>,
    pub(crate) changes: Vec<AuditView>,
}

impl Item for ClientKeyView {
    fn id(&self) -> &str {
        &self.id
    }

    fn says(&self, needle: &str) -> bool {
        any_says(needle, &[Some(&self.name), Some(&self.state)])
    }
}

impl Model {
    pub(crate) fn obey_in_keys(&mut self, command: Command) -> Vec<Effect> {
        if self.client_keys.shelf.obey(command, self.size.1 / 2) {
            return Vec::new();
        }
        if command == Command::AddKey {
            let kind = Kind::Text(String::new());
            let form = Form::of_one("Make a client key".to_owned(), "Name", kind, Purpose::MakeKey);
            return self
                .ask(Form { says: "It opens every account and model, until it is revoked.".to_owned(), ..form });
        }
        let Some(ClientKeyView { id, name, .. }) = self.client_keys.shelf.chosen().cloned() else {
            self.say(Role::Muted, "there is no client key yet: a makes one");
            return Vec::new();
        };
        let (title, says, submit) = match command {
            Command::Remove => ("Revoke", "It opens nothing from the next request on.", "Revoke"),
            Command::Renew => {
                ("Exchange", "A new key takes its place; the old one opens nothing any more.", "Exchange")
            }
            _ => return Vec::new(),
        };
        let kind = Kind::Text(String::new());
        let purpose = Purpose::EndKey { id, name: name.clone(), renew: command == Command::Renew };
        let form = Form::of_one(format!("{title} {name}"), "Name", kind, purpose);
        self.ask(Form { says: format!("{says} To do it, type its name: {name}"), submit, ..form })
    }

    /// A key was made: it is shown this once.
    pub(crate) fn key_made(&mut self, made: &NewKeyView) -> Vec<Effect> {
        self.topics.forget(Topic::Keys);
        let mut effects = self.due();
        if std::mem::take(&mut self.asking) {
            effects.push(Effect::Close);
        }
        let key = made.key.expose();
        let form = Form {
            title: format!("The key of {}", made.client_key.name),
            says: format!("It is not shown again.\n\n{key}"),
            fields: Vec::new(),
            submit: "Done",
            offers: vec![Offer::Copy(key.to_owned())],
            purpose: Purpose::Seen,
        };
        effects.extend(self.ask(form));
        effects
    }
}

/// What a form about a key asks for.
pub(super) fn act(purpose: Purpose, answer: &str) -> Result<Act, String> {
    match purpose {
        Purpose::MakeKey => Ok(Act::MakeKey(NewClientKey { name: answer.to_owned(), ..NewClientKey::default() })),
        Purpose::EndKey { name, .. } if name != answer => Err(format!("type exactly this name: {name}")),
        Purpose::EndKey { id, renew: true, .. } => Ok(Act::RotateKey(id)),
        Purpose::EndKey { id, name, .. } => Ok(Act::RevokeKey { id, name }),
        _ => Err("nothing is to be done about that".to_owned()),
    }
}
