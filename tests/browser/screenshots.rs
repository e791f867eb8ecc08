//! Pictures of every page, to be looked at: `just screenshots`.

use std::path::{Path, PathBuf};

use ccflare_core::control::views::NewClientKey;

use crate::{
    driver::Browser,
    harness::{http_client, message},
    looks, site,
};

const LOOKS: [(&str, u32); 6] =
    [("dark", 1600), ("dark", 1024), ("dark", 390), ("light", 1600), ("light", 1024), ("light", 390)];

/// Whether a picture is among those that `ONLY` names parts of; all are, if it names none.
fn is_wanted(only: &str, name: &str) -> bool {
    only.is_empty() || only.split(',').any(|part| name.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures; run by its own recipe"]
async fn of_every_page() {
    let folder = PathBuf::from(std::env::var("SCREENSHOTS").expect("SCREENSHOTS names the folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let only = std::env::var("ONLY").unwrap_or_default();
    let (stage, browser) = (site::after_a_month().await, Browser::open().await);
    let doors = [(stage.url("/login"), "login"), (site::link(&stage).await, "login-link")];
    browser.go(&stage.url("/login")).await;
    for (theme, width) in LOOKS {
        for (path, name) in &doors {
            let name = format!("{name}-{theme}-{width}");
            if is_wanted(&only, &name) {
                take(&browser, path, theme, width, &folder.join(format!("{name}.png"))).await;
            }
        }
    }
    site::enter(&browser, &stage).await;
    let busy =
        [site::busy(&stage, "work", "claude-opus-5-5").await, site::busy(&stage, "work", "claude-haiku-5-5").await];
    // From the first key on nobody is let in without one; those who are in stay.
    for name in ["ana", "build machine", "left in spring"] {
        let key = NewClientKey { name: name.to_owned(), ..NewClientKey::default() };
        let key = stage.control.create_client_key(key).await.expect("a key").client_key;
        if name.starts_with("left") {
            stage.control.revoke_client_key(&key.id).await.expect("revoked");
        }
    }
    for (theme, width) in LOOKS {
        for (path, name) in looks::pages(&stage).await {
            let name = format!("{name}-{theme}-{width}");
            if is_wanted(&only, &name) {
                take(&browser, &stage.url(&path), theme, width, &folder.join(format!("{name}.png"))).await;
            }
        }
    }
    drop(busy);
    browser.close().await;
    stage.finish().await;
}

/// What is seldom seen: nothing yet, very many, and a server that is gone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures; run by its own recipe"]
async fn of_every_state() {
    let folder = PathBuf::from(std::env::var("SCREENSHOTS").expect("SCREENSHOTS names the folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let names: Vec<_> = (1..=100).map(|number| format!("account-{number:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for (state, accounts, paths) in [
        (
            "empty",
            &[][..],
            &["/", "/accounts", "/requests", "/analytics", "/sessions", "/agents", "/keys", "/logs"][..],
        ),
        ("hundred", &names[..], &["/", "/accounts"][..]),
    ] {
        let (stage, browser) = (site::with(accounts).await, Browser::open().await);
        site::enter(&browser, &stage).await;
        let busy = if let Some(first) = accounts.first() {
            stage.ask().await;
            Some(site::busy(&stage, first, "claude-sonnet-5-5").await)
        } else {
            None
        };
        for (theme, width) in [("dark", 1600), ("light", 390)] {
            for path in paths {
                let name = format!("state-{state}{}-{theme}-{width}.png", path.replace('/', "-"));
                take(&browser, &stage.url(path), theme, width, &folder.join(name)).await;
            }
        }
        let down =
            "window.fetch = () => Promise.reject(new Error('down')); dispatchEvent(new Event('online')); return 1";
        browser.go(&stage.url("/accounts")).await;
        browser.run(down).await;
        browser.sees("Connection lost").await;
        browser.page.screenshot(&folder.join(format!("state-{state}-lost.png"))).await.expect("a picture");
        drop(busy);
        browser.complaints().await;
        browser.close().await;
        stage.finish().await;
    }
}

/// An upstream that nobody answers at, and receivers that take nothing.
const TROUBLED: &str = r#"
payload_days = 9
upstream_base_url = "http://127.0.0.1:9"

[[webhooks]]
url = "http://127.0.0.1:9/alerts"
secret = "0123456789abcdef"
events = ["config", "limit", "loginNeeded"]

[[webhooks]]
url = "http://localhost:9/chat"
secret = "0123456789abcdef"
events = ["moved"]
"#;

/// What only a whole server has: settings that can be changed, and a log.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures; run by its own recipe"]
async fn of_settings_and_logs() {
    let folder = PathBuf::from(std::env::var("SCREENSHOTS").expect("SCREENSHOTS names the folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (program, browser) = (site::Program::start(TROUBLED).await, Browser::open().await);
    site::enter_at(&browser, &program.url("")).await;
    browser.go(&program.url("/logs")).await;
    browser.fill("filter", "warn,ccflare_core=debug,ccflare_server=debug").await;
    browser.submit("form[action='/logs/level']").await;
    browser.go(&program.url("/settings")).await;
    browser.fill_in("input[aria-label='session_duration']", "2h").await;
    browser.press("Save session_duration").await;
    for _ in 0..8 {
        let asked = http_client().post(program.url("/v1/messages")).header("x-api-key", "nobody's");
        let _ = asked.json(&message("claude-opus-5-5", false)).send().await.expect("an answer");
    }
    browser.go(&program.url("/logs")).await;
    browser.sees("webhook").await;
    for (theme, width) in LOOKS {
        for path in ["settings", "logs"] {
            let file = folder.join(format!("whole-{path}-{theme}-{width}.png"));
            take(&browser, &program.url(&format!("/{path}")), theme, width, &file).await;
        }
    }
    browser.close().await;
    program.finish().await;
}

/// What forms are answered with: no address leads to these pages.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures; run by its own recipe"]
async fn of_answers() {
    let folder = PathBuf::from(std::env::var("SCREENSHOTS").expect("SCREENSHOTS names the folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (stage, browser) = (site::after_a_month().await, Browser::open().await);
    for (theme, width) in LOOKS {
        let file = |name: &str| folder.join(format!("answer-{name}-{theme}-{width}.png"));
        browser.go(&stage.url("/login")).await;
        dress(&browser, theme, width).await;
        browser.go(&stage.url("/login")).await;
        browser.fill("token", "a guess").await;
        browser.submit("form").await;
        snap(&browser, width, &file("login")).await;
        site::enter(&browser, &stage).await;
        browser.go(&stage.url("/explain")).await;
        browser.press("What would happen?").await;
        snap(&browser, width, &file("explain")).await;
        browser.go(&stage.url("/keys")).await;
        browser.fill("name", &format!("{theme} {width}")).await;
        browser.fill("models", "claude-haiku-*, claude-sonnet-5-5, claude-opus-5-5").await;
        browser.press("Make the key").await;
        snap(&browser, width, &file("key")).await;
        browser.go(&stage.url("/keys")).await;
        browser.fill("name", "somebody").await;
        browser.fill("accounts", "nobody").await;
        browser.press("Make the key").await;
        snap(&browser, width, &file("refused")).await;
        browser.page.delete_all_cookies().await.expect("none left");
    }
    browser.close().await;
    stage.finish().await;
}

/// The theme and the width that the next page has.
async fn dress(browser: &Browser, theme: &str, width: u32) {
    browser.run(&format!("document.cookie = 'theme={theme}; path=/'; return 1")).await;
    browser.page.set_window_rect(0, 0, width, 900).await.expect("a size");
}

/// One picture of a whole page.
async fn take(browser: &Browser, url: &str, theme: &str, width: u32, file: &Path) {
    dress(browser, theme, width).await;
    browser.go(url).await;
    snap(browser, width, file).await;
}

/// The same of the page that is there.
async fn snap(browser: &Browser, width: u32, file: &Path) {
    browser.page.set_window_rect(0, 0, width, 900).await.expect("a size");
    let height = browser.run("return Math.ceil(document.documentElement.scrollHeight)").await;
    // The window has a frame, though nobody sees it.
    let height = u32::try_from(height.as_u64().unwrap_or(900).clamp(700, 9000) + 140).expect("small");
    browser.page.set_window_rect(0, 0, width, height).await.expect("a size");
    browser.page.screenshot(file).await.expect("a picture");
}
