//! What the dashboard promises, tried in a real browser: Chromium, driven through its WebDriver.
//!
//! `just browser` runs it. It wants `chromium` and `chromedriver` (Debian: `chromium`, `chromium-driver`) and axe-core,
//! which the recipe fetches.

mod accounts;
mod day;
mod driver;
mod first_start;
mod forms;
#[path = "../harness.rs"]
#[allow(dead_code, reason = "shared with the tests that need no browser")]
mod harness;
mod live;
mod looks;
mod screenshots;
mod site;
mod speed;
