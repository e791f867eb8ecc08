//! How every page is for those who can't see it well, in both themes; and that nothing breaks the security policy.

use ccflare_core::control::views::RequestPageQuery;
use serde_json::Value;

use crate::{driver::Browser, harness::Stage, site};

/// Each page, with something on it.
pub async fn pages(stage: &Stage) -> Vec<(String, &'static str)> {
    let requests = stage.control.requests(RequestPageQuery::newest(1000)).await.expect("requests").requests;
    let latest = requests.iter().find(|request| request.success).expect("one");
    let moved = requests.iter().find(|request| request.failover_attempts > 0).expect("one that moved");
    let account = stage.account("private").await.id;
    let session = latest.session.clone().expect("a session");
    let fixed = [
        ("/", "overview"),
        ("/start", "start"),
        ("/analytics", "analytics"),
        ("/analytics?range=7d&metric=tokens&split=model", "analytics-models"),
        ("/requests", "requests"),
        ("/requests?status=error", "requests-failed"),
        ("/sessions", "sessions"),
        ("/accounts", "accounts"),
        ("/accounts/new", "account-new"),
        ("/agents", "agents"),
        ("/agents/code-reviewer", "agent"),
        ("/explain", "explain"),
        ("/keys", "keys"),
        ("/stats", "stats"),
        ("/settings", "settings"),
        ("/logs", "logs"),
        ("/audit", "audit"),
        ("/accounts/nobody", "problem"),
    ];
    let mut pages: Vec<_> = fixed.iter().map(|(path, name)| ((*path).to_owned(), *name)).collect();
    pages.push((format!("/requests/{}", latest.id), "request"));
    pages.push((format!("/requests/{}", moved.id), "request-moved"));
    pages.push((format!("/accounts/{account}"), "account"));
    pages.push((format!("/sessions/{session}"), "session"));
    pages
}

/// axe-core, which finds what machines can find.
fn axe() -> String {
    let path = std::env::var("AXE").unwrap_or_else(|_| "target/axe/node_modules/axe-core/axe.min.js".to_owned());
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::fs::read_to_string(std::path::Path::new(root).join(&path)).unwrap_or_else(|error| {
        panic!("{path}: {error}; fetch it with `npm install --prefix target/axe axe-core`, or name it in AXE")
    })
}

/// Serious and critical findings.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    let run =
        "const done = arguments[arguments.length - 1]; axe.run(document, { resultTypes: ['violations'] }).then(done)";
    browser.page.execute(format!("{axe}; return 1"), vec![]).await.expect("axe");
    let result = browser.page.execute_async(run, vec![]).await.expect("a result").json().clone();
    assert!(result["passes"].as_array().is_some_and(|passes| passes.len() > 5), "axe has looked: {result}");
    let violations = result["violations"].as_array().cloned().unwrap_or_default();
    let is_bad = |violation: &&Value| matches!(violation["impact"].as_str(), Some("serious" | "critical"));
    violations
        .iter()
        .filter(is_bad)
        .map(|it| format!("{}: {}\n    {}", it["id"], it["help"], it["nodes"][0]["html"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_serious_finding_nor_a_complaint() {
    let (stage, browser, axe) = (site::after_a_month().await, Browser::open().await, axe());
    let mut wrong = Vec::new();
    browser.go(&stage.url("/login")).await;
    wrong.extend(findings(&browser, &axe).await);
    site::enter(&browser, &stage).await;
    for theme in ["light", "dark"] {
        for width in [1600, 390] {
            browser.page.set_window_rect(0, 0, width, 900).await.expect("a size");
            browser.find(&format!("button[value='{theme}']")).await;
            browser.run(&format!("document.cookie = 'theme={theme}; path=/'; return 1")).await;
            for (path, _) in pages(&stage).await {
                browser.go(&stage.url(&path)).await;
                let found = findings(&browser, &axe).await;
                wrong.extend(found.into_iter().map(|finding| format!("{theme} {width} {path}: {finding}")));
                wrong.extend(browser.complaints().await.into_iter().map(|complaint| format!("{path}: {complaint}")));
                let wide = browser.run("return document.documentElement.scrollWidth > innerWidth").await;
                if wide == true {
                    wrong.push(format!("{width} {path}: wider than the window"));
                }
            }
        }
    }
    let program = site::Program::start("payload_days = 9\n").await;
    site::enter_at(&browser, &program.url("")).await;
    for path in ["/settings", "/logs"] {
        browser.go(&program.url(path)).await;
        wrong.extend(findings(&browser, &axe).await.into_iter().map(|finding| format!("{path}: {finding}")));
    }
    program.finish().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    browser.close().await;
    stage.finish().await;
}
