//! What happens is on the screen without being asked for: the clock, which says when to ask, stands still here.

use std::sync::Arc;

use ccflare_core::{
    control::views::{AccountEdit, EventDetail, EventView, LogLineView},
    domain::Timestamp,
    logs::LogLevel,
};
use ccflare_mock::Step;
use cursive::event::{Event, Key};

use super::{SIZES, Stage, stage::START};
use crate::model::{Failure, Message, Reply};

#[test]
fn a_request_is_seen_under_way_and_at_its_end() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a"]);
        stage.sees(&["no finished requests yet", "1 of 1 accounts"]);
        stage.settle();
        let started = EventDetail::Started {
            request: "01".into(),
            method: "POST".into(),
            path: "/v1/messages".into(),
            model: Some("claude-opus-5-5".into()),
            client_key: None,
            session: None,
            agent: Some("explorer".into()),
            workspace: None,
        };
        stage.tell(events([started]));
        stage.sees(&["sent", "claude-opus-5-5", "explorer"]);
        stage.tell(events([EventDetail::FirstToken { request: "01".into(), elapsed_ms: 3.0 }]));
        stage.sees(&["streaming"]);

        assert_eq!(stage.ask("claude-haiku-4-5"), 200);
        stage.sees(&["answered", "claude-haiku-4-5"]);
    }
}

#[test]
fn what_others_do_is_seen() {
    let mut stage = Stage::with((80, 24), &["a", "b"]);
    stage.type_in("2");
    stage.sees(&["TIGHTEST LIMIT"]);
    stage.settle();
    stage.behind(stage.control.edit_account("b", AccountEdit::Pause)).expect("paused");
    stage.sees(&["paused", "1 of 2 accounts can serve"]);
    stage.mock.script("a", [Step::billing()]);
    stage.ask("claude-opus-5-5");
    stage.sees(&["a is closed: ", "0 of 2 accounts can serve"]);
}

#[test]
fn a_lost_server_is_seen_and_found_again() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["a"]);
        stage.sees(&["● 127.0.0.1:8080", "a  active"]);
        stage.settle();
        let failure = Failure { is_lost: true, says: "no ccflare server at http://127.0.0.1:8080".to_owned() };
        stage.tell(Message::Reply(Box::new(Reply::Status(Err(failure)))));
        stage.sees(&["✗ no answer for 0 s: no ccflare server at", "a  active"]);
        stage.wait(std::time::Duration::from_secs(5));
        stage.sees(&["the server answers again", "● 127.0.0.1:8080"]);
    }
}

fn events<const N: usize>(details: [EventDetail; N]) -> Message {
    let at = |number: usize| START + std::time::Duration::from_millis(number as u64);
    let event = |(number, detail)| Arc::new(EventView::new(number as u64 + 1, at(number).to_string(), detail));
    Message::Events(details.into_iter().enumerate().map(event).collect())
}

fn line(second: i64, level: LogLevel, msg: &str) -> EventDetail {
    let ts = Timestamp::from_seconds(1_800_000_000 + second).as_millis();
    let data = serde_json::json!({ "account": "work" }).as_object().cloned().expect("an object");
    EventDetail::Log {
        line: LogLineView { ts, level, target: "ccflare_core".into(), msg: msg.into(), request: None, data },
    }
}

#[test]
fn the_log_is_followed_paused_filtered_and_shown_by_level() {
    for size in SIZES {
        let mut stage = Stage::with(size, &[]);
        stage.type_in("6");
        stage.sees(&["Log", "following"]);
        stage.settle();
        stage.tell(events([line(1, LogLevel::Info, "first"), line(2, LogLevel::Error, "second")]));
        stage.sees(&["08:00:01 INFO", "first account=work", "08:00:02 ERROR", "second"]);
        stage.event(Event::Char(' '));
        stage.tell(events([line(3, LogLevel::Warn, "third")]));
        let screen = stage.sees(&["paused, 1 more since"]);
        assert!(!screen.contains("third"), "{screen}");
        stage.event(Event::Char(' '));
        stage.sees(&["third", "following"]);
        stage.type_in("v");
        stage.sees(&["ERROR and graver", "second"]);
        stage.misses("third");
        (0..4).for_each(|_| stage.type_in("v"));
        stage.type_in("/fir");
        stage.press(Key::Enter);
        stage.misses("second");
        stage.press(Key::Esc);
        stage.sees(&["second"]);
        for number in 0..80 {
            stage.tell(events([line(10 + number, LogLevel::Info, &format!("line {number}"))]));
        }
        stage.sees(&["line 79"]);
        stage.press(Key::PageUp);
        stage.sees(&["newer below"]);
        stage.misses("line 79");
        stage.type_in("G");
        stage.sees(&["line 79", "following"]);
    }
}

#[test]
fn the_log_level_is_asked_for_and_what_is_wrong_with_it_is_said() {
    let mut stage = Stage::with((80, 24), &[]);
    stage.type_in("6");
    stage.type_in("L");
    stage.sees(&["What the server logs", "until the next start"]);
    stage.type_in("debug");
    stage.press(Key::Enter);
    // This stage keeps no log; that is an answer, too, and it is said in the form.
    let screen = stage.until("an answer", |screen| screen.contains("log") && screen.contains("What the server logs"));
    assert!(screen.contains("debug"), "{screen}");
}
