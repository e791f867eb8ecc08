//! The document for people: what can be asked, with everything it takes and gives, and no script from anywhere.

use maud::{Markup, html};
use serde_json::Value;

use super::document;
use crate::{components::layout, pages::Look};

pub(super) async fn show(look: Look) -> Markup {
    layout::bare("The API", look.theme, &view(document()))
}

fn view(document: &Value) -> Markup {
    let paths = document["paths"].as_object();
    html! {
        p { (text(&document["info"]["description"])) " The same for programs: " a href="/openapi.json" { "openapi.json" } "." }
        p { "All but the probes need the admin token: " code { "Authorization: Bearer TOKEN" } "." }
        @for (path, operations) in paths.into_iter().flatten() {
            @for (method, operation) in operations.as_object().into_iter().flatten() {
                (one(path, method, operation))
            }
        }
        h2 { "Shapes" }
        @for (name, shape) in document["components"]["schemas"].as_object().into_iter().flatten() {
            (of_name(name, shape))
        }
    }
}

fn one(path: &str, method: &str, operation: &Value) -> Markup {
    html! {
        details id=(text(&operation["operationId"])) {
            summary { code { (method.to_uppercase()) " " (path) } " " (text(&operation["summary"])) }
            @for parameter in operation["parameters"].as_array().into_iter().flatten() {
                p { code { (text(&parameter["name"])) } " (" (text(&parameter["in"])) ") " (text(&parameter["description"])) }
            }
            @if let Some(body) = operation["requestBody"]["content"].as_object() {
                p { "takes " (content(body)) }
            }
            @for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                p { (status) " " (text(&answer["description"])) " " @if let Some(kinds) = answer["content"].as_object() { (content(kinds)) } }
            }
        }
    }
}

fn content(kinds: &serde_json::Map<String, Value>) -> Markup {
    html! {
        @for (kind, it) in kinds {
            @match name(&it["schema"]).or_else(|| name(&it["schema"]["items"])) {
                Some(name) => a href={ "#shape-" (name) } { (name) @if it["schema"].get("items").is_some() { " (a list)" } },
                None => code { (kind) },
            }
        }
    }
}

fn of_name(name: &str, shape: &Value) -> Markup {
    html! {
        details id={ "shape-" (name) } {
            summary { code { (name) } " " (text(&shape["description"])) }
            pre { code { (serde_json::to_string_pretty(shape).unwrap_or_default()) } }
        }
    }
}

fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
