//! What is around every screen.

use cursive::{
    event::{Event, Key},
    style::Color,
};

use super::{SIZES, Stage};
use crate::{Colours, keys, model::Screen};

#[test]
fn numbers_and_tab_lead_to_every_screen() {
    for size in SIZES {
        let mut stage = Stage::with(size, &["work"]);
        stage.sees(&["● 127.0.0.1:8080", "1 of 1 accounts can serve"]);
        for (number, screen) in Screen::ALL.iter().enumerate() {
            stage.type_in(&(number + 1).to_string());
            stage.sees(&[screen.title()]);
        }
        stage.event(Event::Key(Key::Tab));
        stage.sees(&["Latest requests"]);
        stage.event(Event::Shift(Key::Tab));
        stage.misses("Latest requests");
        stage.type_in("q");
        stage.sees(&["Latest requests"]);
        stage.type_in("q");
        assert!(!stage.runner.is_running(), "q on the overview leaves");
    }
}

#[test]
fn the_help_lists_every_key() {
    for size in SIZES {
        let mut stage = Stage::with(size, &[]);
        stage.type_in("?");
        let mut seen = stage.sees(&["Overview", "a longer time", "Everywhere"]);
        for _ in 0..12 {
            stage.press(Key::PageDown);
            seen += &stage.screen();
        }
        for (_, key, does) in keys::table() {
            assert!(seen.contains(&format!("{key:<11}{does}")), "{key}: {does}\n{seen}");
        }
        stage.type_in("?");
        stage.misses("Everywhere");
    }
}

#[test]
fn the_documentation_lists_the_same_keys() {
    let documented = include_str!("../../../docs/tui.md");
    let rows: Vec<_> = documented.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<_> =
        keys::table().iter().map(|(place, key, does)| format!("| `{key}` | {place} | {does} |")).collect();
    assert_eq!(rows, wanted, "docs/tui.md has to have these rows:\n{}", wanted.join("\n"));
}

#[test]
fn tabs_and_keys_can_be_clicked() {
    let mut stage = Stage::with((80, 24), &["work"]);
    stage.sees(&["● 127.0.0.1:8080"]);
    let screen = stage.screen();
    let x = screen.lines().next().and_then(|tabs| tabs.find("2Accounts")).expect("the tab");
    stage.click(x + 3, 0);
    let screen = stage.sees(&["TIGHTEST LIMIT", "p pause"]);
    let foot = screen.lines().last().expect("a bottom line");
    let x = foot.find("p pause").expect("the key");
    stage.click(foot[..x].chars().count(), 23);
    stage.sees(&["account \"work\" paused"]);
    assert!(stage.account("work").is_some_and(|account| account.paused));
}

#[test]
fn without_colours_there_are_none_and_with_sixteen_only_those() {
    let is_own = |color: Color| color == Color::TerminalDefault;
    let is_one_of_sixteen = |color: Color| is_own(color) || matches!(color, Color::Dark(_) | Color::Light(_));
    for (colours, holds) in [(Colours::None, &is_own as &dyn Fn(Color) -> bool), (Colours::Sixteen, &is_one_of_sixteen)]
    {
        let mut stage = Stage::set((80, 24), &["work"], Default::default(), colours);
        stage.type_in("2");
        stage.sees(&["TIGHTEST LIMIT"]);
        stage.type_in("a");
        stage.sees(&["API key"]);
        for cell in stage.cells() {
            let colors = cell.style.colors;
            assert!(holds(colors.front) && holds(colors.back), "{colours:?}: {cell:?}");
        }
    }
}

#[test]
fn a_narrow_screen_breaks_nothing() {
    for size in [(1, 1), (10, 3), (20, 6), (40, 10), (200, 60)] {
        let mut stage = Stage::with(size, &["work"]);
        stage.ask("claude-opus-5-5");
        for key in "123456789?".chars() {
            stage.type_in(&key.to_string());
            stage.until("a frame", |_| true);
        }
    }
}

#[test]
fn a_line_that_is_longer_than_the_screen_says_so() {
    let mut stage = Stage::with((80, 24), &["a"]);
    stage.type_in(&Screen::Settings.number());
    stage.sees(&["session_duration"]);
    stage.type_in("s");
    stage.sees(&["How accounts are chosen"]);
    stage.press(Key::Enter);
    stage.press(Key::Down);
    stage.press(Key::Enter);
    stage.press(Key::Tab);
    stage.press(Key::Enter);
    stage.sees(&["Strategy  conversation  each conversation keeps its account; new ones go where …"]);
}
