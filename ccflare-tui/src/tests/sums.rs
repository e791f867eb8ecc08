//! What requests add up to: overview, analytics, statistics.

use std::time::Duration;

use ccflare_core::{
    domain::NanoUsd,
    report::{Count, Money},
};
use ccflare_mock::Step;
use cursive::event::Key;

use super::{SIZES, Stage};
use crate::model::{Group, Metric};

/// A stage on which three requests were answered, one of them after a fail-over, and one was refused.
fn stage(size: (usize, usize)) -> Stage {
    let mut stage = Stage::with(size, &["a", "b"]);
    stage.mock.script("a", [Step::billing()]);
    for model in ["claude-opus-5-5", "claude-opus-5-5", "claude-haiku-4-5"] {
        assert_eq!(stage.ask(model), 200);
        stage.wait(Duration::from_secs(90));
    }
    stage.mock.script("b", [Step::bad_request()]);
    assert_eq!(stage.ask("claude-opus-5-5"), 400);
    stage.wait(Duration::from_secs(30));
    // What is said from now on is not of five minutes ago.
    stage.sees(&["08:05:00"]);
    stage
}

/// What the stage's requests cost, as it is printed.
fn cost(stage: &Stage) -> String {
    Money(stage.requests().iter().filter_map(|request| request.cost_nano_usd).map(NanoUsd).sum()).to_string()
}

#[test]
fn the_overview_shows_the_ledgers_numbers() {
    for size in SIZES {
        let mut stage = stage(size);
        let cost = cost(&stage);
        stage.sees(&[
            "REQUESTS",
            "SUCCESS",
            "75 %",
            "P50/P95",
            "COST",
            &cost,
            "FROM CACHE",
            "1 moved to another account",
        ]);
        stage.sees(&["on hold", "▶ b", "Latest requests", "answered", "claude-haiku-4-5"]);
        let tokens: u64 = stage.requests().iter().filter_map(|request| request.total_tokens).sum();
        stage.sees(&[&format!("{} tokens", Count(tokens))]);
        stage.press(Key::Left);
        stage.press(Key::Left);
        stage.sees(&["75 %"]);
        assert_eq!(stage.row_of(" 1h "), 2);
    }
}

#[test]
fn every_number_and_every_sum_of_the_analytics_is_shown() {
    for size in SIZES {
        let mut stage = stage(size);
        let cost = cost(&stage);
        stage.type_in("4");
        stage.sees(&["4 requests · 75 % ok", &cost, "By model", "claude-opus-5-5", "claude-haiku-4-5", "33.3 %"]);
        (0..2).for_each(|_| stage.press(Key::Left));
        for metric in Metric::ALL {
            stage.sees(&[metric.title(), "By model"]);
            if metric.is_sum() {
                stage.sees(&["a bar is"]);
            }
            stage.type_in("m");
        }
        for group in Group::ALL {
            stage.sees(&[&format!("By {}", group.title())]);
            stage.type_in("b");
        }
        stage.type_in("v");
        stage.sees(&["by model", "■ claude-opus-5-5", "■ claude-haiku-4-5"]);
        stage.type_in("c");
        stage.sees(&["summed up, by model"]);
    }
}

#[test]
fn the_analytics_are_filtered_by_a_form() {
    let mut stage = stage((80, 24));
    stage.type_in("4");
    stage.sees(&["4 requests"]);
    stage.type_in("f");
    stage.sees(&["Which requests", "Client keys"]);
    stage.press(Key::Tab);
    stage.type_in("claude-haiku-4-5");
    (0..4).for_each(|_| stage.press(Key::Enter));
    let screen = stage.sees(&["1 requests · 100 % ok", "model claude-haiku-4-5"]);
    assert!(!screen.contains("Which requests"), "{screen}");
    stage.type_in("q");
    stage.sees(&["4 requests"]);
}

#[test]
fn statistics_are_shown_and_forgotten_after_a_word() {
    for size in SIZES {
        let mut stage = stage(size);
        let cost = cost(&stage);
        stage.type_in("5");
        stage.sees(&["Since the statistics began", &cost, "Models used most", "claude-opus-5-5"]);
        let mut seen = String::new();
        for _ in 0..10 {
            stage.press(Key::PageDown);
            seen += &stage.screen();
        }
        assert!(seen.contains("Latest errors") && seen.contains("Accounts"), "{seen}");
        stage.type_in("x");
        stage.sees(&["All finished requests are forgotten"]);
        stage.type_in("yes");
        stage.press(Key::Enter);
        stage.sees(&["to forget everything, type"]);
        (0..3).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("reset");
        stage.press(Key::Enter);
        stage.sees(&["4 requests forgotten"]);
        assert!(stage.requests().is_empty());
    }
}
