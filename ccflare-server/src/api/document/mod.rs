//! The API described: OpenAPI 3.1 at `/openapi.json`, and a page for people at `/docs`.
//!
//! The shapes are derived from the views that the handlers answer with, the rest stands in a table beside the table of
//! routes; a test holds the two tables together, and schemathesis (`tests/schemathesis`) holds the server to the
//! document. Libraries that read handlers' signatures would learn little here: many answers keep the original's odd
//! shapes, or stream.

use std::sync::OnceLock;

use axum::{Json, Router, routing::get};
use serde_json::{Map, Value, json};

mod operation;
mod page;
#[cfg(test)]
mod reference;
mod shapes;
mod table;

use operation::Book;

/// Neither needs a token: they tell what anybody can read in the source.
pub(crate) fn router() -> Router {
    Router::new().route("/openapi.json", get(async || Json(document()))).route("/docs", get(page::show))
}

/// Made once.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(write)
}

fn write() -> Value {
    let mut book = Book::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in table::operations() {
        let written = book.write(&operation);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = written;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ccflare",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an operator can see and do. `/v1/*` is the proxied API itself, and documented by its provider.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": book.shapes(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "the admin token" } },
        },
        "security": [{ "token": [] }],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The tables of routes as they are written: `.route("/path", get(…).post(…))`.
    fn routes() -> BTreeSet<(String, String)> {
        let tables = [
            (include_str!("../mod.rs"), "/api"),
            (include_str!("../../probes.rs"), ""),
            (include_str!("../../app.rs"), ""),
        ];
        let mut routes = BTreeSet::new();
        for (text, prefix) in tables {
            for route in text.split(".route(\"").skip(1) {
                let (path, rest) = route.split_once('"').expect("a path ends");
                let end = rest.find("\n        .").or(rest.find("\n}")).unwrap_or(rest.len());
                let methods = &rest[..end];
                for method in ["get", "post", "put", "patch", "delete"] {
                    let calls = [format!(" {method}("), format!(".{method}("), format!("\n{method}(")];
                    if calls.iter().any(|call| methods.contains(call)) {
                        routes.insert((method.to_uppercase(), format!("{prefix}{path}")));
                    }
                }
            }
        }
        routes
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else() {
        let told: BTreeSet<_> =
            table::operations().iter().map(|it| (it.method.to_owned(), it.path.to_owned())).collect();
        let routes = routes();
        assert!(routes.len() > 30, "the tables of routes can be read: {routes:?}");
        let missing: Vec<_> = routes.difference(&told).collect();
        assert!(missing.is_empty(), "say what these do in api/document/table.rs: {missing:?}");
        let gone: Vec<_> = told.difference(&routes).collect();
        assert!(gone.is_empty(), "these are no routes any more: {gone:?}");
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        let ids: Vec<_> = text.split("\"operationId\":\"").skip(1).map(|it| it.split('"').next()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert!(!text.contains("#/$defs"), "shapes are shared in one place");
    }
}
