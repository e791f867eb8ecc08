//! What a request carried, as a conversation where it is one, and as it is where it is none.

use ccflare_core::{
    control::views::{PayloadSideView, PayloadView},
    report::Size,
};
use maud::{Markup, html};
use serde_json::Value;

use crate::components::{
    badge::{Tone, badge},
    card::{card, facts},
    text::whole,
};

/// Longer texts are folded.
const FOLD: usize = 1500;

/// Both sides of it.
pub(super) fn view(payload: &PayloadView) -> Markup {
    let asked = serde_json::from_str::<Value>(&payload.request.body).ok();
    let answered = answer(&payload.response.body);
    html! {
        section.card {
            header { h2 { "Conversation" } }
            @if payload.request.truncated || payload.response.truncated {
                p.quiet { "Only the beginning of it was kept." }
            }
            @match &asked { Some(body) => (question(body)), None => (raw(&payload.request)) }
            @if answered.is_empty() { (raw(&payload.response)) } @else { (turn("assistant", &blocks(&answered))) }
        }
        (card("Headers", &html! {
            div.columns { div { h3 { "Sent" } (headers(&payload.request)) } div { h3 { "Received" } (headers(&payload.response)) } }
        }))
        details.card { summary { "As it was sent" } (raw(&payload.request)) }
        details.card { summary { "As it was received" } (raw(&payload.response)) }
    }
}

fn question(body: &Value) -> Markup {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !body["system"].is_null() {
            details { summary { "System prompt" } (turn("system", &content(&body["system"]))) }
        }
        @if let Some(tools) = body["tools"].as_array().filter(|tools| !tools.is_empty()) {
            details { summary { (tools.len()) " tools" } ul.tags { @for tool in tools { li { code { (tool["name"].as_str().unwrap_or("?")) } } } } }
        }
        @for message in messages { (turn(message["role"].as_str().unwrap_or("?"), &content(&message["content"]))) }
    }
}

fn turn(role: &str, body: &Markup) -> Markup {
    let tone = match role {
        "assistant" => Tone::Accent,
        "user" => Tone::Blue,
        _ => Tone::Plain,
    };
    html! { div class={ "turn " (tone.class()) } { p.role { (badge(tone, role)) } (body) } }
}

/// A text, or a list of blocks.
fn content(content: &Value) -> Markup {
    match content {
        Value::String(text) => said(text),
        Value::Array(list) => blocks(list),
        _ => html! { p.quiet { "nothing" } },
    }
}

fn blocks(list: &[Value]) -> Markup {
    html! { @for block in list { (one(block)) } }
}

fn one(block: &Value) -> Markup {
    let text = |field: &str| block[field].as_str().unwrap_or_default();
    match text("type") {
        "text" => said(text("text")),
        "thinking" => html! { details.thinking { summary { "Thinking" } (said(text("thinking"))) } },
        "redacted_thinking" => html! { p.quiet { "Thinking, encrypted by the provider." } },
        "tool_use" | "server_tool_use" => html! {
            div.tool { p { (badge(Tone::Purple, "uses")) " " code { (text("name")) } } (said(&pretty(&block["input"]))) }
        },
        "tool_result" => html! {
            div.tool {
                p { @if block["is_error"].as_bool() == Some(true) { (badge(Tone::Bad, "failed")) } @else { (badge(Tone::Good, "result")) } }
                (content(&block["content"]))
            }
        },
        kind => html! { p { (badge(Tone::Plain, if kind.is_empty() { "unknown" } else { kind })) } },
    }
}

fn said(text: &str) -> Markup {
    if text.len() <= FOLD {
        return html! { pre.said { (text) } };
    }
    let beginning: String = text.chars().take(160).collect();
    html! { details.long { summary { (beginning) "…" } pre.said { (text) } } }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The answer's blocks: of a message in one piece, or put together from the events of a stream.
fn answer(body: &str) -> Vec<Value> {
    if let Ok(message) = serde_json::from_str::<Value>(body) {
        return message["content"].as_array().cloned().unwrap_or_default();
    }
    let mut blocks = Vec::new();
    for event in body.lines().filter_map(|line| line.strip_prefix("data:")) {
        if let Ok(event) = serde_json::from_str::<Value>(event.trim_start()) {
            take(&mut blocks, &event);
        }
    }
    blocks
}

fn take(blocks: &mut Vec<Value>, event: &Value) {
    match event["type"].as_str() {
        Some("content_block_start") => blocks.push(event["content_block"].clone()),
        Some("content_block_delta") => {
            if let Some(block) = blocks.last_mut() {
                grow(block, &event["delta"]);
            }
        }
        Some("content_block_stop") => {
            // A tool's input comes as pieces of JSON text.
            if let Some(block) = blocks.last_mut()
                && let Some(input) = block["input"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok())
            {
                block["input"] = input;
            }
        }
        _ => {}
    }
}

fn grow(block: &mut Value, delta: &Value) {
    let (field, piece) = match delta["type"].as_str() {
        Some("text_delta") => ("text", &delta["text"]),
        Some("thinking_delta") => ("thinking", &delta["thinking"]),
        Some("input_json_delta") => ("input", &delta["partial_json"]),
        _ => return,
    };
    let mut text = block[field].as_str().unwrap_or_default().to_owned();
    text.push_str(piece.as_str().unwrap_or_default());
    if block.is_object() {
        block[field] = Value::String(text);
    }
}

fn headers(side: &PayloadSideView) -> Markup {
    if side.headers.is_empty() {
        return html! { p.quiet { "None were kept." } };
    }
    let rows: Vec<_> = side.headers.iter().map(|(name, value)| (name.as_str(), html! { code { (value) } })).collect();
    facts(&rows)
}

fn raw(side: &PayloadSideView) -> Markup {
    let body = match serde_json::from_str::<Value>(&side.body) {
        Ok(value) => pretty(&value),
        Err(_) => side.body.clone(),
    };
    html! {
        p.quiet { (whole(Size(side.bytes))) @if side.truncated { ", not all of it kept" } @if side.encoding != "text" { ", as base64" } }
        @if !body.is_empty() { pre.raw tabindex="0" { (body) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(body: &str) -> PayloadSideView {
        let (headers, encoding) = (vec![("content-type".to_owned(), "application/json".to_owned())], "text".to_owned());
        PayloadSideView { headers, body: body.to_owned(), encoding, bytes: 10, truncated: false }
    }

    fn draw(request: &str, response: &str) -> String {
        view(&PayloadView { id: "1".to_owned(), request: side(request), response: side(response) }).into_string()
    }

    #[test]
    fn a_stream_is_put_together_again() {
        let stream = concat!(
            "event: content_block_start\n",
            "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"let me \"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"see\"}}\n\n",
            "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"name\":\"Read\",\"input\":{}}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n",
            "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n",
            "data: {\"type\":\"content_block_stop\"}\n\n",
        );
        let blocks = answer(stream);
        assert_eq!(
            (blocks[0]["thinking"].as_str(), &blocks[1]["input"]["a"]),
            (Some("let me see"), &serde_json::json!(1))
        );
    }

    #[test]
    fn each_kind_of_block_is_shown_and_nothing_in_it_is_markup() {
        let request = r#"{"system":"be kind","tools":[{"name":"Read"}],"messages":[
            {"role":"user","content":"<script>x</script>"},
            {"role":"assistant","content":[{"type":"tool_use","name":"Read","input":{"path":"a"}}]},
            {"role":"user","content":[{"type":"tool_result","is_error":true,"content":"no such file"},{"type":"image"}]}]}"#;
        let text = draw(request, r#"{"content":[{"type":"text","text":"Hello"}]}"#);
        for part in
            ["be kind", "1 tools", "&lt;script&gt;", "&quot;path&quot;", "failed", "no such file", "image", "Hello"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("<script>x"));
    }

    #[test]
    fn what_is_no_conversation_is_shown_as_it_is() {
        let text = draw("{\"cut", "plain words");
        assert!(text.contains("{&quot;cut") && text.contains("plain words"), "{text}");
    }
}
