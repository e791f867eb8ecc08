//! Pages for people: drawn here, working without script.
//!
//! A page is `show`, which asks `Control`, and a pure `view`, which draws what came. It returns a [`Page`]; [`dress`]
//! puts the frame around it. Forms are posted, and answered by sending the browser on, or by the same page with what
//! went wrong.

use std::sync::Arc;

use axum::{
    Router,
    body::{self, Body},
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use ccflare_core::{control::Control, domain::Timestamp};
use http::{StatusCode, header};
use maud::{Markup, html};
use tokio::{runtime::Handle, sync::Semaphore, task};
use tower_http::compression::CompressionLayer;

use crate::{
    components::{
        badge::Tone,
        layout::{self, Frame, Place},
        notice::notice,
    },
    doors::{self, Doors},
};

mod accounts;
mod agents;
mod analytics;
mod audit;
mod done;
mod explain;
mod fields;
mod keys;
pub(crate) mod login;
mod logs;
mod look;
mod maintenance;
mod overview;
mod problem;
mod requests;
mod scope;
mod sessions;
mod settings;
mod start;
mod stats;
mod theme;

pub(crate) use fields::Fields;
pub(crate) use look::{Look, Theme, own_path, theme as theme_of};
pub(crate) use problem::{Problem, nowhere};

/// So many pages are put together at a time; others wait for their turn.
const AT_ONCE: usize = 4;

/// No form sends more.
const BODY_LIMIT: usize = 64 * 1024;

/// What every page works with.
pub(crate) type Shared = Arc<dyn Control>;

/// The table of pages. `doors` lets in who may see them.
pub(crate) fn router(control: Arc<dyn Control>, doors: Doors) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/start", get(start::show))
        // Accounts
        .route("/accounts", get(accounts::list::show).post(accounts::add::add))
        .route("/accounts/new", get(accounts::add::show))
        .route("/accounts/login", post(accounts::login::begin))
        .route("/accounts/login/complete", post(accounts::login::complete))
        .route("/accounts/{account}", get(accounts::one::show))
        .route("/accounts/{account}/{edit}", post(accounts::one::edit))
        // Requests
        .route("/requests", get(requests::list::show))
        .route("/requests/{request}", get(requests::one::show))
        // Sums
        .route("/analytics", get(analytics::show))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{session}", get(sessions::one))
        .route("/stats", get(stats::show))
        .route("/stats/reset", post(stats::reset))
        // Agents
        .route("/agents", get(agents::show))
        .route("/agents/prefer", post(agents::prefer))
        .route("/agents/all/{edit}", post(agents::edit_all))
        .route("/agents/{agent}", get(agents::one::show).post(agents::one::edit))
        // Placement
        .route("/explain", get(explain::show).post(explain::explain))
        .route("/explain/strategy", post(explain::choose_strategy))
        // Settings
        .route("/settings", get(settings::show).post(settings::change))
        .route("/settings/reload", post(settings::reload))
        .route("/settings/maintenance/{task}", post(maintenance::begin))
        // Logs
        .route("/logs", get(logs::show))
        .route("/logs/level", post(logs::set_level))
        // Doors
        .route("/keys", get(keys::show).post(keys::create))
        .route("/keys/{key}/{edit}", post(keys::edit))
        .route("/audit", get(audit::show))
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&control), dress))
        .layer(middleware::from_fn_with_state(doors, doors::guard_pages))
        .with_state(control)
        .merge(Router::new().route("/theme", post(theme::choose)).route("/callback", get(accounts::login::arrive)))
        .layer(CompressionLayer::new())
        // Outermost: what is drawn and pressed together behind it is so on another thread.
        .layer(middleware::from_fn_with_state(Arc::new(Semaphore::new(AT_ONCE)), apart))
}

/// Puts pages together on threads of their own. That takes milliseconds, and a thread that passes requests on must not be
/// held for so long.
async fn apart(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let (head, form) = request.into_parts();
    // First of all: a place is for drawing, and whoever sends a form slowly, or never, must not keep one.
    let Ok(form) = body::to_bytes(form, BODY_LIMIT).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "a form has 64 KiB at most").into_response();
    };
    let request = Request::from_parts(head, Body::from(form));
    // Nobody closes it.
    let place = places.acquire_owned().await.ok();
    let runtime = Handle::current();
    let drawing = task::spawn_blocking(move || {
        let _place = place;
        runtime.block_on(async {
            let (head, body) = next.run(request).await.into_parts();
            let body = body::to_bytes(body, usize::MAX).await.map(Body::from);
            body.map(|body| Response::from_parts(head, body))
        })
    });
    match drawing.await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

/// What a page has to say; the frame comes around it.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    status: StatusCode,
    title: String,
    here: Place,
    body: Markup,
}

impl Page {
    /// A page at a place.
    pub(crate) fn new(here: Place, title: impl Into<String>, body: Markup) -> Self {
        Self { status: StatusCode::OK, title: title.into(), here, body }
    }

    /// The same with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the frame around what is a page.
async fn dress(State(control): State<Shared>, look: Look, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(page) = response.extensions_mut().remove::<Page>() else { return response };
    // A page that says what is wrong with the server must not fail for the same reason.
    let status = control.status().await.ok();
    let said = look.done.as_deref().and_then(done::text).map(|text| notice(Tone::Good, &html! { p { (text) } }));
    let frame = Frame { title: &page.title, here: page.here, look: &look, status: status.as_ref(), notice: said };
    let mut dressed = (page.status, layout::page(&frame, &page.body)).into_response();
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        dressed.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    dressed
}

/// The moment at which the server answers; everything on a page is seen from it.
pub(crate) async fn now(control: &dyn Control) -> Result<Timestamp, Problem> {
    let status = control.status().await?;
    Ok(Timestamp::parse_rfc3339(&status.timestamp).unwrap_or_default())
}

/// Sends the browser on, to a page that says what was done.
pub(crate) fn see(path: &str, done: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{mark}done={done}")).into_response()
}
