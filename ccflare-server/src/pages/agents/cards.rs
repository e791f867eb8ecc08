//! One agent on the page of all.

use ccflare_core::{
    control::views::{AgentView, GroupView, OtherAgentView},
    domain::{NanoUsd, Timestamp},
    report::{Count, Money},
};
use maud::{Markup, html};

use crate::components::{
    badge::{Tone, badge},
    form::{Line, field},
    pager::{link, segment},
    text, when,
};

/// Colours that agents may have; others are shown without one.
const COLOURS: [&str; 8] = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"];

/// An agent that a file defines; `typed` is a preference that could not be saved.
pub(super) fn defined(agent: &AgentView, usage: &[GroupView], typed: Option<&str>, now: Timestamp) -> Markup {
    let colour = COLOURS.into_iter().find(|colour| *colour == agent.color).unwrap_or("none");
    html! {
        article class={ "account c-" (colour) } aria-label=(agent.name) {
            header {
                h2 { a href={ "/agents/" (segment(&agent.id)) } { (agent.name) } }
                span.badges {
                    (badge(Tone::Plain, agent.workspace_name.as_deref().unwrap_or("global")))
                    @if agent.state == "overridden" { " " (badge(Tone::Warning, "overridden")) }
                }
            }
            p.what { (beginning(&agent.description)) }
            (done(&agent.name, agent.last_used.as_deref(), usage, now))
            p.hint {
                "Sent with "
                @match &agent.model { Some(model) => code { (text::model(model)) }, None => "the model of whoever starts it" }
                @if let Some(from) = &agent.preference_from { ", " (because(from)) }
            }
            (preference(&agent.id, &agent.name, typed.or(agent.preference.as_deref()), agent.defined_model.as_deref()))
        }
    }
}

/// An agent that no file defines.
pub(super) fn other(agent: &OtherAgentView, usage: &[GroupView], typed: Option<&str>, now: Timestamp) -> Markup {
    html! {
        article.account aria-label=(agent.name) {
            header { h2 { (agent.name) } span.badges { (badge(Tone::Plain, "no file")) } }
            p.what { "Built into the client, of a plugin, or given on its command line." }
            (done(&agent.name, agent.last_used.as_deref(), usage, now))
            @if let Some(from) = &agent.preference_from { p.hint { "Sent with a model " (because(from)) } }
            (preference(&agent.name, &agent.name, typed.or(agent.preference.as_deref()), None))
        }
    }
}

/// What it did in the last thirty days.
fn done(name: &str, last_used: Option<&str>, usage: &[GroupView], now: Timestamp) -> Markup {
    let usage = usage.iter().find(|group| group.name == name);
    html! {
        p.about {
            @if let Some(usage) = usage {
                a href=(link("/requests", &[("agent", name)])) { (text::counted(usage.requests, "request", "requests")) }
                span { (Money(NanoUsd(usage.cost_nano_usd))) } span { (Count(usage.total_tokens)) "\u{a0}tokens" } span { "in 30\u{a0}days" }
            } @else {
                span { "no requests in 30\u{a0}days" }
            }
            @if last_used.is_some() { span { "used " (when::ago(last_used, now)) } }
        }
    }
}

fn preference(id: &str, name: &str, preferred: Option<&str>, defined: Option<&str>) -> Markup {
    let input = format!("model-{id}");
    html! {
        form.row.actions method="post" action="/agents/prefer" {
            input type="hidden" name="agent" value=(id);
            (field("Preferred model", &input, "", &Line::new(&input, preferred.unwrap_or_default()).placeholder(defined.unwrap_or("none")).bare().draw_as("model")))
            button.quiet type="submit" { "Save" span.unseen { " for " (name) } }
        }
    }
}

fn because(from: &str) -> &str {
    match from {
        "agent" => "preferred for it",
        "name" => "preferred for agents of its name",
        "default" => "preferred for all that have none of their own",
        other => other,
    }
}

/// Descriptions may be pages long.
pub(super) fn beginning(text: &str) -> String {
    const ENOUGH: usize = 180;
    if text.chars().count() <= ENOUGH { text.to_owned() } else { text.chars().take(ENOUGH).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_card_says_what_an_agent_did_and_which_model_it_has() {
        let agent = OtherAgentView {
            name: "explorer".to_owned(),
            preference: Some("haiku".to_owned()),
            preference_from: Some("agent".to_owned()),
            last_used: None,
            conversations: 1,
        };
        let usage = [GroupView { name: "explorer".to_owned(), requests: 12_345, ..GroupView::default() }];
        let text = other(&agent, &usage, None, NOW).into_string();
        assert!(text.contains("12.3k\u{a0}requests") && text.contains("/requests?agent=explorer"), "{text}");
        assert!(text.contains("value=\"haiku\"") && text.contains("Sent with a model preferred for it"), "{text}");
        assert!(other(&agent, &[], None, NOW).into_string().contains("no requests in 30\u{a0}days"));
        assert!(other(&agent, &[], Some("no model"), NOW).into_string().contains("value=\"no model\""));
    }

    #[test]
    fn a_long_description_is_cut_between_characters() {
        assert_eq!(beginning(&"ü".repeat(300)).chars().count(), 181);
        assert_eq!(beginning("short"), "short");
    }
}
