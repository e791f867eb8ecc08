//! Accounts, by mouse and keyboard.

use crate::{driver::Browser, site};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_paused_renamed_reordered_and_removed() {
    let (stage, browser) = (site::with(&["work", "spare"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/accounts")).await;
    browser.press("Pause").await;
    browser.sees("The account is paused").await;
    assert!(stage.account("work").await.paused);
    browser.press("Resume").await;
    browser.sees("The account serves again").await;

    browser.fill("name", "night shift").await;
    browser.submit("form[action$='/rename']").await;
    browser.sees("The account has its new name").await;
    browser.fill("priority", "7").await;
    browser.submit("form[action$='/priority']").await;
    browser.sees("The account has its new priority").await;
    assert_eq!(stage.account("night shift").await.priority, 7);

    browser.fill("confirm", "work").await;
    browser.press("Remove").await;
    browser.sees("confirm with exactly this name").await;
    browser.fill("confirm", "night shift").await;
    browser.press("Remove").await;
    browser.sees("The account is removed").await;
    assert_eq!(stage.control.accounts().await.expect("accounts").len(), 1);
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_logs_in_with_a_pasted_code() {
    let ((stage, _oauth), browser) =
        (site::with_logins("https://login.example/shows-the-code").await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/accounts/new")).await;
    browser.fill("login-name", "me").await;
    browser.press("Begin the login").await;
    browser.sees("Bring the code back").await;

    let address = browser.find("a[target='_blank']").await.attr("href").await.expect("there").expect("an address");
    let granted = grant(&address).await;
    browser.fill("code", "half-a-code").await;
    browser.submit("form[action$='/complete']").await;
    browser.find("[role='alert']").await;
    browser.fill("code", &granted).await;
    browser.submit("form[action$='/complete']").await;
    browser.sees("The account is logged in").await;
    assert_eq!(stage.account("me").await.token_status, "valid");
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_logs_in_and_the_browser_is_led_back_by_itself() {
    let ((stage, _oauth), browser) = (site::with_logins("http://127.0.0.1/callback").await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/accounts/new")).await;
    browser.fill("login-name", "me").await;
    browser.press("Begin the login").await;
    let address = browser.find("a[target='_blank']").await.attr("href").await.expect("there").expect("an address");
    browser.go(&address).await;
    browser.press("Finish the login").await;
    browser.sees("The account is logged in").await;
    browser.close().await;
    stage.finish().await;
}

/// What a person does in the other window: grants access, and copies the address it ends at.
async fn grant(address: &str) -> String {
    let client = crate::harness::http_client_builder().redirect(reqwest::redirect::Policy::none()).build();
    let answer = client.expect("a client").get(address).send().await.expect("the page");
    answer.headers()["location"].to_str().expect("an address").to_owned()
}
