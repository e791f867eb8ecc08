//! Pages that follow what happens while they are open.

use std::time::Duration;

use crate::{
    driver::Browser,
    harness::{SOON, message},
    site,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_appears_without_a_reload() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/requests")).await;
    browser.sees("No requests yet").await;
    browser.run("window.before = 1; return 1").await;
    stage.send(message("claude-haiku-5-5", true), &[]).await;
    tokio::time::timeout(SOON * 2, browser.sees("claude-haiku-5-5")).await.expect("it appears");
    assert_eq!(browser.run("return window.before").await, 1, "the page is the same one");

    browser.go(&stage.url("/")).await;
    browser.sees("Latest requests").await;
    browser.run("window.before = 1; return 1").await;
    stage.send(message("claude-sonnet-5-5", false), &[]).await;
    tokio::time::timeout(SOON * 2, browser.sees("claude-sonnet-5-5")).await.expect("it appears");
    assert_eq!(browser.run("return window.before").await, 1);
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_listed_while_it_is_under_way() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    stage.ask().await;
    browser.go(&stage.url("/")).await;
    browser.sees("Nothing is under way").await;
    let (busy, _) = site::busy(&stage, "work", "claude-sonnet-5-5").await;
    tokio::time::timeout(SOON * 2, browser.find("#flights .flights li .badge.good")).await.expect("it is listed");
    let row = browser.text_of("#flights .flights li").await;
    assert!(row.contains("claude-sonnet-5-5") && row.contains("work") && row.contains("streaming"), "{row}");
    drop(busy);
    tokio::time::timeout(SOON * 2, browser.sees("Nothing is under way")).await.expect("it has ended");
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_stays_open_and_filters_stay_in_the_address() {
    let (stage, browser) = (site::after_a_month().await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/analytics")).await;
    browser.find("details.numbers summary").await.click().await.expect("opened");
    stage.send(message("claude-haiku-5-5", false), &[]).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    browser.find("details.numbers[open]").await;

    browser.go(&stage.url("/requests")).await;
    browser.run("const s = document.querySelector('#status'); s.value = 'error'; s.dispatchEvent(new Event('change', {bubbles: true})); return 1").await;
    browser.find("tr.failed").await;
    assert!(browser.address().await.contains("status=error"), "{}", browser.address().await);
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_is_chosen_at_once_and_kept() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    let ground = "return getComputedStyle(document.documentElement).backgroundColor";
    let light = browser.run(ground).await;
    browser.find(".side button[value='dark']").await.click().await.expect("pressed");
    browser.find("html[data-theme='dark']").await;
    let dark = browser.run(ground).await;
    assert_ne!(light, dark);
    browser.go(&stage.url("/accounts")).await;
    assert_eq!(browser.run(ground).await, dark, "the first paint is dark, too");
    browser.close().await;
    stage.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_is_told_and_found_again() {
    let (stage, browser) = (site::with(&["work"]).await, Browser::open().await);
    site::enter(&browser, &stage).await;
    browser.go(&stage.url("/accounts")).await;
    browser.run("const own = window.fetch.bind(window); window.down = true; window.fetch = (...a) => window.down ? Promise.reject(new Error('down')) : own(...a); dispatchEvent(new Event('online')); return 1").await;
    tokio::time::timeout(SOON * 2, browser.sees("Connection lost")).await.expect("it is told");
    browser.run("window.down = false; dispatchEvent(new Event('online')); return 1").await;
    let gone = async {
        while browser.text().await.contains("Connection lost") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, gone).await.expect("found again");
    browser.complaints().await;
    browser.close().await;
    stage.finish().await;
}
