//! Client keys, and what operators changed.

use cursive::event::Key;

use super::{SIZES, Stage};
use crate::model::Screen;

#[test]
fn a_key_is_made_shown_once_exchanged_and_revoked() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["work"]);
        stage.type_in(&Screen::Keys.number());
        stage.sees(&["No client keys yet", "What operators changed"]);
        stage.type_in("a");
        stage.sees(&["Make a client key"]);
        stage.type_in("ci");
        stage.press(Key::Enter);
        stage.sees(&["The key of ci", "It is not shown again.", "ccf"]);
        stage.press(Key::Esc);
        stage.sees(&["ci", "valid", "never"]);
        stage.misses("It is not shown again.");
        stage.type_in("x");
        stage.sees(&["Exchange ci"]);
        stage.type_in("ci");
        stage.press(Key::Enter);
        stage.sees(&["The key of ci"]);
        stage.press(Key::Esc);
        stage.misses("It is not shown again.");
        stage.type_in("d");
        stage.type_in("another");
        stage.press(Key::Enter);
        stage.sees(&["type exactly this name: ci"]);
        (0..7).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("ci");
        stage.press(Key::Enter);
        stage.sees(&["key \"ci\" revoked", "revoked"]);
        let keys = stage.behind(stage.control.client_keys()).expect("keys");
        assert!(keys.iter().all(|key| key.state == "revoked"), "{keys:?}");
    }
}
