//! How a browser gets its session and gives it back.
//!
//! A one-time link carries its code in the path. That it may stand in a history or a proxy's log is no harm: it is good
//! for one minute and one use, and only `POST` uses it, so that no preview or prefetch can.

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, FromRequest, Path, Request, State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use crate::doors::{self, Doors};

/// The routes of the log-in.
pub(crate) fn router(doors: Doors) -> Router {
    Router::new()
        .route("/login", get(async || ask(None)).post(log_in))
        .route("/login/{code}", get(async |Path(code): Path<String>| ask_to_go_on(&code)))
        .route("/logout", post(log_out))
        .layer(DefaultBodyLimit::max(4096))
        .with_state(doors)
}

/// What the forms send: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    #[serde(default)]
    code: String,
    #[serde(default)]
    token: String,
}

async fn log_in(State(doors): State<Doors>, request: Request) -> Response {
    let source = doors::source(&request);
    if !doors::is_same_origin(request.uri(), request.headers()) {
        return refuse(StatusCode::FORBIDDEN, "Log in on this server's own page.");
    }
    let proof: Result<_, FormRejection> = Form::<Proof>::from_request(request, &()).await;
    let Ok(Form(Proof { code, token })) = proof else {
        return refuse(StatusCode::BAD_REQUEST, "That was not the log-in form.");
    };
    if !code.is_empty() {
        if doors.links.take(&code) {
            return welcome(&doors);
        }
        let message = "This link was used already, or is older than a minute. `ccflare open` makes another.";
        return refuse(StatusCode::UNAUTHORIZED, message);
    }
    match doors.check_token(token.trim(), source) {
        Ok(()) => welcome(&doors),
        Err(error) => refuse(error.status(), "That was not it. After many wrong tokens it takes a while."),
    }
}

async fn log_out(State(doors): State<Doors>, request: Request) -> Response {
    if !doors::is_same_origin(request.uri(), request.headers()) {
        return refuse(StatusCode::FORBIDDEN, "Log out on this server's own page.");
    }
    if let Some(session) = doors.session(request.headers()) {
        doors.sessions.take(session);
    }
    with_cookie(Redirect::to("/login").into_response(), &doors, "", 0)
}

fn welcome(doors: &Doors) -> Response {
    let session = doors.sessions.issue();
    let seconds = doors.sessions.lifetime().as_secs();
    with_cookie(Redirect::to("/").into_response(), doors, session.expose(), seconds)
}

/// Scripts can't read the cookie, other sites' pages can't send it, and with TLS nothing else carries it.
fn with_cookie(mut response: Response, doors: &Doors, value: &str, seconds: u64) -> Response {
    let secure = if doors.secure { "; Secure" } else { "" };
    let name = doors.cookie_name();
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, ask(Some(why))).into_response()
}

fn ask(why: Option<&str>) -> Markup {
    page(&html! {
        @if let Some(why) = why { p role="alert" { (why) } }
        form method="post" action="/login" {
            p { label { "Admin token " input type="password" name="token" autocomplete="current-password" required; } }
            p { button type="submit" { "Log in" } }
        }
        p { "Or run " code { "ccflare open" } " where the server runs: it logs this browser in by a link." }
    })
}

fn ask_to_go_on(code: &str) -> Markup {
    page(&html! {
        form method="post" action="/login" {
            input type="hidden" name="code" value=(code);
            p { button type="submit" autofocus { "Log in" } }
        }
    })
}

fn page(body: &Markup) -> Markup {
    html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "ccflare: log in" } }
            body { h1 { "ccflare" } (body) }
        }
    }
}
