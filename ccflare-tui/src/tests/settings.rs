//! The settings.

use cursive::event::Key;

use super::{SIZES, Stage};

#[test]
fn the_strategy_is_changed_for_another() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a"]);
        stage.type_in(&crate::model::Screen::Settings.number());
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
        stage.type_in(&crate::model::Screen::Settings.number());
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
        stage.sees(&["session_duration written"]);
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
