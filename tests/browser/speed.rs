//! What a first load brings, as a browser counts it. How long pages take is measured by the bench `pages` of
//! `ccflare-server`.

use crate::{driver::Browser, looks, site};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_load_is_small_and_asks_nobody_else() {
    let (stage, browser) = (site::after_a_month().await, Browser::open().await);
    site::enter(&browser, &stage).await;
    for (path, _) in looks::pages(&stage).await {
        browser.page.execute("return 1", vec![]).await.expect("a page");
        browser.go(&stage.url(&path)).await;
        let sizes = "return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]\
                     .map((entry) => [entry.name, entry.transferSize || entry.encodedBodySize, entry.encodedBodySize])";
        let entries = browser.run(sizes).await;
        let entries = entries.as_array().expect("entries");
        let outside =
            entries.iter().filter_map(|entry| entry[0].as_str()).find(|name| !name.starts_with(&stage.url("/")));
        assert_eq!(outside, None, "{path}");
        let bytes: u64 = entries.iter().filter_map(|entry| entry[2].as_u64()).sum();
        assert!(bytes <= 100 * 1024, "{path}: {bytes} bytes: {entries:?}");
    }
    browser.close().await;
    stage.finish().await;
}
