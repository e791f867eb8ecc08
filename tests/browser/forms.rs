//! Forms that were filled in wrongly, and pages without script.

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
    let alert = browser.find("[role='alert']").await.text().await.expect("text");
    assert!(alert.contains("taken") || alert.contains("already"), "{alert}");
    assert_eq!(browser.find("#key-name").await.prop("value").await.expect("there").as_deref(), Some("work"));
    assert_eq!(
        browser.find("#api_key").await.prop("value").await.expect("there").as_deref(),
        Some(""),
        "no key comes back"
    );

    browser.fill("login-name", "me").await;
    browser.press("Begin the login").await;
    browser.find("[role='alert']").await;

    browser.go(&stage.url("/keys")).await;
    browser.fill("name", "<script>").await;
    browser.press("Make the key").await;
    browser.find("[role='alert']").await;
    browser.fill("name", "ci").await;
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
    browser.find("form[action$='/priority'] button").await.click().await.expect("pressed");
    browser.sees("a whole number from 0 on").await;

    browser.go(&stage.url("/accounts/nobody")).await;
    browser.sees("There is no account").await;
    browser.go(&stage.url("/nowhere")).await;
    browser.sees("There is no page").await;
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
