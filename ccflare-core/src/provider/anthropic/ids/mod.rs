//! Which ids live on one account (anthropic-wire §2), and where requests and answers name them.
//!
//! A path names the thing it is about, a query the place in a list, a message its container, its files, its skills and
//! the thread it continues. Message bodies are long, so they are first run over for the few keys that matter, and
//! read only if one of them is there.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header::CONTENT_ENCODING};
use memchr::{memchr, memmem::Finder};
use url::form_urlencoded;

use crate::{
    json::{self, Reader, Stop},
    provider::{Named, Tells, Told},
};
use walk::Found;

mod walk;

/// What the API calls things that live on one account; batches stand under `messages`.
const THINGS: &[&str] = &[
    "files",
    "skills",
    "containers",
    "agents",
    "sessions",
    "environments",
    "vaults",
    "memory_stores",
    "deployments",
    "dreams",
    "tunnels",
    "user_profiles",
];

/// The beta under which messages can be continued by their ids.
const THREADS: &str = "message-threads-";

/// Every body is searched, and what a search needs takes longer to make than most bodies to be searched.
static SEARCHES: LazyLock<Searches> = LazyLock::new(|| Searches {
    thread: Finder::new(THREADS),
    id_key: Finder::new("_id\""),
    container: Finder::new(CONTAINER),
});

/// So much of a body is searched at a time, and with it so much of what follows, where a key may go on.
const PIECE: usize = 4 * 1024;
const OVERLAP: usize = CONTAINER.len() - 1;

const CONTAINER: &str = "\"container\"";

struct Searches {
    thread: Finder<'static>,
    id_key: Finder<'static>,
    container: Finder<'static>,
}

/// The API forgets a thread five minutes after its last message. Ids are kept longer, so that who comes too late hears
/// it from the account that knows.
const THREAD: Duration = Duration::from_secs(60 * 60);

/// So long a place in a list is remembered.
const CURSOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest id. Places in a list are longer than other ids.
const LONGEST: usize = 512;

/// What a request names, and what its answer will tell.
pub(super) fn named(request: &Request<Bytes>) -> Named {
    let Some(path) = request.uri().path().strip_prefix("/v1/") else { return Named::default() };
    if path == "messages" {
        return things(request, &[path]);
    }
    let segments: Vec<&str> = path.split('/').collect();
    let is_aside = !matches!(*segments, ["messages" | "complete"]);
    Named { is_aside, ..things(request, &segments) }
}

fn things(request: &Request<Bytes>, segments: &[&str]) -> Named {
    match *segments {
        ["messages"] => Named { ids: in_message(request), tells: message_tells(request.headers()), ..Named::default() },
        ["messages", "count_tokens"] => Named { ids: in_message(request), ..Named::default() },
        ["messages", "batches"] => collection(request, in_message),
        ["messages", "batches", id, ref rest @ ..] => thing(request, id, rest),
        [kind] if THINGS.contains(&kind) => collection(request, in_body),
        // The API's own skills are everybody's.
        ["skills", id, ..] if !is_skill(id) => Named::default(),
        [kind, id, ref rest @ ..] if THINGS.contains(&kind) => thing(request, id, rest),
        _ => Named::default(),
    }
}

fn message_tells(headers: &HeaderMap) -> Tells {
    let mut betas = headers.get_all("anthropic-beta").iter();
    let threads = betas.any(|betas| SEARCHES.thread.find(betas.as_bytes()).is_some());
    if threads { Tells::Thread } else { Tells::Message }
}

/// One thing, or something under it.
fn thing(request: &Request<Bytes>, id: &str, rest: &[&str]) -> Named {
    let tells = match (rest, request.method()) {
        ([], &Method::DELETE) => Tells::Removal,
        ([], _) => Tells::Things,
        // What is under it is found by the id above it.
        _ => Tells::Nothing,
    };
    let ids = if is_id(id) { vec![id.into()] } else { Vec::new() };
    Named { ids, in_path: true, tells, ..Named::default() }
}

/// A list of things, or a new one.
fn collection(request: &Request<Bytes>, in_new: fn(&Request<Bytes>) -> Vec<Box<str>>) -> Named {
    let lists = matches!(*request.method(), Method::GET | Method::HEAD);
    let ids = if lists { in_query(request) } else { in_new(request) };
    Named { ids, in_path: lists, lists, tells: Tells::Things, ..Named::default() }
}

fn in_query(request: &Request<Bytes>) -> Vec<Box<str>> {
    let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let names = pairs.filter(|(key, value)| (key == "page" || key.ends_with("_id")) && is_id(value));
    names.map(|(_, id)| id.into()).collect()
}

/// The ids in a body of messages, if any of the keys that hold them is there at all.
fn in_message(request: &Request<Bytes>) -> Vec<Box<str>> {
    if holds_ids(request.body()) { in_body(request) } else { Vec::new() }
}

/// The ids in any body. One that is compressed, or no JSON, names nothing.
fn in_body(request: &Request<Bytes>) -> Vec<Box<str>> {
    if request.headers().contains_key(CONTENT_ENCODING) || request.body().trim_ascii_start().first() != Some(&b'{') {
        return Vec::new();
    }
    Found::read(request.body()).into_ids()
}

/// Whether one of the keys stands in the text. Inside of a string its quotes would be escaped, so what is found is a
/// key, or a string of just that word.
fn holds_ids(body: &[u8]) -> bool {
    const BEFORE: [&[u8]; 3] = [b"\"file", b"\"skill", b"\"previous_message"];
    let is_key = |end: usize| BEFORE.iter().any(|name| body[..end].ends_with(name));
    // What is long is mostly text without a quote in it, an image above all. That is seen at once.
    (0..body.len()).step_by(PIECE).any(|start| {
        let piece = &body[start..body.len().min(start + PIECE + OVERLAP)];
        memchr(b'"', piece).is_some()
            && (SEARCHES.id_key.find_iter(piece).any(|at| is_key(start + at))
                || SEARCHES.container.find(piece).is_some())
    })
}

/// Whether a stream's event may tell of ids.
pub(super) fn may_tell(tells: Tells, event: &[u8]) -> bool {
    match tells {
        // Containers are named in the first two, the files that were made in them in the third; an event without a
        // name says in its data what it is.
        Tells::Message | Tells::Thread => {
            matches!(event, b"message_start" | b"message_delta" | b"content_block_start" | b"")
        }
        Tells::Nothing | Tells::Things | Tells::Removal => false,
    }
}

/// What an event's data, or a whole body, tells.
pub(super) fn told(tells: Tells, data: &[u8], learn: &mut dyn FnMut(Told<'_>)) {
    let mut tell = |id: &str, kept_for| {
        if is_id(id) {
            learn(Told { id, kept_for });
        }
    };
    match tells {
        Tells::Nothing => {}
        Tells::Message | Tells::Thread => {
            if holds_ids(data) {
                Found::read(data).into_ids().iter().for_each(|id| tell(id, None));
            }
            if let Some(id) = (tells == Tells::Thread).then(|| message_id(data)).flatten() {
                tell(&id, Some(THREAD));
            }
        }
        Tells::Things | Tells::Removal => {
            let mut things = Things::default();
            if json::object(data, |key, value| things.field(key, value)).is_err() {
                return;
            }
            if let Some(page) = things.next_page.and_then(json::unescaped) {
                tell(&page, Some(CURSOR));
            }
            let all = things.listed.iter().chain([&things.itself]).filter(|thing| thing.source != Some(b"anthropic"));
            all.filter_map(|thing| json::unescaped(thing.id?)).for_each(|id| tell(&id, None));
        }
    }
}

/// The id of a message, or of the one in the event that begins it.
fn message_id(data: &[u8]) -> Option<Cow<'_, str>> {
    let (mut itself, mut begun, mut is_message) = (None, Thing::default(), false);
    let read = json::object(data, |key, value| {
        match key {
            b"type" => is_message = value.text()? == Some(b"message"),
            b"id" => itself = value.text()?,
            b"message" => drop(value.object(|key, value| begun.field(key, value))?),
            _ => return value.skip(),
        }
        Ok(())
    });
    read.ok()?;
    begun.id.or(itself.filter(|_| is_message)).and_then(json::unescaped)
}

/// A thing, or a list of things.
#[derive(Default)]
struct Things<'a> {
    itself: Thing<'a>,
    listed: Vec<Thing<'a>>,
    next_page: Option<&'a [u8]>,
}

impl<'a> Things<'a> {
    fn field(&mut self, key: &[u8], value: &mut Reader<'a>) -> Result<(), Stop> {
        match key {
            b"data" => {
                value.list(|element| {
                    let mut thing = Thing::default();
                    element.object(|key, value| thing.field(key, value))?;
                    self.listed.push(thing);
                    Ok(())
                })?;
            }
            b"next_page" => self.next_page = value.text()?,
            _ => return self.itself.field(key, value),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Thing<'a> {
    id: Option<&'a [u8]>,
    /// Whose it is: `anthropic` for what everybody has.
    source: Option<&'a [u8]>,
}

impl<'a> Thing<'a> {
    fn field(&mut self, key: &[u8], value: &mut Reader<'a>) -> Result<(), Stop> {
        match key {
            b"id" => self.id = value.text()?,
            b"source" => self.source = value.text()?,
            _ => return value.skip(),
        }
        Ok(())
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Custom skills; the API's own ones are plain words (`pdf`).
fn is_skill(id: &str) -> bool {
    id.starts_with("skill_")
}

#[cfg(test)]
mod tests;
