//! From a request to its session, and from there to its requests.

use std::time::Duration;

use cursive::event::Key;

use super::{SIZES, Stage};

const SESSION: &str = "c0ffee00-0000-4000-8000-000000000001";

#[test]
fn a_request_leads_to_its_session_and_that_to_its_requests() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a"]);
        let who = [("x-claude-code-session-id", SESSION)];
        let sub = [who[0], ("x-claude-code-agent-id", "sub-1")];
        let below = [who[0], ("x-claude-code-agent-id", "sub-2"), ("x-claude-code-parent-agent-id", "sub-1")];
        for (model, headers) in
            [("claude-opus-5-5", &who[..]), ("claude-sonnet-5-5", &sub[..]), ("claude-haiku-5-5", &below[..])]
        {
            stage.ask_with(model, headers);
            stage.wait(Duration::from_secs(1));
        }
        stage.ask_with("claude-fable-5", &[("content-encoding", "gzip")]);
        stage.type_in("3");
        stage.sees(&["/v1/messages", "claude-opus-5-5"]);
        stage.type_in("s");
        stage.sees(&["named no session"]);
        stage.press(Key::Down);
        stage.press(Key::Enter);
        stage.sees(&["Attempts", "claude-haiku-5-5", SESSION]);
        stage.type_in("s");
        let screen = stage.sees(&[
            &format!("Session {SESSION}"),
            "3 requests",
            "the client itself",
            "└ sub-agent sub-1",
            "  └ sub-agent sub-2",
            "with those below",
            "claude-opus-5-5",
        ]);
        assert!(!screen.contains("/v1/messages"), "only its own requests:\n{screen}");
        stage.press(Key::Down);
        stage.press(Key::Enter);
        stage.sees(&["Attempts", "claude-sonnet-5-5"]);
        stage.press(Key::Left);
        stage.sees(&["Attempts", "claude-haiku-5-5"]);
        // Back the way one came: its requests, the request, all requests.
        stage.type_in("q");
        stage.sees(&["the client itself"]);
        stage.type_in("q");
        stage.sees(&["Attempts", "claude-haiku-5-5"]);
        stage.type_in("q");
        stage.sees(&["/v1/messages", "claude-opus-5-5"]);
    }
}

#[test]
fn a_session_goes_on_while_it_is_looked_at() {
    let mut stage = Stage::with((80, 24), &["a"]);
    let who = [("x-claude-code-session-id", SESSION)];
    stage.ask_with("claude-opus-5-5", &who);
    stage.type_in("3");
    stage.sees(&["claude-opus-5-5"]);
    stage.type_in("s");
    stage.sees(&["1 request ", "the client itself"]);
    stage.wait(Duration::from_secs(6));
    stage.ask_with("claude-haiku-5-5", &who);
    stage.wait(Duration::from_secs(6));
    stage.sees(&["2 requests", "claude-haiku-5-5"]);
    stage.type_in("/haiku");
    stage.press(Key::Enter);
    stage.until("one row", |screen| screen.matches("claude-opus-5-5").count() == 1);
}
