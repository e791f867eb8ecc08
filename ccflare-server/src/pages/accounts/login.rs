//! Logging an account in with a browser: where to grant access, and how the code comes back: pasted, or by redirect.
//!
//! Which login a code belongs to is in a cookie for as long as the login lasts. The redirect comes from another site, so
//! browsers send no cookie with it: [`arrive`] shows a form that does, and changes nothing itself.

use axum::{
    extract::{OriginalUri, State},
    response::{IntoResponse, Response},
};
use ccflare_core::control::views::{LoginView, NewLogin};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::add::{self, Settings};
use crate::{
    components::{
        badge::Tone,
        card::card,
        form::{Line, field},
        icon::{Icon, icon},
        layout::{self, Place},
        notice::notice,
        text::copyable,
    },
    pages::{Fields, Page, Problem, Shared, fields::given, see, theme_of},
};

/// Names the login that is under way in this browser.
const COOKIE: &str = "ccflare-login";

/// A new account, or (`account`) one that is there.
#[derive(Deserialize)]
pub(in crate::pages) struct Begin {
    #[serde(default)]
    account: String,
    #[serde(flatten)]
    settings: Settings,
}

pub(in crate::pages) async fn begin(
    State(control): State<Shared>,
    headers: HeaderMap,
    Fields(Begin { account, settings }): Fields<Begin>,
) -> Result<Response, Problem> {
    let (priority, tier) = match settings.order() {
        Ok(order) => order,
        Err(why) => return Ok(add::refuse_login(&settings, why)),
    };
    let login = NewLogin {
        name: settings.name.clone(),
        account: given(&account).map(str::to_owned),
        server: given(&settings.server).map(str::to_owned),
        base_url: given(&settings.base_url).map(str::to_owned),
        priority,
        tier,
        redirect_port: own_port(&headers),
    };
    match control.begin_login(login).await {
        Ok(login) => Ok(remember(page(&login, None).into_response(), &login.session_id)),
        Err(error) => Ok(add::refuse_login(&settings, &Problem::of_form(error)?)),
    }
}

#[derive(Deserialize)]
pub(in crate::pages) struct Complete {
    /// What the page showed, or the address it ended at.
    code: String,
    /// What is needed to show the page again.
    #[serde(default)]
    session: String,
    #[serde(default)]
    auth_url: String,
}

pub(in crate::pages) async fn complete(
    State(control): State<Shared>,
    headers: HeaderMap,
    Fields(Complete { code, session, auth_url }): Fields<Complete>,
) -> Result<Response, Problem> {
    let session = given(&session).map(str::to_owned).or_else(|| remembered(&headers)).ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "No login is under way in this browser. Begin it again, from the account's page.",
        )
    })?;
    match control.complete_login(&session, &code).await {
        Ok(account) => Ok(remember(see(&format!("/accounts/{}", account.id), "logged-in"), "")),
        Err(error) => {
            let why = Problem::of_form(error)?;
            let login = LoginView { session_id: session, auth_url, ..unknown() };
            Ok(page(&login, Some(&why)).with_status(StatusCode::BAD_REQUEST).into_response())
        }
    }
}

/// Where the authorization server sends the browser. Anybody may come here: it only shows what the browser brought.
pub(in crate::pages) async fn arrive(OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Markup {
    let address = format!("http://localhost{uri}");
    layout::bare(
        "Access granted",
        theme_of(&headers),
        &html! {
            p { "One step is left: hand the code over to ccflare." }
            form.stack method="post" action="/accounts/login/complete" {
                input type="hidden" name="code" value=(address);
                button.primary type="submit" autofocus { "Finish the login" }
            }
            details {
                summary { "If that asks you to log in" }
                p { "Then this browser knows the dashboard by another name. Copy this address and paste it where you began:" }
                (copyable(&address))
            }
        },
    )
}

fn page(login: &LoginView, why: Option<&str>) -> Page {
    Page::new(Place::Accounts, "Log the account in", view(login, why))
}

fn view(login: &LoginView, why: Option<&str>) -> Markup {
    let code = Line::new("code", "").required().placeholder("CODE#STATE");
    html! {
        @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
        (card("1. Grant access", &html! {
            p { "Open the authorization server's page and grant access there." }
            p { a.button.primary href=(login.auth_url) target="_blank" rel="noopener noreferrer" { "Open the page" (icon(Icon::Next)) } }
            details { summary { "The address" } (copyable(&login.auth_url)) }
        }))
        (card("2. Bring the code back", &html! {
            form.stack method="post" action="/accounts/login/complete" {
                input type="hidden" name="session" value=(login.session_id);
                input type="hidden" name="auth_url" value=(login.auth_url);
                (field("The code", "code", "What the page shows, or the whole address that it ended at.", &code.draw()))
                button.primary type="submit" { "Log in" }
            }
            p.quiet { "If the page leads back here by itself, there is nothing to paste. A login lasts ten minutes." }
        }))
    }
}

fn unknown() -> LoginView {
    let empty = String::new;
    LoginView { session_id: empty(), auth_url: empty(), redirect_uri: empty(), server: empty(), expires: empty() }
}

/// The port at which this browser finds us on its own machine, if it does.
fn own_port(headers: &HeaderMap) -> Option<u16> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let (name, port) = host.rsplit_once(':')?;
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    is_here.then(|| port.parse().ok()).flatten()
}

fn remember(mut response: Response, session: &str) -> Response {
    let seconds = if session.is_empty() { 0 } else { 600 };
    let cookie = format!("{COOKIE}={session}; Path=/accounts/login; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn remembered(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, session)| session.to_owned())
}

/// Begins the login of an account that is there.
pub(super) async fn again(control: &Shared, headers: &HeaderMap, account: &str) -> Result<Response, Problem> {
    let login = NewLogin { account: Some(account.to_owned()), redirect_port: own_port(headers), ..NewLogin::default() };
    match control.begin_login(login).await {
        Ok(login) => Ok(remember(page(&login, None).into_response(), &login.session_id)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_comes_back_by_redirect_only_to_this_machine() {
        let port = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            own_port(&headers)
        };
        assert_eq!([port("localhost:8080"), port("127.0.0.1:1"), port("[::1]:5")], [Some(8080), Some(1), Some(5)]);
        assert_eq!([port("box.example:443"), port("localhost"), port("[::1]")], [None, None, None]);
    }

    #[test]
    fn a_wrong_code_can_be_corrected_on_the_same_page() {
        let login = LoginView {
            session_id: "s1".to_owned(),
            auth_url: "https://login.example/a?b=c&d".to_owned(),
            ..unknown()
        };
        let text = view(&login, Some("that is no code")).into_string();
        assert!(text.contains("that is no code") && text.contains("value=\"s1\""), "{text}");
        assert!(text.contains("href=\"https://login.example/a?b=c&amp;d\""), "{text}");
    }
}
