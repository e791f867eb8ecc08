//! The bytes of good answers: the events of a stream, or one JSON message.

use std::ops::Range;

use bytes::Bytes;

use crate::error_answer::status_of;
use crate::{Framing, Reply};

/// Stands where each answer gets an id of its own.
pub(crate) const ID_PLACE: &str = "msg_000000000000000000000000";

/// Where an answer stops short.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cut {
    /// Events before it.
    pub(crate) after: usize,
    /// The error event it ends with.
    pub(crate) error: Option<String>,
}

/// An answer's payload, ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// One element for each write.
    pub(crate) writes: Vec<Bytes>,
    /// Where the first write holds [`ID_PLACE`].
    pub(crate) id_at: Option<usize>,
    /// The writes that are deltas, to be paced.
    pub(crate) deltas: Range<usize>,
    /// Writes after which the input side of the usage has been told.
    pub(crate) start_told: Option<usize>,
    /// Writes after which all of it has been told.
    pub(crate) full_told: Option<usize>,
}

impl Prepared {
    fn new(writes: Vec<String>, deltas: Range<usize>, start_told: Option<usize>, full_told: Option<usize>) -> Self {
        let id_at = writes.first().and_then(|first| first.find(ID_PLACE));
        let writes = writes.into_iter().map(Bytes::from).collect();
        Self { writes, id_at, deltas, start_told, full_told }
    }
}

/// The JSON answer, or as much of it as a cut leaves.
pub(crate) fn json(reply: &Reply, model: &str, cut: Option<&Cut>) -> Prepared {
    let (extra, more) = (extra(&reply.usage_extra), extra(&reply.message_extra));
    let text = format!("{{\"type\":\"text\",\"text\":\"{}\"}}", reply.text());
    let tool = reply.tool_use.as_ref().map_or_else(String::new, |tool| {
        format!(
            ",{{\"type\":\"tool_use\",\"id\":\"toolu_{}\",\"name\":{},\"input\":{}}}",
            &ID_PLACE[4..],
            quoted(&tool.name),
            tool.input
        )
    });
    let mut body = format!(
        "{{\"id\":\"{ID_PLACE}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":{},\"content\":[{text}{tool}],\
         \"stop_reason\":{},\"stop_sequence\":null,\"usage\":{}{more}}}",
        quoted(model),
        quoted(&reply.stop_reason),
        reply.usage.full_json(&extra)
    );
    if let Some(cut) = cut {
        body.truncate(if cut.after == 0 { 0 } else { body.floor_char_boundary(body.len() / 2) });
        return Prepared::new(if body.is_empty() { vec![] } else { vec![body] }, 0..0, None, None);
    }
    Prepared::new(vec![body], 0..0, Some(1), Some(1))
}

/// The events of a stream in their framing.
pub(crate) fn stream(reply: &Reply, model: &str, cut: Option<&Cut>) -> Prepared {
    let mut events = events(reply, model);
    let whole = events.len();
    if let Some(cut) = cut {
        events.truncate(cut.after);
    }
    let kept = events.len();
    if let Some(kind) = cut.and_then(|cut| cut.error.as_deref()) {
        let message = if status_of(kind) == 529 { "Overloaded" } else { "Scripted error" };
        let error = format!("{{\"type\":{},\"message\":{}}}", quoted(kind), quoted(message));
        events.push(event("error", &format!(",\"error\":{error}")));
    }
    if reply.framing == Framing::Crlf {
        events.iter_mut().for_each(|event| *event = event.replace('\n', "\r\n"));
    }
    // The first delta is the fourth event: start, block start, ping, delta …
    let deltas = 3..(3 + reply.deltas).min(kept).max(3);
    if reply.framing == Framing::Comments {
        for (count, event) in events[..kept].iter_mut().enumerate().skip(deltas.start).take(deltas.len()) {
            let noise =
                if count % 2 == 0 { ": keep-alive\n\n" } else { ":\nevent: ping\ndata: {\"type\": \"ping\"}\n\n" };
            event.insert_str(0, noise);
        }
    }
    let (start, full) = (kept >= 1, kept + 1 >= whole);
    if reply.framing == Framing::OneWrite {
        let writes = if events.is_empty() { vec![] } else { vec![events.concat()] };
        return Prepared::new(writes, 0..0, start.then_some(1), full.then_some(1));
    }
    Prepared::new(events, deltas, start.then_some(1), full.then_some(whole - 1))
}

/// All events with LF line ends.
fn events(reply: &Reply, model: &str) -> Vec<String> {
    let (extra, more) = (extra(&reply.usage_extra), extra(&reply.message_extra));
    let mut events = Vec::with_capacity(reply.deltas + 10);
    events.push(event(
        "message_start",
        &format!(
            ",\"message\":{{\"id\":\"{ID_PLACE}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":{},\"content\":[],\
             \"stop_reason\":null,\"stop_sequence\":null,\"usage\":{}{more}}}",
            quoted(model),
            reply.usage.at_start().full_json("")
        ),
    ));
    events.push(block_start(0, "{\"type\":\"text\",\"text\":\"\"}"));
    events.push(event("ping", ""));
    for index in 0..reply.deltas {
        let text = reply.delta_text(index);
        events.push(block_delta(0, &format!("{{\"type\":\"text_delta\",\"text\":\"{text}\"}}")));
    }
    events.push(event("content_block_stop", ",\"index\":0"));
    if let Some(tool) = &reply.tool_use {
        events.extend(tool_events(&tool.name, &tool.input));
    }
    events.push(event(
        "message_delta",
        &format!(
            ",\"delta\":{{\"stop_reason\":{},\"stop_sequence\":null}},\"usage\":{}",
            quoted(&reply.stop_reason),
            reply.usage.delta_json(reply.delta_usage, &extra)
        ),
    ));
    events.push(event("message_stop", ""));
    events
}

fn tool_events(name: &str, input: &str) -> [String; 4] {
    let half = input.floor_char_boundary(input.len() / 2);
    let piece = |json: &str| format!("{{\"type\":\"input_json_delta\",\"partial_json\":{}}}", quoted(json));
    let id = &ID_PLACE[4..];
    let block = format!("{{\"type\":\"tool_use\",\"id\":\"toolu_{id}\",\"name\":{},\"input\":{{}}}}", quoted(name));
    [
        block_start(1, &block),
        block_delta(1, &piece(&input[..half])),
        block_delta(1, &piece(&input[half..])),
        event("content_block_stop", ",\"index\":1"),
    ]
}

fn block_start(index: usize, block: &str) -> String {
    event("content_block_start", &format!(",\"index\":{index},\"content_block\":{block}"))
}

fn block_delta(index: usize, delta: &str) -> String {
    event("content_block_delta", &format!(",\"index\":{index},\"delta\":{delta}"))
}

fn event(name: &str, members: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\"{members}}}\n\n")
}

/// More members of an object, with the comma before them.
fn extra(members: &str) -> String {
    if members.is_empty() { String::new() } else { format!(",{members}") }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
