//! The `/_mock/…` endpoints, for scripts in other languages.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Exchange;
use crate::body::MockBody;
use crate::economy::Ledger;
use crate::head::Head;
use crate::ledger::Ticket;
use crate::steer::Steer;
use crate::{ErrorAnswer, Received};

/// `POST /_mock/script`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    key: String,
    #[serde(default)]
    steps: Vec<Steer>,
    /// For every request after the steps.
    #[serde(default)]
    always: Option<Steer>,
    /// Forget earlier steps first.
    #[serde(default)]
    clear: bool,
}

/// `POST /_mock/time`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pass {
    advance_seconds: u64,
}

/// Answers a control request; it does not count among the requests.
pub(crate) fn answer(exchange: &Exchange) -> Response<MockBody> {
    let path = exchange.parts.uri.path();
    let body = match (&exchange.parts.method, path) {
        (&Method::GET, "/_mock/requests") => {
            let requests = exchange.shared.ledger.requests();
            Ok(Value::Array(requests.iter().map(request_json).collect()).to_string())
        }
        (&Method::GET, "/_mock/totals") => Ok(totals(exchange).to_string()),
        (&Method::GET, "/_mock/answered") => Ok(answered(exchange)),
        (&Method::GET, "/_mock/spent") => {
            Ok(json!(exchange.shared.economy.as_ref().map(Ledger::spent).unwrap_or_default()).to_string())
        }
        (&Method::POST, "/_mock/time") => time(exchange),
        (&Method::POST, "/_mock/script") => script(exchange).map(|()| "{}".to_owned()),
        (&Method::POST, "/_mock/reset") => {
            exchange.shared.clear_all();
            exchange.shared.ledger.reset();
            Ok("{}".to_owned())
        }
        _ => Err(Box::new(ErrorAnswer::new(404, "not_found_error", "no such control endpoint"))),
    };
    let mut head = Head::new("req_control", "control");
    let body = body.map(Bytes::from).unwrap_or_else(|error| {
        head.error(&error);
        error.body("req_control")
    });
    let ticket = Ticket::void(&exchange.shared.ledger);
    head.into_response(MockBody::plain(body, Arc::clone(&exchange.conn), ticket))
}

fn script(exchange: &Exchange) -> Result<(), Box<ErrorAnswer>> {
    let refuse = |message: String| Box::new(ErrorAnswer::new(400, "invalid_request_error", message));
    let script: Script = serde_json::from_slice(&exchange.body).map_err(|error| refuse(error.to_string()))?;
    let shared = &exchange.shared;
    let steps: Result<Vec<_>, _> = script.steps.iter().map(|steer| shared.step(steer)).collect();
    let always = script.always.as_ref().map(|steer| shared.step(steer)).transpose();
    let (steps, always) = (steps.map_err(refuse)?, always.map_err(refuse)?);
    if script.clear {
        shared.clear(&script.key);
    }
    shared.script(&script.key, steps);
    if let Some(step) = always {
        shared.always(&script.key, step);
    }
    Ok(())
}

/// Lets the economy's time pass, and says what time it is.
fn time(exchange: &Exchange) -> Result<String, Box<ErrorAnswer>> {
    let refuse = |message: String| Box::new(ErrorAnswer::new(400, "invalid_request_error", message));
    let pass: Pass = serde_json::from_slice(&exchange.body).map_err(|error| refuse(error.to_string()))?;
    let economy = exchange.shared.economy.as_ref();
    let time = economy.ok_or_else(|| refuse("there is no economy, and so no time of its own".to_owned()))?.time();
    time.advance(Duration::from_secs(pass.advance_seconds));
    Ok(json!({"epoch_micros": time.micros()}).to_string())
}

fn totals(exchange: &Exchange) -> Value {
    let counters = &exchange.shared.counters;
    let mut json = json!(exchange.shared.ledger.totals());
    json["connections_open"] = counters.open.load(std::sync::atomic::Ordering::Acquire).into();
    json["connections_accepted"] = counters.accepted.load(std::sync::atomic::Ordering::Acquire).into();
    json
}

/// One line for each request that named itself by `x-mock-id` and was answered, fully or partly.
fn answered(exchange: &Exchange) -> String {
    let mut lines = String::new();
    for line in exchange.shared.ledger.identified() {
        if line.disposition.status().is_some()
            && let Ok(json) = serde_json::to_string(&line)
        {
            lines.push_str(&json);
            lines.push('\n');
        }
    }
    lines
}

fn request_json(request: &Received) -> Value {
    let headers: Vec<_> =
        request.headers.iter().map(|(name, value)| json!([name, String::from_utf8_lossy(value)])).collect();
    json!({
        "seq": request.seq,
        "key": request.key,
        "method": request.method.as_str(),
        "path_and_query": request.path_and_query,
        "version": format!("{:?}", request.version),
        "headers": headers,
        "body": text_or_hex(&request.body),
        "connection": request.connection,
        "end": request.disposition,
        "sent": text_or_hex(&request.sent),
    })
}

/// UTF-8 as a string, anything else as `{"hex":…}`.
fn text_or_hex(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let mut hex = String::with_capacity(bytes.len() * 2);
            for byte in bytes {
                // Writing to a string cannot fail.
                let _ = write!(hex, "{byte:02x}");
            }
            json!({ "hex": hex })
        }
    }
}
