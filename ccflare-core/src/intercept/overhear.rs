//! Listens to answers for the orders that an agent gives to others: the only place where a sub-agent's name is said.

use std::sync::Arc;

use memchr::memmem;
use serde::Deserialize;

use super::conversations::Session;
use crate::record::Listener;

/// An order longer than this is not listened to: nobody would find it again by its text.
const LONGEST: usize = 256 * 1024;

/// Listens to one answer on behalf of a session.
#[derive(Debug)]
pub(super) struct Orders {
    session: Arc<Session>,
    /// The id of the one who is answered, if that is a sub-agent itself.
    by: Option<Arc<str>>,
    /// The order under way: the index of its block, and its input as far as it has come.
    open: Option<(u64, String)>,
}

impl Orders {
    pub(super) const fn new(session: Arc<Session>, by: Option<Arc<str>>) -> Self {
        Self { session, by, open: None }
    }

    fn given(&self, order: Order) {
        if !order.subagent_type.is_empty() && !order.prompt.is_empty() {
            self.session.expect(&order.prompt, &order.subagent_type, self.by.clone());
        }
    }
}

/// The input of the tool that gives an order. Both fields are there in all versions since 2.0.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Order {
    prompt: String,
    subagent_type: String,
}

#[derive(Deserialize)]
struct Start<'a> {
    index: u64,
    #[serde(borrow)]
    content_block: ToolUse<'a>,
}

#[derive(Deserialize)]
struct ToolUse<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    name: Option<&'a str>,
    input: Option<Order>,
}

#[derive(Deserialize)]
struct Delta {
    index: u64,
    delta: Piece,
}

#[derive(Deserialize)]
struct Piece {
    partial_json: Option<String>,
}

#[derive(Deserialize)]
struct Stop {
    index: u64,
}

impl ToolUse<'_> {
    /// `Agent` since 2.1, `Task` before.
    fn gives_order(&self) -> bool {
        self.kind == "tool_use" && matches!(self.name, Some("Agent" | "Task"))
    }
}

impl Listener for Orders {
    fn wants(&mut self, event: &[u8]) -> bool {
        match event {
            b"content_block_start" => true,
            b"content_block_delta" | b"content_block_stop" => self.open.is_some(),
            _ => false,
        }
    }

    fn event(&mut self, event: &[u8], data: &[u8]) {
        match (event, &mut self.open) {
            (b"content_block_start", _) if memmem::find(data, b"\"tool_use\"").is_some() => {
                let start = serde_json::from_slice::<Start<'_>>(data).ok();
                let start = start.filter(|start| start.content_block.gives_order());
                self.open = start.map(|start| (start.index, String::new()));
            }
            (b"content_block_delta", Some((index, input))) => {
                let Ok(delta) = serde_json::from_slice::<Delta>(data) else { return };
                if delta.index != *index {
                    return;
                }
                input.push_str(&delta.delta.partial_json.unwrap_or_default());
                if input.len() > LONGEST {
                    self.open = None;
                }
            }
            (b"content_block_stop", Some((index, input)))
                if serde_json::from_slice::<Stop>(data).is_ok_and(|stop| stop.index == *index) =>
            {
                let order = serde_json::from_str(input).unwrap_or_default();
                self.open = None;
                self.given(order);
            }
            _ => {}
        }
    }

    fn body(&mut self, body: &[u8]) {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            content: Vec<&'a serde_json::value::RawValue>,
        }
        // Nearly all answers hold no order, and need not be parsed to see it.
        if memmem::find(body, b"\"subagent_type\"").is_none() {
            return;
        }
        let Ok(message) = serde_json::from_slice::<Message<'_>>(body) else { return };
        for block in message.content {
            if let Ok(block) = serde_json::from_str::<ToolUse<'_>>(block.get())
                && block.gives_order()
            {
                self.given(block.input.unwrap_or_default());
            }
        }
    }
}
