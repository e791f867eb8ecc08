//! The dashboard's own files, built into the program: one stylesheet, one script, one icon.
//!
//! Each one's address carries a digest of what is in it, so browsers may keep it for ever and a new version has a new
//! address. None of them holds anything of an operator's, so they are there for everybody.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use tower_http::compression::CompressionLayer;

/// A file, and where it is found.
pub(crate) struct Asset {
    name: String,
    kind: &'static str,
    text: &'static str,
}

/// How everything looks.
pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app", "css", "text/css", include_str!("app.css")));

/// What pages do while they are open.
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app", "js", "text/javascript", include_str!("app.js")));

/// The mark in the browser's tab.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("icon.svg")));

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, text: &'static str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut hash = String::new();
        for byte in &digest[..6] {
            // Writing to a string can't fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self { name: format!("{stem}.{hash}.{ending}"), kind, text }
    }

    /// Its address.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// The route of the files.
pub(crate) fn router() -> Router {
    let file = get(async |Path(name): Path<String>| send(&name));
    Router::new().route("/assets/{name}", file).layer(CompressionLayer::new())
}

fn send(name: &str) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    (headers, asset.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_what_is_in_the_file() {
        assert!(STYLE.path().starts_with("/assets/app.") && STYLE.path().ends_with(".css"));
        assert_eq!(Asset::new("a", "css", "", "x").path(), Asset::new("a", "css", "", "x").path());
        assert_ne!(Asset::new("a", "css", "", "x").path(), Asset::new("a", "css", "", "y").path());
        assert_eq!(send("app.0123.css").status(), 404);
    }

    #[test]
    fn the_script_stays_small_and_nothing_comes_from_outside() {
        assert!(SCRIPT.text.lines().count() <= 200, "one small script");
        for asset in [&STYLE, &SCRIPT, &ICON] {
            let outside = asset.text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("http:") && !outside.contains("https:"), "{}", asset.name);
        }
    }
}
