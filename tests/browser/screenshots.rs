//! Pictures of every page, to be looked at: `just screenshots`.

use std::path::PathBuf;

use crate::{driver::Browser, looks, site};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes pictures; run by its own recipe"]
async fn of_every_page() {
    let folder = PathBuf::from(std::env::var("SCREENSHOTS").expect("SCREENSHOTS names the folder for the pictures"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let only = std::env::var("ONLY").unwrap_or_default();
    let (stage, browser) = (site::after_a_month().await, Browser::open().await);
    site::enter(&browser, &stage).await;
    for theme in ["dark", "light"] {
        browser.run(&format!("document.cookie = 'theme={theme}; path=/'; return 1")).await;
        for width in [1600, 1024, 390] {
            for (path, name) in looks::pages(&stage).await {
                let name = format!("{name}-{theme}-{width}");
                if !only.is_empty() && !only.split(',').any(|part| name.contains(part)) {
                    continue;
                }
                browser.page.set_window_rect(0, 0, width, 900).await.expect("a size");
                browser.go(&stage.url(&path)).await;
                let height = browser.run("return Math.ceil(document.documentElement.scrollHeight)").await;
                // The window has a frame, though nobody sees it.
                let height = u32::try_from(height.as_u64().unwrap_or(900).clamp(700, 3200) + 140).expect("small");
                browser.page.set_window_rect(0, 0, width, height).await.expect("a size");
                browser.page.screenshot(&folder.join(format!("{name}.png"))).await.expect("a picture");
            }
        }
    }
    browser.close().await;
    stage.finish().await;
}
