//! Who asks what, and when: conversations as Claude Code holds them, with the shapes it sends.

use serde_json::{Value, json};

/// How many conversations the day has.
pub(crate) const CONVERSATIONS: usize = 200;
/// How many turns each of them has.
pub(crate) const TURNS: usize = 20;
/// The turns at which a sub-agent is sent off.
const ORDERS: [usize; 3] = [4, 9, 14];
/// How many requests a sub-agent makes.
const SUB_TURNS: usize = 5;

/// All conversations begin within this many seconds.
const DAY: u64 = 8 * 3600;

/// So few bytes make a token here: bodies of some kilobytes stand for the long prompts they have in reality.
pub(crate) const BYTES_PER_TOKEN: f64 = 0.2;
const TOOLS: usize = 13_000;
const SUB_TOOLS: usize = 4_000;
const BASE: usize = 3_000;
const AGENT: usize = 1_000;
const PROJECT: usize = 2_500;
const TASK: usize = 800;
const SAID: usize = 700;
const DONE: usize = 1_900;

/// One request, to be sent at a moment of the day.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    /// Seconds since the day began.
    pub(crate) at: u64,
    pub(crate) conversation: usize,
    /// Which of the conversation's sub-agents asks; the main thread if none.
    pub(crate) agent: Option<usize>,
    /// How many turns there were before.
    pub(crate) turn: usize,
}

/// Numbers that look like chance and are the same each time.
struct Dice(u64);

impl Dice {
    fn of(conversation: usize, turn: usize) -> Self {
        Self((conversation as u64) << 32 | (turn as u64) << 8 | 0x9e)
    }

    /// One of the numbers from `low` to below `high` (SplitMix64).
    fn throw(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (mixed ^ (mixed >> 31)) % (high - low)
    }
}

/// The first request of each conversation.
pub(crate) fn first_asks() -> Vec<Ask> {
    let ask = |conversation| Ask { at: Dice::of(conversation, 0).throw(0, DAY), conversation, agent: None, turn: 0 };
    (0..CONVERSATIONS).map(ask).collect()
}

/// What is asked because `ask` was answered.
pub(crate) fn next_asks(ask: &Ask) -> Vec<Ask> {
    let mut dice = Dice::of(ask.conversation, 1000 * ask.agent.map_or(0, |agent| agent + 1) + ask.turn + 1);
    let mut next = Vec::new();
    if ask.agent.is_some() {
        if ask.turn + 1 < SUB_TURNS {
            next.push(Ask { at: ask.at + dice.throw(4, 20), turn: ask.turn + 1, ..*ask });
        }
        return next;
    }
    if let Some(agent) = ORDERS.iter().position(|order| *order == ask.turn) {
        next.push(Ask { at: ask.at + 2, agent: Some(agent), turn: 0, ..*ask });
    }
    if ask.turn + 1 < TURNS {
        // Mostly a tool runs or somebody reads; now and then somebody has coffee.
        let pause = if dice.throw(0, 12) == 0 { dice.throw(360, 1200) } else { dice.throw(12, 95) };
        next.push(Ask { at: ask.at + pause, turn: ask.turn + 1, ..*ask });
    }
    next
}

/// The id that a conversation and its sub-agents have in common.
pub(crate) fn session(conversation: usize) -> String {
    format!("{conversation:08x}-0000-4000-8000-000000000000")
}

/// The id of the sub-agent that asks.
pub(crate) fn agent_id(ask: &Ask) -> Option<String> {
    ask.agent.map(|agent| format!("a{:08x}{agent:08x}", ask.conversation))
}

/// The body of a request. It holds all turns that there were before.
pub(crate) fn body(ask: &Ask) -> Value {
    let Ask { conversation, agent, turn, .. } = *ask;
    // Half of the clients are logged in, and have what their main threads write kept for an hour.
    let hour = conversation % 2 == 0 && agent.is_none();
    let mut messages = beginning(conversation, agent);
    for past in 0..turn {
        let name = format!("{conversation} {agent:?} {past}");
        messages.push(json!({ "role": "assistant", "content": [text(&format!("said {name}"), SAID)] }));
        messages.push(json!({ "role": "user", "content": [text(&format!("done {name}"), DONE)] }));
    }
    if let Some(last) = messages.last_mut().and_then(|message| message["content"].as_array_mut()?.last_mut()) {
        mark(last, hour);
    }
    let device = "0".repeat(64);
    let user = json!({ "device_id": device, "account_uuid": "", "session_id": session(conversation) }).to_string();
    let (tools, count) = if agent.is_some() { (SUB_TOOLS, 8) } else { (TOOLS, 31) };
    let tool = |number: usize| json!({ "name": format!("tool-{number}"), "description": filler(tools / count) });
    json!({
        "model": model(conversation, agent),
        "messages": messages,
        "system": system(conversation, agent, hour),
        "tools": (0..count).map(tool).collect::<Vec<_>>(),
        "metadata": { "user_id": user },
        "max_tokens": 128_000,
        "stream": true,
    })
}

fn model(conversation: usize, agent: Option<usize>) -> &'static str {
    match (agent, conversation % 5) {
        (Some(_), _) => "claude-haiku-5-5",
        (None, 0..3) => "claude-opus-5-5",
        (None, _) => "claude-sonnet-5-5",
    }
}

fn system(conversation: usize, agent: Option<usize>, hour: bool) -> Value {
    let sub = if agent.is_some() { " cc_is_subagent=true;" } else { "" };
    let billing = format!("x-anthropic-billing-header: cc_version=2.1.330.{conversation:03x}; cc_entrypoint=cli;{sub}");
    let mut prompt = match agent {
        Some(agent) => text(&format!("You are agent {agent}."), AGENT),
        None => text("You are an interactive agent.", BASE),
    };
    mark(&mut prompt, hour);
    json!([{ "type": "text", "text": billing }, { "type": "text", "text": "You are Claude Code." }, prompt])
}

fn beginning(conversation: usize, agent: Option<usize>) -> Vec<Value> {
    let project = conversation % 12;
    let reminder = format!(
        "<system-reminder>\nContents of /w/project-{project}/CLAUDE.md (project instructions, checked into the codebase):"
    );
    let task = text(&format!("task {conversation} {agent:?}"), TASK);
    vec![
        json!({ "role": "user", "content": [text(&reminder, PROJECT), task] }),
        json!({ "role": "system", "content": [{
            "type": "text", "text": format!("# Environment\n - Primary working directory: /w/project-{project}\n"),
        }] }),
    ]
}

/// A text of about so many tokens that begins like this.
fn text(beginning: &str, tokens: usize) -> Value {
    json!({ "type": "text", "text": format!("{beginning} {}", filler(tokens)) })
}

fn filler(tokens: usize) -> String {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length")]
    let bytes = (tokens as f64 * BYTES_PER_TOKEN) as usize;
    "x".repeat(bytes)
}

fn mark(block: &mut Value, hour: bool) {
    block["cache_control"] =
        if hour { json!({ "type": "ephemeral", "ttl": "1h" }) } else { json!({ "type": "ephemeral" }) };
}
