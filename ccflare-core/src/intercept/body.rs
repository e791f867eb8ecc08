//! One pass over a body: what it says of itself, borrowed from it.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::text::{Raw, instructions_directory, working_directory};

/// So many messages are searched for the workspace: after a compaction it stands in the fifth.
const SEARCHED: usize = 16;

/// What a body says of itself, as far as it was read. A body that breaks says what it said before.
#[derive(Default)]
pub(super) struct Sight<'a> {
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) stream: Option<bool>,
    /// `metadata.user_id`.
    pub(super) user: Option<Cow<'a, str>>,
    pub(super) system: System<'a>,
    /// The first message.
    pub(super) opening: Option<Opening<'a>>,
    /// The tools, as they stand; `None` if there are none.
    pub(super) tools: Option<&'a str>,
    pub(super) workspace: Option<Raw<'a>>,
    /// The directory whose instructions it quotes; counts only if no workspace is named anywhere.
    quoted: Option<Raw<'a>>,
    /// Whether the assistant has spoken in it.
    pub(super) answered: bool,
    /// Whether it was read to its end.
    pub(super) whole: bool,
}

/// The system prompt.
#[derive(Default)]
pub(super) struct System<'a> {
    pub(super) first: Option<Raw<'a>>,
    pub(super) last: Option<Raw<'a>>,
    /// The hash of all of it but the first block, if that is Claude Code's line for billing: it differs between
    /// conversations with the same cache.
    pub(super) hash: u128,
    /// Whether something in it is to be cached for an hour.
    pub(super) hour_cache: bool,
    workspace: Option<Raw<'a>>,
}

/// How a conversation begins.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    /// The hash of its text; marks for the cache, which move from turn to turn, are not in it.
    pub(super) hash: u128,
    /// Its last text.
    pub(super) last: Option<Raw<'a>>,
}

/// How far to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Until model and first message are known: in Claude Code's bodies that is the beginning.
    Opening,
    /// To the end.
    End,
}

/// Reads `body`. One that is no JSON object says nothing.
pub(super) fn look(body: &[u8], until: Until) -> Sight<'_> {
    let mut sight = Sight::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    // Reading breaks off with an error once enough is known, so the result says little.
    let read = (&mut json).deserialize_map(Top { sight: &mut sight, until });
    sight.whole = read.is_ok() && json.end().is_ok();
    sight
}

/// Text that is borrowed where it has no escapes; serde's own `Cow` always copies.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

struct Top<'s, 'a> {
    sight: &'s mut Sight<'a>,
    until: Until,
}

impl<'a> Visitor<'a> for Top<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { sight, until } = self;
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match &*key.0 {
                "model" if sight.model.is_none() => sight.model = Some(map.next_value::<Text<'a>>()?.0),
                "stream" => sight.stream = map.next_value::<&RawValue>()?.get().parse().ok(),
                "metadata" => {
                    sight.user =
                        map.next_value::<Lenient<Metadata<'a>>>()?.0.and_then(|found| found.user_id).map(|user| user.0)
                }
                "system" => sight.system = system(map.next_value()?),
                "tools" => {
                    let tools = map.next_value::<&RawValue>()?.get();
                    sight.tools = (tools.len() > "[]".len() && tools.starts_with('[')).then_some(tools);
                }
                "messages" => map.next_value_seed(Messages { sight, until })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if until == Until::Opening && sight.model.is_some() && sight.opening.is_some() {
                return Err(A::Error::custom("enough is known"));
            }
        }
        sight.workspace = sight.workspace.or(sight.system.workspace).or(sight.quoted);
        Ok(())
    }
}

/// A value of the expected shape, or nothing.
struct Lenient<T>(Option<T>);

impl<'a, T: Deserialize<'a>> Deserialize<'a> for Lenient<T> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(value.get()).ok()))
    }
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    user_id: Option<Text<'a>>,
}

struct Messages<'s, 'a> {
    sight: &'s mut Sight<'a>,
    until: Until,
}

impl<'a> DeserializeSeed<'a> for Messages<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a> Visitor<'a> for Messages<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("messages")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { sight, until } = self;
        let Some(first) = seq.next_element::<Message<'a>>()? else { return Ok(()) };
        sight.opening = Some(opening(&first, sight));
        if until == Until::Opening {
            if sight.model.is_some() {
                return Err(A::Error::custom("enough is known"));
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut count = 1;
        while count < SEARCHED && (sight.workspace.is_none() || !sight.answered) {
            let Some(message) = seq.next_element::<Message<'a>>()? else { break };
            sight.answered |= message.role == Some("assistant");
            if let Some(content) = message.content.filter(|_| message.role != Some("assistant")) {
                blocks(content, |_, text, _| search(message.role, text, sight));
            }
            count += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Option<&'a str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// One block of a system prompt or a message.
#[derive(Deserialize)]
struct Block<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a str>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
}

/// Gives `each` the blocks of a content, which may be a text alone.
fn blocks<'a>(content: &'a RawValue, mut each: impl FnMut(Option<&'a str>, Option<Raw<'a>>, Option<&'a RawValue>)) {
    if let Some(text) = Raw::of(content) {
        return each(Some("text"), Some(text), None);
    }
    struct Blocks<F>(F);
    impl<'a, F: FnMut(Option<&'a str>, Option<Raw<'a>>, Option<&'a RawValue>)> Visitor<'a> for Blocks<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("blocks")
        }

        fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(Block { kind, text, cache_control }) = seq.next_element()? {
                (self.0)(kind, text.and_then(Raw::of), cache_control);
            }
            Ok(())
        }
    }
    // Blocks of another shape say nothing; those before them do.
    let _ = serde_json::Deserializer::from_str(content.get()).deserialize_seq(Blocks(&mut each));
}

/// Claude Code's line for billing, in front of the prompt.
const BILLING: &str = "x-anthropic-billing-header:";

fn system(content: &RawValue) -> System<'_> {
    let (mut system, mut hash) = (System::default(), Xxh3::new());
    blocks(content, |_, text, cache_control| {
        let Some(text) = text else { return };
        let is_billing = system.first.is_none() && text.begins_with(BILLING);
        if !is_billing {
            hash.update(text.as_str().as_bytes());
            hash.update(b"\n\n");
        }
        system.first.get_or_insert(text);
        system.last = Some(text);
        system.workspace = system.workspace.or_else(|| working_directory(text));
        system.hour_cache |= cache_control.is_some_and(|mark| mark.get().contains("\"1h\""));
    });
    system.hash = hash.digest128();
    system
}

/// Reads the first message: what the conversation begins with, and where the client works.
fn opening<'a>(message: &Message<'a>, sight: &mut Sight<'a>) -> Opening<'a> {
    let (mut hash, mut last) = (Xxh3::new(), None);
    if let Some(content) = message.content {
        blocks(content, |kind, text, _| {
            hash.update(text.map_or(kind.unwrap_or_default(), Raw::as_str).as_bytes());
            hash.update(b"\n\n");
            last = text.or(last);
            search(message.role, text, sight);
        });
    }
    Opening { hash: hash.digest128(), last }
}

/// Looks for the workspace in what the client itself has put into a message: its words about the environment, and the
/// instructions that it quotes. Never in what tools or people said.
fn search<'a>(role: Option<&str>, text: Option<Raw<'a>>, sight: &mut Sight<'a>) {
    let Some(text) = text.filter(|_| sight.workspace.is_none()) else { return };
    if role == Some("system") || text.begins_with("<system-reminder>") || text.begins_with("# Environment") {
        sight.workspace = working_directory(text);
        sight.quoted = sight.quoted.or_else(|| instructions_directory(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_model_is_found_wherever_it_stands_and_nowhere_else() {
        for (body, model) in [
            (r#"{"model":"a","messages":[]}"#, Some("a")),
            (r#"{"messages":[{"model":"inner"}],"model":"a"}"#, Some("a")),
            (r#" { "model" : "a\u002db" } "#, Some("a-b")),
            (r#"{"model":"a" and then it breaks"#, Some("a")),
            (r#"{"messages":[{"model":"inner"}]}"#, None),
            (r#"{"model":7}"#, None),
            (r#"["model","a"]"#, None),
            ("not json", None),
            ("", None),
        ] {
            for until in [Until::Opening, Until::End] {
                assert_eq!(look(body.as_bytes(), until).model.as_deref(), model, "{body}");
            }
        }
    }

    #[test]
    fn a_beginning_is_the_same_in_every_turn_and_however_far_one_reads() {
        let first =
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{}}]}]}"#;
        let second = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]},
            {"role":"assistant","content":"ho"}],"model":"m"}"#;
        let other = r#"{"model":"m","messages":[{"role":"user","content":"hi you"}]}"#;
        let hash = |body: &str, until| look(body.as_bytes(), until).opening.map(|opening| opening.hash);
        assert_eq!(hash(first, Until::Opening), hash(second, Until::End));
        assert_eq!(hash(first, Until::End), hash(second, Until::Opening));
        assert_ne!(hash(first, Until::End), hash(other, Until::End));
        assert!(look(second.as_bytes(), Until::End).answered);
    }
}
