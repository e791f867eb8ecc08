//! Forms that were filled in wrongly, and pages without script.

use ccflare_core::control::views::AgentEdit;

use crate::{driver::Browser, site};

#[tokio::test(flavor = "multi_thread")]
async fn every_form_says_what_was_wrong_and_keeps_what_was_typed() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;

    browser.go(&stage.url("/accounts/new")).await;
    browser.fill("key-name", "work").await;
    browser.fill("api_key", "a-key").await;
    browser.press("Add the account").await;
    browser.sees("work").await;
    let alert = browser.text_of("[role='alert']").await;
    assert!(alert.contains("taken") || alert.contains("already"), "{alert}");
    assert_eq!(browser.typed("#key-name").await, "work");
    assert_eq!(browser.typed("#api_key").await, "", "no key comes back");

    browser.fill("login-name", "me").await;
    browser.press("Begin the login").await;
    browser.find("[role='alert']").await;

    browser.go(&stage.url("/keys")).await;
    browser.fill("name", "<script>").await;
    browser.press("Make the key").await;
    browser.find("[role='alert']").await;
    browser.fill("name", "ci").await;
    browser.fill("accounts", "nobody").await;
    browser.press("Make the key").await;
    assert!(browser.alert().await.contains("nobody"), "{}", browser.alert().await);
    assert_eq!((browser.typed("#name").await, browser.typed("#accounts").await), ("ci".into(), "nobody".into()));
    browser.fill("accounts", "").await;
    browser.press("Make the key").await;
    browser.sees("it is not shown again").await;
    browser.press("Revoke").await;
    browser.sees("The key is revoked").await;

    browser.go(&stage.url("/stats")).await;
    browser.fill("confirm", "yes").await;
    browser.press("Forget").await;
    browser.sees("Nothing was forgotten").await;

    let id = stage.account("work").await.id;
    browser.go(&stage.url(&format!("/accounts/{id}"))).await;
    browser.run("document.querySelector('#priority').removeAttribute('min'); return 1").await;
    browser.fill("priority", "-1").await;
    browser.submit("form[action$='/priority']").await;
    browser.sees("a whole number from 0 on").await;

    browser.go(&stage.url("/accounts/nobody")).await;
    browser.sees("There is no account").await;
    browser.go(&stage.url("/nowhere")).await;
    browser.sees("There is no page").await;
    browser.close().await;
    stage.finish().await;
}

const REVIEWER: &str =
    "---\nname: reviewer\ndescription: Reviews.\nmodel: opus\ntools: Read\n---\n\nYou review code.\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_agents_can_not_be_given_stays_typed_until_it_makes_sense() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reviewer.md");
    std::fs::write(&file, REVIEWER).expect("written");
    let (stage, browser) = (site::with_agents(folder.path()).await, Browser::open().await);
    site::enter(&browser, &stage).await;

    browser.go(&stage.url("/agents")).await;
    browser.fill("model-reviewer", "no model").await;
    browser.press("Save for reviewer").await;
    assert!(browser.alert().await.contains("is no model"), "{}", browser.alert().await);
    assert_eq!(browser.typed("#model-reviewer").await, "no model");
    browser.fill("model-reviewer", "haiku").await;
    browser.press("Save for reviewer").await;
    browser.sees("preferred for it").await;

    browser.fill("default-model", "two words").await;
    browser.submit("form[action='/agents/all/default']").await;
    assert!(browser.alert().await.contains("is no model"), "{}", browser.alert().await);
    assert_eq!(browser.typed("#default-model").await, "two words");
    browser.fill("all-model", "two words").await;
    browser.press("Prefer for all").await;
    assert!(browser.alert().await.contains("is no model"), "{}", browser.alert().await);
    assert_eq!(browser.typed("#all-model").await, "two words");
    browser.fill("workspace-path", "some/where").await;
    browser.press("Register").await;
    assert!(browser.alert().await.contains("not absolute"), "{}", browser.alert().await);
    assert_eq!(browser.typed("#workspace-path").await, "some/where");

    browser.go(&stage.url("/agents/reviewer")).await;
    browser.fill("description", "").await;
    browser.fill("tools", "Read, Bash").await;
    browser.fill("system_prompt", "You review code, kindly.").await;
    browser.press("Save the file").await;
    assert!(browser.alert().await.contains("a description has"), "{}", browser.alert().await);
    assert_eq!(
        (browser.typed("#description").await, browser.typed("#tools").await),
        (String::new(), "Read, Bash".into())
    );
    assert_eq!(browser.typed("#system_prompt").await, "You review code, kindly.");
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), REVIEWER, "nothing is written by halves");
    // Somebody else is at it, too: nobody's work is lost unseen.
    let other = AgentEdit { color: Some("red".to_owned()), ..AgentEdit::default() };
    stage.control.edit_agent("reviewer", other).await.expect("edited");
    browser.fill("description", "Reviews kindly.").await;
    browser.press("Save the file").await;
    assert!(browser.alert().await.contains("has changed since"), "{}", browser.alert().await);
    assert!(!std::fs::read_to_string(&file).expect("readable").contains("kindly"));
    assert_eq!(browser.typed("#description").await, "Reviews kindly.");
    browser.press("Save the file").await;
    browser.sees("Saved.").await;
    assert!(std::fs::read_to_string(&file).expect("readable").contains("kindly"));
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_the_log_level_say_what_they_do_not_understand() {
    let (program, browser) = (site::Program::start("throttle_wait = \"3s\"\n").await, Browser::open().await);
    site::enter_at(&browser, &program.url("")).await;

    browser.go(&program.url("/settings")).await;
    let before = program.settings();
    browser.fill_in("[aria-label='throttle_wait']", "soon").await;
    browser.press("Save throttle_wait").await;
    assert!(browser.alert().await.contains("throttle_wait"), "{}", browser.alert().await);
    assert_eq!(browser.typed("[aria-label='throttle_wait']").await, "soon");
    browser.find("[aria-label='throttle_wait'][aria-invalid='true']").await;
    assert_eq!(program.settings(), before, "the file is as it was");
    browser.fill_in("[aria-label='throttle_wait']", "2s").await;
    browser.press("Save throttle_wait").await;
    browser.sees("Saved.").await;
    assert!(program.settings().contains("throttle_wait = \"2s\""), "{}", program.settings());

    browser.go(&program.url("/logs")).await;
    browser.fill("filter", "ccflare_core=loud").await;
    browser.submit("form[action='/logs/level']").await;
    browser.alert().await;
    assert_eq!(browser.typed("#filter").await, "ccflare_core=loud");
    browser.fill("filter", "ccflare_core=debug,info").await;
    browser.submit("form[action='/logs/level']").await;
    browser.sees("Saved.").await;
    browser.close().await;
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn placement_says_which_key_and_which_strategy_it_does_not_know() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/explain")).await;
    browser.fill("model", "claude-haiku-5-5").await;
    browser.fill("client_key", "nobody").await;
    browser.press("What would happen?").await;
    assert!(browser.alert().await.contains("no client key \"nobody\""), "{}", browser.alert().await);
    assert_eq!(
        (browser.typed("#model").await, browser.typed("#client_key").await),
        ("claude-haiku-5-5".into(), "nobody".into())
    );
    browser.fill("client_key", "").await;
    browser.press("What would happen?").await;
    browser.sees("What the request tells of itself").await;

    // Only a page of another version has one that is not there.
    browser.run("document.querySelector('#strategy option').value = 'by chance'; return 1").await;
    browser.run("document.querySelector('#strategy').selectedIndex = 0; return 1").await;
    browser.submit("form[action='/explain/strategy']").await;
    assert!(browser.alert().await.contains("by chance"), "{}", browser.alert().await);
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_everything_can_be_done_all_the_same() {
    let (stage, browser) = (site::after_a_month().await, Browser::without_script().await);
    site::enter(&browser, &stage).await;
    browser.sees("Latest requests").await;
    browser.find("figure.chart svg.canvas").await;

    browser.find(".side button[value='dark']").await.click().await.expect("pressed");
    browser.find("html[data-theme='dark']").await;
    browser.go(&stage.url("/requests?status=error")).await;
    browser.find("tr.failed").await;
    browser.press("Clear").await;
    browser.press("Older").await;
    browser.sees("Newest").await;
    browser.go(&stage.url("/accounts/new")).await;
    browser.fill("key-name", "another").await;
    browser.fill("api_key", "a-key").await;
    browser.press("Add the account").await;
    browser.sees("The account is added").await;
    browser.press("Pause").await;
    browser.sees("The account is paused").await;
    browser.go(&stage.url("/analytics?range=7d")).await;
    browser.press("Cost").await;
    assert!(browser.address().await.contains("range=7d&metric=cost"), "{}", browser.address().await);
    browser.close().await;
    stage.finish().await;
}
