//! Everything that can be done with accounts.

use std::{sync::Arc, time::Duration};

use ccflare_core::domain::Tier;
use ccflare_mock::{ErrorAnswer, KeyConfig, MockConfig, RateLimits, Step, UnifiedLimits};
use cursive::event::Key;

use super::{SIZES, Stage, stage::START};
use crate::Colours;

fn after(seconds: u64) -> u64 {
    u64::try_from(START.as_micros() / 1_000_000).expect("after 1970") + seconds
}

/// A stage that shows its accounts.
fn stage(size: (usize, usize), accounts: &[&str]) -> Stage {
    let mut stage = Stage::with(size, accounts);
    stage.type_in("2");
    stage.sees(if accounts.is_empty() { &["No accounts yet"] } else { &["TIGHTEST LIMIT"] });
    stage
}

#[test]
fn an_account_is_added_by_its_key_which_nobody_sees() {
    for size in SIZES {
        let mut stage = stage(size, &[]);
        stage.type_in("a");
        stage.sees(&["Add an account by its API key", "API key"]);
        stage.type_in("work");
        stage.press(Key::Enter);
        stage.type_in("sk-ant-canary");
        let screen = stage.sees(&["*************"]);
        assert!(!screen.contains("canary"), "{screen}");
        stage.press(Key::Enter);
        stage.press(Key::Enter);
        stage.press(Key::Backspace);
        stage.type_in("3");
        stage.press(Key::Enter);
        // The last field is a choice; the button stands behind it.
        stage.press(Key::Tab);
        stage.press(Key::Enter);
        let screen = stage.sees(&["account \"work\" added", "TIGHTEST LIMIT"]);
        assert!(!screen.contains("Add an account"), "{screen}");
        let added = stage.account("work").expect("it is there");
        assert_eq!((added.priority, added.tier), (3, Tier::One));
    }
}

#[test]
fn what_is_refused_is_said_in_the_form_and_can_be_mended() {
    let mut stage = stage((80, 24), &["work"]);
    stage.type_in("a");
    stage.sees(&["API key"]);
    stage.type_in("work");
    stage.press(Key::Enter);
    stage.type_in("key");
    (0..3).for_each(|_| stage.press(Key::Enter));
    stage.press(Key::Tab);
    stage.press(Key::Enter);
    stage.sees(&["Add an account by its API key", "exists already"]);
    stage.press(Key::Esc);
    stage.misses("Add an account by its API key");
    assert_eq!(stage.behind(stage.control.accounts()).expect("accounts").len(), 1);
}

#[test]
fn an_account_is_paused_resumed_renamed_moved_resized_and_removed() {
    for size in SIZES {
        let mut stage = stage(size, &["home", "work"]);
        stage.press(Key::Down);
        stage.type_in("p");
        stage.sees(&["account \"work\" paused"]);
        assert!(stage.account("work").is_some_and(|account| account.paused));
        stage.sees(&["paused      "]);
        stage.type_in("p");
        stage.sees(&["account \"work\" resumed"]);

        stage.type_in("n");
        stage.sees(&["Rename work"]);
        (0..4).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("office");
        stage.press(Key::Enter);
        stage.sees(&["is called \"office\" now", " office "]);

        stage.type_in("y");
        stage.sees(&["Priority of office", "Lower numbers go first."]);
        stage.press(Key::Backspace);
        stage.type_in("x");
        stage.press(Key::Enter);
        stage.sees(&["a whole number from 0 on"]);
        stage.press(Key::Backspace);
        stage.type_in("9");
        stage.press(Key::Enter);
        stage.sees(&["has priority 9 now"]);

        stage.type_in("t");
        stage.sees(&["Tier of office"]);
        stage.press(Key::Enter);
        stage.press(Key::Down);
        stage.press(Key::Enter);
        stage.press(Key::Tab);
        stage.press(Key::Enter);
        stage.sees(&["has tier 5 now"]);
        let changed = stage.account("office").expect("it is there");
        assert_eq!((changed.priority, changed.tier), (9, Tier::Five));

        stage.type_in("d");
        stage.sees(&["Remove office", "type its name: office"]);
        stage.type_in("home");
        stage.press(Key::Enter);
        stage.sees(&["confirm with exactly this name"]);
        (0..4).for_each(|_| stage.press(Key::Backspace));
        stage.type_in("office");
        stage.press(Key::Enter);
        stage.sees(&["account \"office\" removed"]);
        assert!(stage.account("office").is_none() && stage.account("home").is_some());
    }
}

#[test]
fn an_account_logs_in_by_what_its_browser_shows() {
    for size in SIZES {
        let mut stage = stage(size, &[]);
        stage.type_in("o");
        stage.sees(&["Add an account by login"]);
        stage.type_in("me");
        (0..3).for_each(|_| stage.press(Key::Enter));
        stage.press(Key::Tab);
        stage.press(Key::Enter);
        stage.sees(&["Log in at mock", "Open this address in a browser", "Copy"]);
        let address = address(&stage.screen());
        assert!(address.starts_with(&stage.oauth.authorize_url()), "{address}");
        stage.type_in("nonsense");
        stage.press(Key::Enter);
        stage.until("a complaint", |screen| screen.contains("Log in at mock") && screen.contains("code"));
        assert!(stage.account("me").is_none());
        (0..8).for_each(|_| stage.press(Key::Backspace));
        let ended_at = stage.behind(grant(&address));
        stage.type_in(&ended_at);
        stage.press(Key::Enter);
        stage.sees(&["account \"me\" is logged in", "token expires in"]);

        stage.type_in("l");
        stage.sees(&["Log in at mock"]);
        stage.press(Key::Esc);
        stage.misses("Log in at mock");
    }
}

/// The address that a form shows, in as many lines as it takes.
fn address(screen: &str) -> String {
    let lines = screen.lines().filter_map(|line| Some(line.split('│').nth(1)?.trim()));
    let from = lines.skip_while(|line| !line.starts_with("http"));
    from.take_while(|line| !line.is_empty()).collect()
}

/// What a person does: opens the address, grants access, and comes back with the address it ends at.
async fn grant(address: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let tls = tls.with_safe_default_protocol_versions().expect("ring speaks TLS");
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let client = client.tls_backend_preconfigured(tls).build().expect("a client");
    let answer = client.get(address).send().await.expect("the page");
    answer.headers()["location"].to_str().expect("an address").to_owned()
}

#[test]
fn limits_count_down_and_closures_say_why() {
    for size in SIZES {
        let limits = UnifiedLimits::allowed((0.62, after(8040)), (0.93, after(300_000)));
        let key = KeyConfig { organization: "org-a".into(), ..KeyConfig::limits(RateLimits::Unified(limits)) };
        let mut stage = Stage::set(
            size,
            &["a", "b"],
            MockConfig::default().key("a", key).key("b", KeyConfig::organization("org-b")),
            Colours::True,
        );
        assert_eq!(stage.ask("claude-opus-5-5"), 200);
        stage.type_in("2");
        stage.sees(&["▶", "62 %  full in 2 h 14 min", "93 %  full in 3 d 11 h", "new requests go here first"]);
        stage.wait(Duration::from_secs(3600));
        stage.sees(&["full in 1 h 14 min"]);
        stage.mock.script("a", [Step::quota_unified("5h", after(7200))]);
        assert_eq!(stage.ask("claude-opus-5-5"), 200);
        stage.wait(Duration::from_secs(3));
        stage.sees(&["rate limited", "opens in 59 min", "1 of 2 accounts can serve"]);
    }
}

#[test]
fn a_closed_account_is_opened_by_hand() {
    let mut stage = Stage::with((80, 24), &["a", "b"]);
    stage.mock.script("a", [ErrorAnswer::new(401, "authentication_error", "invalid x-api-key").into()]);
    assert_eq!(stage.ask("claude-opus-5-5"), 200);
    stage.type_in("2");
    stage.sees(&["needs login", "✗ needs login  until it is resumed (u)"]);
    // What was said of the closing has been said before the key is pressed.
    stage.settle();
    stage.type_in("u");
    stage.sees(&["account \"a\" resumed"]);
    stage.misses("needs login");
}

#[test]
fn a_hundred_accounts_are_found_by_filter_and_mouse() {
    let names: Vec<_> = (0..100).map(|number| format!("account-{number:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let mut stage = stage((80, 24), &names);
    stage.sees(&["of 100"]);
    stage.type_in("G");
    stage.sees(&["account-099 ──"]);
    let row = stage.row_of(" account-097 ");
    stage.click(5, row);
    stage.sees(&["account-097 ──"]);
    stage.type_in("/04");
    stage.press(Key::Enter);
    let screen = stage.sees(&["/04", "account-004 ──", "account-047"]);
    assert!(!screen.contains("account-050"), "{screen}");
    stage.press(Key::Esc);
    stage.sees(&["of 100"]);
}
