//! Files, batches and whatever else lives on the account that made it: each key has its own, and knows no others.

use std::collections::BTreeMap;

use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What the API calls them, and what their ids begin with.
const KINDS: &[(&str, &str)] = &[
    ("messages/batches", "msgbatch"),
    ("files", "file"),
    ("skills", "skill"),
    ("sessions", "sesn"),
    ("agents", "agent"),
    ("environments", "env"),
];

/// How many a page of a list has if the request does not say.
const PAGE: usize = 20;

/// All things, by key and kind, in the order in which they were made.
#[derive(Default)]
pub(crate) struct Things(Mutex<State>);

#[derive(Default)]
struct State {
    made: u64,
    by_place: BTreeMap<(String, &'static str), Vec<String>>,
}

/// What a request about things gets.
pub(crate) enum Thing {
    /// A good answer.
    Json(String),
    /// Bytes or lines.
    Raw(String),
    /// The key has nothing of this id.
    NotFound(String),
}

impl Things {
    /// The answer to a request of `key`; `None` if it is about something else.
    pub(crate) fn answer(&self, key: &str, method: &Method, path: &str, query: &str) -> Option<Thing> {
        let (kind, prefix, rest) = KINDS.iter().find_map(|(kind, prefix)| {
            let rest = path.strip_prefix("/v1/")?.strip_prefix(kind)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((*kind, *prefix, rest))
        })?;
        let mut state = self.0.lock();
        let (made, place) = state.place(key, kind);
        let mut segments = rest.split('/').skip(1);
        Some(match (method, segments.next(), segments.next()) {
            (&Method::POST, None, _) => {
                let id = format!("{prefix}_{key}_{made}");
                place.push(id.clone());
                Thing::Json(thing(&id, prefix).to_string())
            }
            (_, None, _) => Thing::Json(list(place, prefix, query).to_string()),
            (_, Some(id), _) if !place.iter().any(|known| known == id) => Thing::NotFound(id.to_owned()),
            (&Method::DELETE, Some(id), None) => {
                place.retain(|known| known != id);
                Thing::Json(json!({"id": id, "type": format!("{prefix}_deleted")}).to_string())
            }
            (_, Some(id), Some("content" | "results")) => Thing::Raw(format!("{{\"of\":\"{id}\"}}\n")),
            (_, Some(id), _) => Thing::Json(thing(id, prefix).to_string()),
        })
    }

    pub(crate) fn clear(&self) {
        *self.0.lock() = State::default();
    }
}

impl State {
    /// The next number, and what the key has of a kind.
    fn place(&mut self, key: &str, kind: &'static str) -> (u64, &mut Vec<String>) {
        self.made += 1;
        (self.made, self.by_place.entry((key.to_owned(), kind)).or_default())
    }
}

fn thing(id: &str, prefix: &str) -> Value {
    json!({"id": id, "type": prefix, "created_at": "2026-01-01T00:00:00Z"})
}

/// A page, the newest first, behind `after_id`.
fn list(place: &[String], prefix: &str, query: &str) -> Value {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let limit = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE);
    let newest_first: Vec<_> = place.iter().rev().collect();
    let start = match value("after_id") {
        Some(after) => newest_first.iter().position(|id| *id == after).map_or(newest_first.len(), |at| at + 1),
        None => 0,
    };
    let page: Vec<_> = newest_first[start..].iter().take(limit).collect();
    let data: Vec<_> = page.iter().map(|id| thing(id, prefix)).collect();
    json!({
        "data": data, "has_more": start + page.len() < newest_first.len(),
        "first_id": page.first(), "last_id": page.last(),
    })
}
