//! A browser of our own: a driver on a free port, one window, and what it complained of.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel, prelude::*};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::harness::SOON;

/// One window. Ends with its driver.
pub struct Browser {
    pub page: WebDriver,
    _driver: Child,
}

const MISSING: &str = "can't run chromedriver: install Chromium and its driver (Debian: `apt-get install chromium \
                       chromium-driver`), or name it in CHROMEDRIVER";

impl Browser {
    /// A window in which scripts run.
    pub async fn open() -> Self {
        Self::start(true).await
    }

    /// A window in which none do.
    pub async fn without_script() -> Self {
        Self::start(false).await
    }

    async fn start(script: bool) -> Self {
        let program = std::env::var("CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut driver = command.spawn().expect(MISSING);
        let port = port(&mut driver).await;
        // The WebDriver client looks for one; a second test finds that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let page = WebDriver::new(format!("http://127.0.0.1:{port}"), wishes(script)).await.expect("a window");
        page.set_implicit_wait_timeout(Duration::ZERO).await.expect("set");
        Self { page, _driver: driver }
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) {
        self.page.goto(address).await.expect("the page");
    }

    /// The text of everything that is seen.
    pub async fn text(&self) -> String {
        self.text_of("body").await
    }

    /// The text of the first element like this.
    pub async fn text_of(&self, selector: &str) -> String {
        self.with(selector, async |element| element.text().await).await
    }

    /// The first element like this; fails if there is none soon.
    pub async fn find(&self, selector: &str) -> WebElement {
        let began = Instant::now();
        loop {
            match self.page.find(By::Css(selector.to_owned())).await {
                Ok(element) => return element,
                Err(error) if began.elapsed() > SOON => panic!("no {selector} on {}: {error}", self.address().await),
                Err(_) => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }

    /// Does something with the first element like this; again, if the page exchanges it meanwhile.
    async fn with<T>(&self, selector: &str, act: impl AsyncFn(&WebElement) -> WebDriverResult<T>) -> T {
        let began = Instant::now();
        loop {
            match act(&self.find(selector).await).await {
                Ok(done) => return done,
                Err(error) if is_exchanged(&error) && began.elapsed() < SOON => {}
                Err(error) => panic!("{selector} on {}: {error}", self.address().await),
            }
        }
    }

    /// Presses the button or link with this text, and waits for the page it leads to.
    pub async fn press(&self, text: &str) {
        let path = format!("//main//*[self::button or self::a][contains(normalize-space(.), '{text}')]");
        self.follow(By::XPath(path)).await;
    }

    /// Presses the button of the form that a selector finds, and waits for the page it leads to.
    pub async fn submit(&self, form: &str) {
        self.follow(By::Css(format!("{form} button"))).await;
    }

    /// A press returns before the next page is there: what is looked for then would be found on the old one.
    async fn follow(&self, button: By) {
        let page = self.find("html").await;
        let began = Instant::now();
        // What is live may be exchanged while it is pressed.
        while let Err(error) = self.click(button.clone()).await {
            assert!(began.elapsed() < SOON, "no {button:?} on {}: {error}", self.address().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        while page.is_present().await.unwrap_or(false) {
            assert!(began.elapsed() < SOON, "nothing happens on {}:\n{}", self.address().await, self.text().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn click(&self, button: By) -> WebDriverResult<()> {
        self.page.find(button).await?.click().await
    }

    /// Types into the field with this id, in place of what is there.
    pub async fn fill(&self, id: &str, text: &str) {
        self.fill_in(&format!("#{id}"), text).await;
    }

    /// The same for a field that is found otherwise.
    pub async fn fill_in(&self, selector: &str, text: &str) {
        let fill = async |field: &WebElement| {
            field.clear().await?;
            field.send_keys(text).await
        };
        self.with(selector, fill).await;
    }

    /// What is typed in a field.
    pub async fn typed(&self, selector: &str) -> String {
        self.with(selector, async |field| field.prop("value").await).await.unwrap_or_default()
    }

    /// What a notice says went wrong.
    pub async fn alert(&self) -> String {
        self.text_of("main [role='alert']").await
    }

    /// Waits until this text is seen; fails with what is seen instead.
    pub async fn sees(&self, text: &str) {
        let began = Instant::now();
        loop {
            // While a page is exchanged there may be none.
            let seen = match self.page.find(By::Css("body")).await {
                Ok(body) => body.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if seen.contains(text) {
                return;
            }
            assert!(began.elapsed() < SOON, "{text:?} is not on {}:\n{seen}", self.address().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// What the page computes.
    pub async fn run(&self, script: &str) -> serde_json::Value {
        self.page.execute(script, vec![]).await.expect("a value").json().clone()
    }

    /// Where it is.
    pub async fn address(&self) -> String {
        self.page.current_url().await.map_or_else(|_| "nowhere".to_owned(), |url| url.to_string())
    }

    /// What the console complained of since the last time: errors of scripts, resources and the security policy.
    /// Answers with an error status are no complaint, where a page means them.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.page.browser_log().await.expect("the console");
        let is_bad = |level: &str| matches!(level, "SEVERE" | "WARNING");
        let entries = log.into_iter().filter(|entry| is_bad(&entry.level));
        entries
            .map(|entry| entry.message)
            .filter(|message| !message.contains("the server responded with a status of 4"))
            .collect()
    }

    /// Ends it; fails if the console complained.
    pub async fn close(self) {
        let complaints = self.complaints().await;
        self.page.quit().await.expect("closed");
        assert!(complaints.is_empty(), "the console complained: {complaints:#?}");
    }
}

/// Whether an element was found and is no longer there.
fn is_exchanged(error: &WebDriverError) -> bool {
    matches!(**error, thirtyfour::error::WebDriverErrorInner::StaleElementReference(..))
}

/// The port that the driver has chosen: it says so.
async fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    while let Some(line) = lines.next_line().await.expect("text") {
        if let Some((_, port)) = line.rsplit_once("successfully on port ") {
            let port = port.trim_end_matches('.').parse().expect("a port");
            // Somebody has to read on, or it stops when the pipe is full.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port;
        }
    }
    panic!("{MISSING}; it ended without a word");
}

fn wishes(script: bool) -> ChromeCapabilities {
    let mut wishes = DesiredCapabilities::chrome();
    for argument in [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
        "--window-size=1400,900",
    ] {
        wishes.add_arg(argument).expect("an argument");
    }
    if let Ok(binary) = std::env::var("CHROMIUM") {
        wishes.set_binary(&binary).expect("a path");
    }
    if !script {
        let preferences = serde_json::json!({ "profile.managed_default_content_settings.javascript": 2 });
        wishes.add_experimental_option("prefs", preferences).expect("a preference");
    }
    wishes.set_browser_log_level(LoggingPrefsLogLevel::All).expect("a level");
    wishes
}
