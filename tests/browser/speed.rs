//! What a page costs: bytes over the wire, and time on the server.

use std::{sync::Arc, time::Instant};

use ccflare_core::store::RedbStore;

use crate::{
    day,
    driver::Browser,
    harness::{Stage, TOKEN},
    looks, site,
};

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

/// The time of one page in milliseconds, at the 99th of 100.
async fn p99(stage: &Stage, path: &str) -> f64 {
    let mut times = Vec::new();
    for _ in 0..100 {
        let began = Instant::now();
        let answer = stage.client.get(stage.url(path)).bearer_auth(TOKEN).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.bytes().await.expect("a body");
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[98]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: wants an optimised build and some minutes"]
async fn of_every_page_over_a_million_requests() {
    let count = std::env::var("REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let store = Arc::new(RedbStore::in_memory());
    day::fill_with(&store, count).await;
    let stage = site::over(store, &[]).await;
    let mut slow = Vec::new();
    for (path, name) in looks::pages(&stage).await.into_iter().filter(|(_, name)| *name != "problem") {
        let time = p99(&stage, &path).await;
        eprintln!("{name:<18} {time:>8.2} ms");
        if time > 25.0 {
            slow.push(format!("{name}: {time:.1} ms"));
        }
    }
    assert!(slow.is_empty(), "slower than 25 ms: {slow:?}");
    stage.finish().await;
}
