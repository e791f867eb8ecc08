//! The first page of a new server: how it becomes useful. Later it is at `/start`.

use std::net::SocketAddr;

use axum::extract::State;
use ccflare_core::control::views::{AccountView, RequestPageQuery};
use http::{HeaderMap, header, uri::Authority};
use maud::{Markup, html};

use super::{Page, Problem, Shared};
use crate::components::{
    card::card,
    icon::{Icon, icon},
    layout::Place,
    text::copyable,
};

pub(super) async fn show(State(control): State<Shared>, headers: HeaderMap) -> Result<Page, Problem> {
    let accounts = control.accounts().await?;
    let requests = control.requests(RequestPageQuery { limit: 1, ..RequestPageQuery::default() }).await?.requests;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8080");
    // Who can't say how it is set listens where the browser found it.
    let settings = control.settings().await.map(|view| view.settings).unwrap_or_default();
    let address = address(host, |key| settings.iter().find(|known| known.key == key)?.value.as_deref());
    let asked = requests.first().map(|request| request.id.as_str());
    Ok(Page::new(Place::Elsewhere, "Getting started", view(&accounts, asked, &address)))
}

/// Where clients find the line, for a browser that finds the operator's pages at `host`: at the same place, or where it listens
/// if these have a listener of their own.
fn address<'a>(host: &str, setting: impl Fn(&str) -> Option<&'a str>) -> String {
    let scheme = if setting("tls_cert").is_some() { "https" } else { "http" };
    let line = setting("admin_listen").and(setting("listen")).and_then(|listen| listen.parse::<SocketAddr>().ok());
    match (line, host.parse::<Authority>()) {
        (Some(line), Ok(asked)) if line.ip().is_unspecified() => format!("{scheme}://{}:{}", asked.host(), line.port()),
        (Some(line), _) => format!("{scheme}://{line}"),
        (None, _) => format!("{scheme}://{host}"),
    }
}

fn view(accounts: &[AccountView], asked: Option<&str>, address: &str) -> Markup {
    html! {
        p.lead { "ccflare stands between your clients and the API: several accounts behind one address, each request written down with what it used and cost." }
        ol.steps id="steps" data-live {
            li.done[!accounts.is_empty()] { (card("Add an account", &add(accounts))) }
            li { (card("Point your clients here", &connect(address))) }
            li.done[asked.is_some()] { (card("Ask something", &ask(asked, address))) }
        }
    }
}

fn add(accounts: &[AccountView]) -> Markup {
    html! {
        @if accounts.is_empty() {
            p { "With an API key, or by logging in at an authorization server that you have configured. Without an account, requests go on with the client's own credentials." }
            p { a.button.primary href="/accounts/new" { (icon(Icon::Plus)) "Add an account" } }
        } @else {
            p { @match accounts.len() { 1 => "There is one account", some => { "There are " (some) " accounts" } } ". More of them make limits further away." }
            p { a.button href="/accounts" { "See the accounts" } " " a.button.quiet href="/accounts/new" { "Add another" } }
        }
    }
}

fn connect(address: &str) -> Markup {
    html! {
        h3 { "Claude Code" }
        (copyable(&format!("export ANTHROPIC_BASE_URL={address}\nexport ANTHROPIC_AUTH_TOKEN=any-text-or-a-client-key\nclaude")))
        h3 { "Python and TypeScript SDKs" }
        (copyable(&format!("export ANTHROPIC_BASE_URL={address}\nexport ANTHROPIC_API_KEY=any-text-or-a-client-key")))
        p.quiet { "If the server wants client keys, " a href="/keys" { "make one" } " and put it there." }
    }
}

fn ask(asked: Option<&str>, address: &str) -> Markup {
    let body = r#"{"model":"claude-haiku-4-5","max_tokens":32,"messages":[{"role":"user","content":"Say hello."}]}"#;
    let command = format!(
        "curl {address}/v1/messages \\\n  -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' \\\n  -d '{body}'"
    );
    html! {
        @match asked {
            Some(id) => p { "It works. " a href={ "/requests/" (id) } { "Look at the latest request" } "." },
            None => p { "This is a small request. It shows up here as soon as it is answered." },
        }
        (copyable(&command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_server_says_what_to_do_and_with_which_address() {
        let text = view(&[], None, "http://localhost:9999").into_string();
        assert!(text.contains("ANTHROPIC_BASE_URL=http://localhost:9999") && text.contains("/accounts/new"), "{text}");
        assert!(!text.contains("class=\"done\""), "{text}");
        assert!(view(&[], Some("0199"), "x").into_string().contains("/requests/0199"));
    }

    #[test]
    fn clients_are_sent_to_where_the_line_is() {
        for (set, host, expected) in [
            (&[][..], "localhost:9999", "http://localhost:9999"),
            (&[("listen", "0.0.0.0:8080")], "box:9999", "http://box:9999"),
            (&[("listen", "0.0.0.0:8080"), ("admin_listen", "127.0.0.1:9000")], "box:9000", "http://box:8080"),
            (&[("tls_cert", "/c.pem")], "box.example", "https://box.example"),
            (&[("tls_cert", "/c"), ("listen", "[::]:443"), ("admin_listen", "[::1]:9")], "[::1]", "https://[::1]:443"),
            (&[("listen", "192.0.2.5:8080"), ("admin_listen", "[::1]:9")], "localhost:9", "http://192.0.2.5:8080"),
        ] {
            let setting = |key: &str| set.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
            assert_eq!(address(host, setting), expected);
        }
    }
}
