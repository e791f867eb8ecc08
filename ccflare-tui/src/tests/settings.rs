//! The settings.

use ccflare_core::control::views::{DeliveryView, WebhookView};
use cursive::event::Key;

use super::{SIZES, Stage, stage::START};
use crate::model::Screen;

#[test]
fn the_strategy_is_changed_for_another() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a"]);
        stage.type_in(&Screen::Settings.number());
        stage.sees(&["Strategy  session  one account for everybody"]);
        stage.settle();
        stage.type_in("s");
        stage.sees(&["How accounts are chosen", "session: one account", "conversation: each conversation"]);
        stage.press(Key::Enter);
        stage.press(Key::Down);
        stage.press(Key::Enter);
        stage.press(Key::Tab);
        stage.press(Key::Enter);
        stage.sees(&["conversation decides now", "Strategy  conversation  each conversation keeps its account"]);
        stage.ask("claude-opus-5-5");
        stage.type_in("3");
        stage.sees(&["claude-opus-5-5"]);
        stage.press(Key::Enter);
        stage.sees(&["Decided by conversation", "1. a: "]);
    }
}

#[test]
fn a_setting_is_changed_taken_back_and_read_anew() {
    for size in SIZES {
        let mut stage = Stage::with(size, &[]);
        stage.type_in(&Screen::Settings.number());
        stage.sees(&[
            "Strategy  session",
            "session_duration",
            "default",
            "/etc/ccflare.toml",
            "the session duration of the stage",
        ]);
        stage.press(Key::Enter);
        stage.sees(&["The session duration of the stage. It takes effect at once."]);
        stage.type_in("nonsense");
        stage.press(Key::Enter);
        stage.sees(&["is no duration"]);
        (0..8).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("2h");
        stage.press(Key::Enter);
        stage.sees(&["session_duration written", "2h", "file (line 1)"]);
        stage.type_in("u");
        stage.sees(&["session_duration taken out of the file"]);
        stage.misses("file (line 1)");
        stage.type_in("R");
        stage.sees(&["changed: listen"]);
        stage.type_in("/admin");
        stage.press(Key::Enter);
        stage.misses("session_duration ");
        stage.press(Key::Enter);
        stage.sees(&["It takes effect at the next start."]);
        stage.type_in("canary");
        let screen = stage.sees(&["******"]);
        assert!(!screen.contains("canary"), "{screen}");
        stage.press(Key::Enter);
        let screen = stage.sees(&["admin_token written", "(secret)"]);
        assert!(!screen.contains("canary"), "{screen}");
    }
}

fn hook(host: &str, last: Option<(&str, Option<u16>, Option<&str>)>) -> WebhookView {
    let last = last.map(|(outcome, status, error)| DeliveryView {
        at: START.to_string(),
        event: "limit".to_owned(),
        outcome: outcome.to_owned(),
        tries: 1,
        status,
        error: error.map(str::to_owned),
    });
    let events = ["limit", "loginNeeded", "moved"].map(str::to_owned).to_vec();
    WebhookView { host: host.to_owned(), events, delivered: 12, given_up: 3, last }
}

#[test]
fn receivers_are_listed_with_what_became_of_what_they_were_told() {
    for size in SIZES {
        let hooks = vec![
            hook("chat.example", Some(("delivered", Some(204), None))),
            hook("alerts.example", Some(("given_up", Some(500), None))),
        ];
        let mut stage = Stage::with_webhooks(size, hooks);
        stage.type_in(&Screen::Settings.number());
        stage.sees(&[
            "session_duration",
            "admin_token",
            "the session duration of the stage",
            "─ Webhooks ─",
            "chat.example  12 delivered  3 given up",
            "limit delivered just now · told of limit, loginNeeded, moved",
            "alerts.example  12 delivered  3 given up",
            "limit given up just now: answered 500 · told of limit, login",
        ]);
    }
}

#[test]
fn one_that_cant_be_reached_says_why_and_one_that_was_told_nothing_says_that() {
    for size in SIZES {
        let hooks =
            vec![hook("alerts.example", Some(("retrying", None, Some("no route")))), hook("chat.example", None)];
        let mut stage = Stage::with_webhooks(size, hooks);
        stage.type_in(&Screen::Settings.number());
        stage
            .sees(&["limit trying again just now: no route · told of", "nothing sent since the start · told of limit"]);
    }
}

#[test]
fn very_many_receivers_leave_room_for_the_settings() {
    for size in SIZES {
        let hooks = (0..30).map(|number| hook(&format!("host-{number}.example"), None)).collect();
        let mut stage = Stage::with_webhooks(size, hooks);
        stage.type_in(&Screen::Settings.number());
        stage.sees(&["session_duration", "admin_token", "host-1.example", "of 30, all in `ccflare config show`"]);
        // A row is still found where it stands.
        let row = stage.row_of("listen ");
        stage.click(5, row);
        stage.sees(&["the listen of the stage"]);
    }
}

#[test]
fn where_nobody_is_told_there_is_no_list_of_receivers() {
    let mut stage = Stage::with(SIZES[0], &[]);
    stage.type_in(&Screen::Settings.number());
    stage.sees(&["session_duration"]);
    stage.misses("Webhooks");
}

#[test]
fn where_the_settings_are_another_programs_that_is_said_and_nobody_is_lost() {
    for size in SIZES {
        let mut stage = Stage::without_settings(size);
        stage.type_in(&Screen::Settings.number());
        let screen = stage.sees(&["the settings here are those of the program", "● 127.0.0.1:8080"]);
        assert!(!screen.contains("no answer"), "{screen}");
    }
}
