//! A new server, seen for the first time.

use crate::{
    driver::Browser,
    harness::{SOON, TOKEN},
    site,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_asked_to_log_in_and_then_gets_what_they_wanted() {
    let (stage, browser) = (site::empty().await, Browser::open().await);
    browser.go(&stage.url("/accounts/new?x=1")).await;
    assert!(browser.address().await.ends_with("/login?next=%2Faccounts%2Fnew%3Fx%3D1"), "{}", browser.address().await);
    browser.fill("token", "a wrong one").await;
    browser.press("Log in").await;
    browser.sees("That was not it").await;
    browser.go(&stage.url("/accounts/new?x=1")).await;
    browser.fill("token", TOKEN).await;
    browser.press("Log in").await;
    browser.sees("By API key").await;
    assert!(browser.address().await.ends_with("/accounts/new?x=1"));
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_logs_in_once_and_logging_out_ends_it() {
    let (stage, browser) = (site::empty().await, Browser::open().await);
    let link = site::link(&stage).await;
    browser.go(&link).await;
    browser.press("Log in").await;
    browser.sees("Add an account").await;
    browser.go(&link).await;
    browser.press("Log in").await;
    browser.sees("This link was used already").await;
    browser.go(&stage.url("/")).await;
    browser.submit(".side form[action='/logout']").await;
    browser.sees("Admin token").await;
    browser.go(&stage.url("/requests")).await;
    browser.sees("Admin token").await;
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_teaches_what_to_do_until_it_was_done() {
    let (stage, browser) = (site::empty().await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.sees("Point your clients here").await;
    browser.sees(&format!("export ANTHROPIC_BASE_URL=http://{}", stage.address)).await;

    browser.press("Add an account").await;
    browser.fill("key-name", "work").await;
    browser.fill("api_key", "sk-the-key").await;
    browser.press("Add the account").await;
    browser.sees("The account is added").await;

    browser.go(&stage.url("/start")).await;
    browser.find(".steps .done").await;
    assert!(!browser.text().await.contains("It works"));
    assert_eq!(stage.ask().await.status, 200);
    // Nobody reloads it.
    tokio::time::timeout(SOON * 2, browser.sees("It works")).await.expect("seen without a reload");
    browser.close().await;
    stage.finish().await;
}
