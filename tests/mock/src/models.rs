//! `GET /v1/models`.

use serde_json::{Value, json};

fn model(id: &str) -> Value {
    json!({"type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z"})
}

/// One page that holds all.
pub(crate) fn list(ids: &[String]) -> String {
    let data: Vec<_> = ids.iter().map(|id| model(id)).collect();
    json!({"data": data, "has_more": false, "first_id": ids.first(), "last_id": ids.last()}).to_string()
}

/// One model, if it is listed.
pub(crate) fn one(ids: &[String], id: &str) -> Option<String> {
    ids.iter().find(|known| *known == id).map(|known| model(known).to_string())
}
