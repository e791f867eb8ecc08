//! One pass over a body: what it says of itself, borrowed from it.

use std::borrow::Cow;

use memchr::memmem;
use xxhash_rust::xxh3::Xxh3;

use super::text::{Raw, instructions_directory, working_directory};
use crate::{
    domain::is_model_name,
    json::{self, Reader, Stop},
};

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
    pub(super) tools: Option<&'a [u8]>,
    pub(super) workspace: Option<Raw<'a>>,
    /// The one that a reminder names, where there is no message of the system.
    reminded: Option<Raw<'a>>,
    /// The directory whose instructions it quotes; counts only if no workspace is named anywhere.
    quoted: Option<Raw<'a>>,
    /// Whether there are more messages than the first.
    pub(super) goes_on: bool,
    /// Whether the assistant has spoken in it.
    pub(super) answered: bool,
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
    /// Its last text, between its quotes.
    pub(super) last: Option<&'a [u8]>,
}

/// So much of each end of a long text goes into the hash of a beginning. It is made for every request of a conversation, and
/// has to tell it from the few others of its session.
const END: usize = 4 * 1024;

/// Adds a text to a hash: all of it, or both of its ends and its length.
fn mix(hash: &mut Xxh3, text: &[u8]) {
    match (text.first_chunk::<END>(), text.last_chunk::<END>()) {
        (Some(head), Some(tail)) if text.len() > 2 * END => {
            hash.update(head);
            hash.update(tail);
            hash.update(&text.len().to_le_bytes());
        }
        _ => hash.update(text),
    }
}

/// How far to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Until model and first message are known, and that there are more: in Claude Code's bodies that is the beginning.
    Opening,
    /// To the end.
    End,
}

/// Reads `body`. One that is no JSON object says nothing.
pub(super) fn look(body: &[u8], until: Until) -> Sight<'_> {
    let mut sight = Sight::default();
    // Reading stops once enough is known, and where the body breaks; either way it has said what it said.
    let _ = json::object(body, |key, value| sight.field(key, value, until));
    sight.workspace = sight.workspace.or(sight.system.workspace).or(sight.reminded).or(sight.quoted);
    sight
}

impl<'a> Sight<'a> {
    fn field(&mut self, key: &[u8], value: &mut Reader<'a>, until: Until) -> Result<(), Stop> {
        match key {
            b"model" if self.model.is_none() => {
                self.model = value.text()?.and_then(json::unescaped).filter(|name| is_model_name(name));
            }
            b"stream" => {
                self.stream = match value.value()? {
                    b"true" => Some(true),
                    b"false" => Some(false),
                    _ => None,
                }
            }
            b"metadata" => {
                value.object(|key, value| {
                    match key {
                        b"user_id" => self.user = value.text()?.and_then(json::unescaped),
                        _ => return value.skip(),
                    }
                    Ok(())
                })?;
            }
            b"system" => self.system = system(value)?,
            b"tools" => {
                let tools = value.value()?;
                self.tools = (tools.len() > b"[]".len() && tools.starts_with(b"[")).then_some(tools);
            }
            b"messages" => self.messages(value, until)?,
            _ => return value.skip(),
        }
        self.is_enough(until)
    }

    fn is_enough(&self, until: Until) -> Result<(), Stop> {
        let is_enough = until == Until::Opening && self.model.is_some() && self.opening.is_some() && self.goes_on;
        if is_enough { Err(Stop) } else { Ok(()) }
    }

    fn messages(&mut self, messages: &mut Reader<'a>, until: Until) -> Result<(), Stop> {
        let mut count = 0;
        messages.list(|message| {
            count += 1;
            if count == 2 {
                self.goes_on = true;
                self.is_enough(until)?;
            }
            let is_searched = until == Until::End && count <= SEARCHED && (self.workspace.is_none() || !self.answered);
            match count {
                1 => self.opening(message, until),
                _ if is_searched => self.later(message),
                _ => message.skip(),
            }
        })?;
        Ok(())
    }

    /// Reads the first message: what the conversation begins with, and where the client works.
    fn opening(&mut self, message: &mut Reader<'a>, until: Until) -> Result<(), Stop> {
        let (mut hash, mut last) = (Xxh3::new(), None);
        let role = read_message(message, |role, block| {
            mix(&mut hash, block.text.unwrap_or(block.kind));
            mix(&mut hash, block.source.unwrap_or_default());
            hash.update(b"\n\n");
            last = block.text.or(last);
            // Of a conversation that is known that is known, too.
            if until == Until::End {
                self.search(role, block.text.and_then(Raw::of));
            }
        })?;
        self.opening = role.map(|_| Opening { hash: hash.digest128(), last });
        Ok(())
    }

    fn later(&mut self, message: &mut Reader<'a>) -> Result<(), Stop> {
        let role = read_message(message, |role, block| {
            if role != Some(b"assistant") {
                self.search(role, block.text.and_then(Raw::of));
            }
        })?;
        self.answered |= role == Some(Some(b"assistant"));
        Ok(())
    }

    /// Looks for the workspace in what the client itself has put into a message: its words about the environment, and the
    /// instructions that it quotes. Never in what tools or people said.
    fn search(&mut self, role: Option<&[u8]>, text: Option<Raw<'a>>) {
        let Some(text) = text.filter(|_| self.workspace.is_none()) else { return };
        if role == Some(b"system") {
            self.workspace = working_directory(text);
        } else if text.begins_with("<system-reminder>\\n# Environment") {
            self.reminded = self.reminded.or_else(|| working_directory(text));
        }
        // Other reminders quote files, which may say anything.
        if text.begins_with("<system-reminder>") {
            self.quoted = self.quoted.or_else(|| instructions_directory(text));
        }
    }
}

/// Who speaks in a message, if that is said.
type Role<'a> = Option<&'a [u8]>;

/// Gives `each` the blocks of a message, with who speaks. `None` if it is no message.
fn read_message<'a>(
    value: &mut Reader<'a>,
    mut each: impl FnMut(Role<'a>, Block<'a>),
) -> Result<Option<Role<'a>>, Stop> {
    let (mut role, mut waits) = (None, None);
    let is_message = value.object(|key, value| {
        match key {
            b"role" => role = value.text()?,
            b"content" if role.is_some() => blocks(value, |block| each(role, block))?,
            // Who speaks is told behind it, or never.
            b"content" => waits = Some(value.value()?),
            _ => return value.skip(),
        }
        Ok(())
    })?;
    if let Some(content) = waits {
        blocks(&mut Reader::new(content), |block| each(role, block))?;
    }
    Ok(is_message.then_some(role))
}

/// One block of a system prompt or a message.
#[derive(Default)]
struct Block<'a> {
    kind: &'a [u8],
    text: Option<&'a [u8]>,
    /// What stands in the place of a text: an image, a document.
    source: Option<&'a [u8]>,
    cache_control: Option<&'a [u8]>,
}

/// Gives `each` the blocks of a content, which may be a text alone. What is no block says nothing.
fn blocks<'a>(content: &mut Reader<'a>, mut each: impl FnMut(Block<'a>)) -> Result<(), Stop> {
    if content.peek()? == b'"' {
        each(Block { kind: b"text", text: content.text()?, ..Block::default() });
        return Ok(());
    }
    content.list(|element| {
        let mut block = Block::default();
        let is_block = element.object(|key, value| {
            match key {
                b"type" => block.kind = value.text()?.unwrap_or_default(),
                b"text" => block.text = value.text()?,
                b"source" => block.source = Some(value.value()?),
                b"cache_control" => block.cache_control = Some(value.value()?),
                _ => return value.skip(),
            }
            Ok(())
        })?;
        if is_block {
            each(block);
        }
        Ok(())
    })?;
    Ok(())
}

/// Claude Code's line for billing, in front of the prompt.
const BILLING: &str = "x-anthropic-billing-header:";

fn system<'a>(content: &mut Reader<'a>) -> Result<System<'a>, Stop> {
    let (mut system, mut hash) = (System::default(), Xxh3::new());
    blocks(content, |block| {
        let Some(text) = block.text.and_then(Raw::of) else { return };
        let is_billing = system.first.is_none() && text.begins_with(BILLING);
        if !is_billing {
            hash.update(text.as_str().as_bytes());
            hash.update(b"\n\n");
        }
        system.first.get_or_insert(text);
        system.last = Some(text);
        system.workspace = system.workspace.or_else(|| working_directory(text));
        system.hour_cache |= block.cache_control.is_some_and(|mark| memmem::find(mark, b"\"1h\"").is_some());
    })?;
    system.hash = hash.digest128();
    Ok(system)
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
            (r#"{"model":"a\u001b[31m"}"#, None),
            (&format!(r#"{{"model":"{}"}}"#, "a".repeat(257)), None),
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

    #[test]
    fn long_beginnings_differ_by_their_ends_and_their_length() {
        let hash = |text: &str| {
            let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
            look(body.as_bytes(), Until::Opening).opening.map(|opening| opening.hash)
        };
        let long = "-".repeat(3 * END);
        assert_eq!(hash(&long), hash(&long));
        assert_ne!(hash(&long), hash(&format!("{long}-")));
        assert_ne!(hash(&long), hash(&format!("a{}", &long[1..])));
        assert_ne!(hash(&long), hash(&format!("{}a", &long[1..])));
        let short = "-".repeat(2 * END);
        assert_ne!(hash(&short), hash(&format!("{}a{}", &short[..END], &short[END + 1..])));
    }
}
