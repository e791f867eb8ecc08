use std::collections::HashMap;

use super::*;
use crate::domain::{AgentPreference, INHERIT, Timestamp};

fn definition(id: &str, name: &str, prompt: &str, workspace: Option<&str>) -> Arc<AgentDefinition> {
    let text = format!("---\nname: {name}\ndescription: it\n---\n\n{prompt}\n");
    let directory =
        workspace.map_or_else(|| "/home/me/.claude/agents".to_owned(), |path| format!("{path}/.claude/agents"));
    let stem = id.rsplit(':').next().unwrap_or(id);
    Arc::new(AgentDefinition {
        id: id.into(),
        written: Written::read(&text).expect("a definition").0,
        file: std::path::Path::new(&format!("{directory}/{stem}.md")).into(),
        directory: std::path::Path::new(&directory).into(),
        workspace: workspace.map(Into::into),
        modified: None,
    })
}

fn preference(agent: &str, model: &str) -> AgentPreference {
    AgentPreference { agent: agent.into(), model: model.into(), since: Timestamp::from_seconds(1_800_000_000) }
}

fn knowing(definitions: &[Arc<AgentDefinition>], preferences: &[AgentPreference]) -> Agents {
    let agents = Agents::default();
    let workspaces = [Arc::from("/w/one"), Arc::from("/w/two")];
    let named = HashMap::from([("/link".into(), "/w/one".into())]);
    agents.replace(Snapshot::new(definitions, preferences, &workspaces, &named));
    agents
}

#[test]
fn a_prompt_names_its_agent_where_it_is_the_whole_text_or_ends_with_a_blank_line() {
    let agents = knowing(
        &[
            definition("short", "short", "You review", None),
            definition("long", "long", "You review\n\ncode.", None),
            definition("empty", "empty", "", None),
        ],
        &[],
    );
    for (text, id) in [
        ("You review", Some("short")),
        ("\n You review \n", Some("short")),
        ("You review\n\nMessages from the agent that launched you", Some("short")),
        ("You review\n\ncode.", Some("long")),
        ("You review\n\ncode.\n\nMore", Some("long")),
        ("You review\n\ncode. More", Some("short")),
        ("You review\nmore", None),
        ("You reviewer", None),
        ("Please: You review", None),
        ("", None),
        ("anything", None),
    ] {
        assert_eq!(agents.named_by(text, None).map(|it| it.id.to_string()).as_deref(), id, "{text:?}");
    }
}

#[test]
fn of_equal_prompts_the_workspaces_own_goes_first_and_then_the_global_one() {
    let (one, two) = (Some("/w/one"), Some("/w/two"));
    let agents = knowing(
        &[
            definition("a", "a", "Same.", None),
            definition("one:a", "a", "Same.", one),
            definition("two:a", "a", "Same.", two),
            definition("one:only", "only", "Only.", one),
        ],
        &[],
    );
    let id = |text: &str, workspace| agents.named_by(text, workspace).map(|it| it.id.to_string());
    for (workspace, expected) in [
        (None, "a"),
        (one, "one:a"),
        (two, "two:a"),
        (Some("/w/one/deep/er"), "one:a"),
        (Some("/link/x"), "one:a"),
        (Some("/w/onelike"), "a"),
        (Some("/elsewhere"), "a"),
    ] {
        assert_eq!(id("Same.", workspace).as_deref(), Some(expected), "{workspace:?}");
        assert_eq!(agents.by_name("a", workspace).expect("one").id.as_ref(), expected, "{workspace:?}");
    }
    // The same words name the same agent wherever it was copied to; a name alone does not.
    assert_eq!(id("Only.", two).as_deref(), Some("one:only"));
    assert_eq!(agents.by_name("only", two), None);
    assert_eq!(agents.by_name("only", None).expect("any").id.as_ref(), "one:only");
}

#[test]
fn line_ends_do_not_hide_an_agent() {
    let agents = knowing(&[definition("a", "a", "One.\r\n\r\nTwo.", None)], &[]);
    for text in ["One.\r\n\r\nTwo.", "One.\n\nTwo.", "One.\n\nTwo.\n\nMore", "One.\r\n\r\nTwo.\r\n\r\nMore"] {
        assert!(agents.named_by(text, None).is_some(), "{text:?}");
    }
}

#[test]
fn a_preference_is_the_ids_else_the_names_else_everybodys() {
    let one = Some("/w/one");
    let definitions =
        [definition("a", "a", "x", None), definition("one:a", "a", "y", one), definition("b", "b", "z", None)];
    let agents = knowing(
        &definitions,
        &[
            preference("one:a", "opus"),
            preference("a", "claude-haiku-4-5"),
            preference("b", INHERIT),
            preference("Explore", "haiku"),
        ],
    );
    let preferred = |agent, workspace| agents.preferred_model(agent, workspace).map(|it| it.to_string());
    for (agent, workspace, expected) in [
        ("one:a", None, Some("claude-opus-5-5")),
        ("a", one, Some("claude-opus-5-5")),
        ("a", Some("/w/two"), Some("claude-haiku-4-5")),
        ("Explore", one, Some("claude-haiku-5-5")),
        ("b", None, None),
        ("unknown", None, None),
    ] {
        assert_eq!(preferred(agent, workspace).as_deref(), expected, "{agent} in {workspace:?}");
    }
    let agents = knowing(&definitions, &[preference("b", INHERIT), preference("*", "sonnet")]);
    let preferred = |agent| agents.preferred_model(agent, None).map(|it| it.to_string());
    assert_eq!(preferred("unknown").as_deref(), Some("claude-sonnet-5-5"));
    assert_eq!(preferred("b"), None, "who inherits is left alone by everybody's, too");
}

#[test]
fn sightings_never_wait_and_what_is_too_long_is_none() {
    let (agents, mut seen) = Agents::new();
    for path in ["", &"x".repeat(LONGEST + 1)] {
        agents.seen_workspace(path);
        agents.seen_agent(path, None);
    }
    for _ in 0..QUEUE * 2 {
        agents.seen_workspace("/w");
    }
    assert_eq!(seen.len(), QUEUE);
    assert_eq!(seen.try_recv(), Ok(Sighting::Workspace("/w".into())));
    agents.seen_agent("a", Some("/w"));
    assert_eq!(seen.len(), QUEUE);
    drop(seen);
    agents.seen_agent("a", None);
}
