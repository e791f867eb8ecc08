//! The agents and the models preferred for them.

use std::fs;

use ccflare_core::{agents::AgentOptions, gateway::GatewayOptions};
use cursive::event::Key;

use super::{SIZES, Stage};
use crate::model::Screen;

/// A stage with an agent that a file defines, and a file that defines none.
fn stage(size: (usize, usize)) -> (Stage, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    let reviewer =
        "---\nname: reviewer\ndescription: Reviews code\nmodel: opus\ncolor: blue\ntools: Read, Grep\n---\n\nYou do.\n";
    fs::write(home.path().join("reviewer.md"), reviewer).expect("written");
    fs::write(home.path().join("broken.md"), "---\nname: [\n---\n").expect("written");
    let mut agents = AgentOptions::default();
    agents.directories = vec![home.path().to_owned()];
    let mut options = GatewayOptions::default();
    options.agents = agents;
    let mut stage = Stage::with_options(size, options);
    stage.type_in(&Screen::Agents.number());
    (stage, home)
}

#[test]
fn an_agent_is_seen_and_a_model_preferred_for_it() {
    for size in SIZES {
        let (mut stage, _home) = stage(size);
        stage.sees(&[
            "others are sent with the one they ask for",
            "● reviewer",
            "global",
            "Reviews code",
            "Read, Grep",
        ]);
        stage.sees(&["✗ ", "broken.md"]);
        stage.press(Key::Enter);
        stage.sees(&["A model for reviewer", "an alias such as opus"]);
        stage.type_in("nothing");
        stage.press(Key::Enter);
        stage.until("a complaint", |screen| {
            screen.contains("A model for reviewer") && screen.matches("nothing").count() > 2
        });
        (0..7).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("claude-sonnet-5-5");
        stage.press(Key::Enter);
        stage.sees(&["reviewer prefers claude-sonnet-5-5", "preferred for this agent"]);
        let agents = stage.behind(stage.control.agents()).expect("agents");
        assert_eq!(agents.agents[0].preference.as_deref(), Some("claude-sonnet-5-5"));
        stage.type_in("u");
        stage.sees(&["nothing is preferred for reviewer"]);

        stage.type_in("A");
        stage.sees(&["A model for every agent"]);
        stage.type_in("haiku");
        stage.press(Key::Enter);
        stage.sees(&["1 agents prefer haiku"]);
        stage.type_in("D");
        stage.sees(&["The model of all other agents"]);
        stage.type_in("sonnet");
        stage.press(Key::Enter);
        stage.sees(&["others are sent with sonnet"]);
    }
}
