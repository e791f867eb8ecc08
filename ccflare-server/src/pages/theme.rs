//! Which colours pages have: a cookie of the browser's, so that the first paint is right and no script is needed.

use axum::{
    Form,
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderValue, header};
use serde::Deserialize;

use super::{Theme, own_path};

#[derive(Deserialize)]
pub(super) struct Choice {
    theme: String,
    #[serde(default)]
    back: String,
}

/// Anybody may: it changes nothing but this browser's cookie.
pub(super) async fn choose(Form(Choice { theme, back }): Form<Choice>) -> Response {
    let mut response = Redirect::to(own_path(&back)).into_response();
    let name = Theme::named(&theme).as_str();
    let cookie = format!("theme={name}; Path=/; Max-Age=31536000; SameSite=Strict");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
