//! Logs an account in: shows where, and brings the code back, by paste or from the browser itself.

use std::{io::IsTerminal, net::Ipv4Addr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::Html,
};
use ccflare_core::control::{
    Control,
    views::{LoginView, NewLogin},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use url::Url;

use crate::{
    args::{Output, Way},
    print,
};

/// As long as the server remembers a login.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Connects twice: who works straight on the database must not keep it from a server while a person is away in a browser.
pub(super) async fn run(
    wanted: NewLogin,
    way: Way,
    connect: impl AsyncFn() -> Result<Arc<dyn Control>>,
    output: Output,
) -> Result<()> {
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    let login = connect().await?.begin_login(NewLogin { redirect_port: Some(port), ..wanted }).await?;
    let redirect: Url = login.redirect_uri.parse().context("the server names no address for the code")?;

    print::prompt(&format!("Open this address in a browser and grant access:\n\n  {}\n\n", login.auth_url))?;
    if !way.no_browser && has_browser() {
        // Not opening is no failure: the address stands there.
        let _ = webbrowser::open(&login.auth_url);
    }
    let here = ccflare_core::oauth::may_carry_secrets(&redirect) && redirect.scheme() == "http";
    if here && redirect.port_or_known_default() != Some(port) {
        let port = redirect.port_or_known_default().unwrap_or_default();
        listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
            format!("the authorization server sends the code to port {port}, and that is taken; free it and try again")
        })?;
    }
    let pasted = if here { redirected_or_pasted(listener, &login).await? } else { pasted().await? };
    let account = connect().await?.complete_login(&login.session_id, &pasted).await?;
    print::account(&format!("account {:?} is logged in", account.name), &account, output)
}

/// Whichever comes first. Over SSH the browser can't reach this machine, but the address it ends at can be pasted.
async fn redirected_or_pasted(listener: TcpListener, login: &LoginView) -> Result<String> {
    print::prompt("Waiting for the browser. If it runs on another machine, paste the address it ends at here: ")?;
    tokio::select! {
        address = redirected(listener, login) => {
            print::prompt("\n")?;
            address
        }
        pasted = line() => pasted,
        () = tokio::time::sleep(PATIENCE) => bail!("nobody came in ten minutes; begin again"),
    }
}

async fn pasted() -> Result<String> {
    print::prompt("Then paste what the page shows (CODE#STATE), or the address it ended at: ")?;
    tokio::select! {
        pasted = line() => pasted,
        () = tokio::time::sleep(PATIENCE) => bail!("nothing came in ten minutes; begin again"),
    }
}

/// A line of standard input; never, if there is none. Read by a thread of its own: the runtime would wait for one of
/// its own at the end, until somebody pressed enter.
async fn line() -> Result<String> {
    let (typed, line) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line).map(|_| line);
        let _ = typed.send(read);
    });
    let line = line.await.context("nobody reads standard input any more")??;
    if line.trim().is_empty() && !std::io::stdin().is_terminal() {
        return std::future::pending().await;
    }
    Ok(line)
}

/// What the page that takes the code knows.
#[derive(Clone)]
struct Expected {
    state: Option<String>,
    addresses: mpsc::Sender<String>,
}

/// The address that the browser is sent to when access is granted. Requests without this login's state are somebody
/// else's, and change nothing.
async fn redirected(listener: TcpListener, login: &LoginView) -> Result<String> {
    let (addresses, mut arrived) = mpsc::channel(1);
    let page = Router::new().fallback(arrive).with_state(Expected { state: state_of(&login.auth_url), addresses });
    let serving = tokio::spawn(async move { axum::serve(listener, page).await });
    let address = arrived.recv().await.context("nobody listens for the browser any more");
    // The page is on its way; the browser need not wait for us to end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    serving.abort();
    address
}

async fn arrive(State(expected): State<Expected>, OriginalUri(uri): OriginalUri) -> (StatusCode, Html<&'static str>) {
    let address = format!("http://localhost{uri}");
    let state = state_of(&address);
    if state.is_none() || state != expected.state {
        return (StatusCode::BAD_REQUEST, Html(PAGE_OF_ANOTHER));
    }
    // A second one changes nothing either.
    let _ = expected.addresses.try_send(address);
    (StatusCode::OK, Html(PAGE))
}

fn state_of(address: &str) -> Option<String> {
    let address = address.parse::<Url>().ok()?;
    address.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned())
}

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>ccflare</title>\
    <body style='font:16px system-ui;margin:4rem auto;max-width:30rem'>\
    <h1>Access granted</h1><p>ccflare has the code. You can close this page and go back to the terminal.";

const PAGE_OF_ANOTHER: &str = "<!doctype html><meta charset=utf-8><title>ccflare</title>\
    <body style='font:16px system-ui;margin:4rem auto;max-width:30rem'>\
    <h1>Not this login</h1><p>This address belongs to another login. Go back to the terminal and begin again.";

/// Whether a browser that is opened from here would be seen by who sits here.
pub(super) fn has_browser() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_remote = set("SSH_CONNECTION") || set("SSH_TTY");
    let has_display = cfg!(any(windows, target_os = "macos")) || set("DISPLAY") || set("WAYLAND_DISPLAY");
    !is_remote && has_display && std::io::stderr().is_terminal()
}
