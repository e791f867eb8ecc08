//! The requests.

use std::time::Duration;

use ccflare_mock::Step;
use cursive::event::Key;

use super::{SIZES, Stage};

#[test]
fn a_request_appears_and_its_attempts_say_why_it_moved() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a", "b"]);
        stage.type_in("3");
        stage.sees(&["No finished requests yet"]);
        stage.mock.script("a", [Step::billing()]);
        assert_eq!(stage.ask("claude-opus-5-5"), 200);
        stage.wait(Duration::from_secs(3));
        stage.sees(&["claude-opus-5-5", "200"]);
        let request = stage.requests().remove(0);
        stage.press(Key::Enter);
        stage.sees(&[
            "POST /v1/messages",
            "Attempts",
            " 1  a  as",
            "402 billing",
            " 2  b  as fail over",
            "200 success",
            &request.id,
        ]);
        let cost = format!("{:#}", crate::screens::cost(&request));
        stage.sees(&[&cost, "fresh"]);
        stage.type_in("q");
        stage.misses("Attempts");
    }
}

#[test]
fn a_filter_shows_what_has_all_its_words() {
    let mut stage = Stage::with((80, 24), &["a"]);
    stage.ask("claude-opus-5-5");
    stage.ask("claude-haiku-4-5");
    stage.type_in("3");
    stage.sees(&["claude-opus-5-5", "claude-haiku-4-5"]);
    stage.type_in("/HAIKU 200");
    stage.misses("opus");
    stage.press(Key::Enter);
    stage.sees(&["claude-haiku-4-5", "/HAIKU 200"]);
    stage.type_in("/ nothing");
    stage.sees(&["No request has these words"]);
    stage.press(Key::Esc);
    stage.sees(&["claude-opus-5-5", "claude-haiku-4-5"]);
}

#[test]
fn older_ones_come_as_they_are_looked_for() {
    let mut stage = Stage::with((80, 24), &["a"]);
    for _ in 0..130 {
        stage.ask("claude-opus-5-5");
        stage.wait(Duration::from_millis(10));
    }
    stage.type_in("3");
    stage.sees(&["of 100"]);
    stage.type_in("G");
    stage.sees(&["of 130"]);
    stage.type_in("G");
    let oldest = stage.requests_in_all(1000).pop().expect("130");
    stage.press(Key::Enter);
    stage.sees(&[&oldest.id]);
}

#[test]
fn the_chosen_request_stays_chosen_while_others_arrive() {
    let mut stage = Stage::with((80, 24), &["a"]);
    stage.ask("claude-haiku-4-5");
    stage.wait(Duration::from_millis(10));
    stage.ask("claude-opus-5-5");
    stage.type_in("3");
    stage.sees(&["claude-opus-5-5"]);
    stage.press(Key::Down);
    stage.wait(Duration::from_secs(3));
    stage.ask("claude-sonnet-5-5");
    stage.wait(Duration::from_secs(3));
    stage.sees(&["claude-sonnet-5-5"]);
    stage.press(Key::Enter);
    stage.sees(&["Attempts", "claude-haiku-4-5"]);
}

#[test]
fn a_request_that_is_shown_whole_stays_while_others_arrive() {
    let mut stage = Stage::with((80, 24), &["a"]);
    stage.ask("claude-opus-5-5");
    stage.type_in("3");
    stage.sees(&["claude-opus-5-5"]);
    stage.press(Key::Enter);
    let first = stage.requests().remove(0).id;
    stage.sees(&["Attempts", &first]);
    stage.wait(Duration::from_secs(3));
    stage.ask("claude-haiku-5-5");
    let second = stage.requests().remove(0).id;
    stage.wait(Duration::from_secs(3));
    stage.press(Key::Esc);
    stage.sees(&["claude-haiku-5-5"]);
    stage.press(Key::Enter);
    stage.sees(&["Attempts", &first]);
    stage.press(Key::Left);
    stage.sees(&["Attempts", &second]);
    stage.ask("claude-sonnet-5-5");
    stage.wait(Duration::from_secs(3));
    stage.press(Key::Esc);
    stage.sees(&["claude-sonnet-5-5"]);
    stage.press(Key::Enter);
    stage.sees(&["Attempts", &second]);
}
