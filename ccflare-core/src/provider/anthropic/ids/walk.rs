//! Runs over a JSON body and picks up the ids that stand where the API looks for them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// So many ids of one body are looked at; they all have to live on one account anyway.
const MOST: usize = 64;

/// What was found, each with how much it binds.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<(Binding, Box<str>)>);

/// How much an id binds its request to its account; the first the most. A file could have been copied, a container not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Container,
    Thread,
    Thing,
}

impl Found {
    /// What stands in `body`. If that is no JSON, what stands in front of where it breaks.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut found = Self::default();
        let walk = Walk { found: &mut found, place: Place::Elsewhere };
        // How it ends changes nothing about what was found.
        let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(body));
        found
    }

    /// The ids, each once, the most binding first.
    pub(super) fn into_ids(mut self) -> Vec<Box<str>> {
        self.0.sort_by_key(|(binding, _)| *binding);
        let mut ids: Vec<Box<str>> = Vec::new();
        for (_, id) in self.0 {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn push(&mut self, binding: Binding, id: &str) {
        if self.0.len() < MOST && super::is_id(id) {
            self.0.push((binding, id.into()));
        }
    }
}

/// What a value is, by the key it stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An id, or a list of ids.
    Id(Binding),
    /// An id, or an object that has one.
    Thing(Binding),
    /// A skill's id, of which some are everybody's.
    Skill,
    /// Text of people and models, or a schema: whatever stands there means nothing to the API.
    Foreign,
    /// Anything else, to be looked through.
    Elsewhere,
}

fn place(key: &str) -> Place {
    match key {
        "container" => Place::Thing(Binding::Container),
        "previous_message_id" => Place::Id(Binding::Thread),
        "agent" | "environment" => Place::Thing(Binding::Thing),
        "file_id" | "file_ids" | "agent_id" | "environment_id" | "session_id" | "vault_id" | "vault_ids"
        | "memory_store_id" | "deployment_id" | "user_profile_id" => Place::Id(Binding::Thing),
        "skill_id" => Place::Skill,
        "input" | "input_schema" | "tools" | "metadata" | "text" | "thinking" | "data" => Place::Foreign,
        _ => Place::Elsewhere,
    }
}

struct Walk<'a> {
    found: &'a mut Found,
    place: Place,
}

impl Walk<'_> {
    fn text(self, text: &str) {
        match self.place {
            Place::Id(binding) | Place::Thing(binding) => self.found.push(binding, text),
            Place::Skill if super::is_skill(text) => self.found.push(Binding::Thing, text),
            Place::Skill | Place::Foreign | Place::Elsewhere => {}
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.place == Place::Foreign {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Walk { found, place } = self;
        while list.next_element_seed(Walk { found: &mut *found, place })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Walk { found, place: outer } = self;
        while let Some(Key(key)) = map.next_key()? {
            let inner = match outer {
                Place::Thing(binding) if key == "id" => Place::Id(binding),
                _ => place(&key),
            };
            map.next_value_seed(Walk { found: &mut *found, place: inner })?;
        }
        Ok(())
    }
}

/// Borrowed where it has no escapes; serde's own `Cow` always copies.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
