//! A face that breaks gives the terminal back, and says why only then. Tried on a terminal of its own (`script` makes it).

use std::{process::Command, sync::Arc, time::Duration};

use ccflare_core::{clock::Clock, domain::Timestamp};
use ccflare_tui::{Colours, Face, run};

const CHILD: &str = "CCFLARE_TUI_TEST_CHILD";

/// A clock that breaks whoever looks at it.
#[derive(Debug)]
struct Broken;

impl Clock for Broken {
    fn now(&self) -> Timestamp {
        panic!("no time to lose")
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// What runs on that terminal; nothing, unless it is asked to.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let face = Face {
        colours: Colours::True,
        place: "nowhere".to_owned(),
        connect: Box::pin(std::future::pending()),
        browse: None,
        clock: Arc::new(Broken),
    };
    let broke = run(face, runtime.handle()).expect_err("it breaks");
    println!("AFTERWARDS: {broke}");
}

#[test]
fn the_terminal_is_given_back_before_it_is_said_why() {
    let me = std::env::current_exe().expect("this test");
    let child = format!("{} --exact child --nocapture", me.display());
    let ran =
        Command::new("script").args(["-qec", &child, "/dev/null"]).env(CHILD, "1").output().expect("`script` runs");
    let shown = String::from_utf8_lossy(&ran.stdout);
    let at = |what: &str| shown.find(what).unwrap_or_else(|| panic!("{what:?} is not in {shown:?}"));
    let (taken, left, said) = (at("\u{1b}[?1049h"), at("\u{1b}[?1049l"), at("AFTERWARDS"));
    assert!(taken < left && left < said, "{shown:?}");
    assert!(at("\u{1b}[?25h") < said, "the cursor is back");
    assert!(at("\u{1b}[?1000l") < said, "the mouse is free");
    assert!(shown.contains("a bug in it") && shown.contains("no time to lose"), "{shown:?}");
    assert!(!shown[..left].contains("no time to lose"), "nothing is said on the screen that goes away");
}
