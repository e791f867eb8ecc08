//! How a browser gets its session and gives it back.
//!
//! A one-time link carries its code in the path. That it may stand in a history or a proxy's log is no harm: it is good
//! for one minute and one use, and only `POST` uses it, so that no preview or prefetch can.

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Look, Theme, own_path, theme_of};
use crate::{
    components::{badge::Tone, layout, notice::notice, text::copyable},
    doors::{self, Doors},
};

/// The routes of the log-in.
pub(crate) fn router(doors: Doors) -> Router {
    Router::new()
        .route("/login", get(show).post(log_in))
        .route("/login/{code}", get(async |Path(code): Path<String>, look: Look| ask_to_go_on(&code, look.theme)))
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
    /// Where the browser wanted to go.
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

async fn show(Query(Wanted { next }): Query<Wanted>, look: Look) -> Markup {
    ask(None, own_path(&next), look.theme)
}

async fn log_in(State(doors): State<Doors>, request: Request) -> Response {
    let (source, theme) = (doors::source(&request), theme_of(request.headers()));
    if !doors::is_same_origin(request.uri(), request.headers()) {
        return refuse(StatusCode::FORBIDDEN, theme, "Log in on this server's own page.");
    }
    let proof: Result<_, FormRejection> = Form::<Proof>::from_request(request, &()).await;
    let Ok(Form(Proof { code, token, next })) = proof else {
        return refuse(StatusCode::BAD_REQUEST, theme, "That was not the log-in form.");
    };
    if !code.is_empty() {
        if doors.links.take(&code) {
            return welcome(&doors, &next);
        }
        let message = "This link was used already, or is older than a minute. `ccflare open` makes another.";
        return refuse(StatusCode::UNAUTHORIZED, theme, message);
    }
    match doors.check_token(token.trim(), source) {
        Ok(()) => welcome(&doors, &next),
        Err(error) => refuse(error.status(), theme, "That was not it. After many wrong tokens it takes a while."),
    }
}

async fn log_out(State(doors): State<Doors>, request: Request) -> Response {
    if !doors::is_same_origin(request.uri(), request.headers()) {
        return refuse(StatusCode::FORBIDDEN, theme_of(request.headers()), "Log out on this server's own page.");
    }
    if let Some(session) = doors.session(request.headers()) {
        doors.sessions.take(session);
    }
    with_cookie(Redirect::to("/login").into_response(), &doors, "", 0)
}

fn welcome(doors: &Doors, next: &str) -> Response {
    let session = doors.sessions.issue();
    let seconds = doors.sessions.lifetime().as_secs();
    with_cookie(Redirect::to(own_path(next)).into_response(), doors, session.expose(), seconds)
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

fn refuse(status: StatusCode, theme: Theme, why: &str) -> Response {
    (status, ask(Some(why), "", theme)).into_response()
}

fn ask(why: Option<&str>, next: &str, theme: Theme) -> Markup {
    layout::bare(
        "Log in",
        theme,
        &html! {
            @if let Some(why) = why { (notice(Tone::Bad, &html! { p { (why) } })) }
            form method="post" action="/login" class="stack" {
                @if !next.is_empty() { input type="hidden" name="next" value=(next); }
                div.field {
                    label for="token" { "Admin token" }
                    input id="token" type="password" name="token" autocomplete="current-password" required autofocus;
                }
                button.primary type="submit" { "Log in" }
            }
            p.quiet { "Or run this where the server runs; it logs this browser in by a link:" }
            (copyable("ccflare open"))
        },
    )
}

fn ask_to_go_on(code: &str, theme: Theme) -> Markup {
    layout::bare(
        "Log in",
        theme,
        &html! {
            p { "This link logs this browser in, once." }
            form method="post" action="/login" class="stack" {
                input type="hidden" name="code" value=(code);
                button.primary type="submit" autofocus { "Log in" }
            }
        },
    )
}
