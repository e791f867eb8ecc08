//! Steering by JSON: the request header `x-mock`, and the steps of `POST /_mock/script`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::{DeltaUsage, ErrorAnswer, Framing, Reply, Step, ToolUse};

/// What a request, or one scripted step, wants: changes to the reply, and perhaps a fault.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Steer {
    model: Option<String>,
    deltas: Option<usize>,
    delta_bytes: Option<usize>,
    pace_ms: Option<u64>,
    framing: Option<Framing>,
    gzip: Option<bool>,
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
    delta_usage: Option<DeltaUsage>,
    usage_extra: Option<serde_json::Map<String, serde_json::Value>>,
    message_extra: Option<serde_json::Map<String, serde_json::Value>>,
    stop_reason: Option<String>,
    tool: Option<Tool>,
    headers: BTreeMap<String, String>,
    set_cookie: Option<String>,
    /// The wait before the headers, with or without a fault.
    delay_ms: Option<u64>,
    /// Keys the whole steering is for; all if empty.
    only_keys: Vec<String>,
    fault: Option<String>,
    after_events: usize,
    status: Option<u16>,
    error_type: Option<String>,
    error_code: Option<String>,
    message: Option<String>,
    raw_body: Option<String>,
    window: Option<String>,
    reset: Option<u64>,
    reset_in: Option<u64>,
    reset_at: Option<String>,
    retry_after: Option<RetryAfter>,
}

#[derive(Clone, Debug, Deserialize)]
struct Tool {
    name: String,
    input: serde_json::Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Text(String),
}

impl Steer {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| format!("x-mock: {error}"))
    }

    /// Whether it is meant for this key.
    pub(crate) fn concerns(&self, key: Option<&str>) -> bool {
        self.only_keys.is_empty() || key.is_some_and(|key| self.only_keys.iter().any(|only| only == key))
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or_default())
    }

    /// The reply with the changes.
    pub(crate) fn apply(&self, base: &Reply) -> Reply {
        let mut reply = base.clone();
        set(&mut reply.deltas, self.deltas);
        set(&mut reply.delta_bytes, self.delta_bytes);
        set(&mut reply.pace, self.pace_ms.map(Duration::from_millis));
        set(&mut reply.framing, self.framing);
        set(&mut reply.gzip, self.gzip);
        set(&mut reply.usage.input, self.input);
        set(&mut reply.usage.output, self.output);
        set(&mut reply.usage.cache_read, self.cache_read);
        set(&mut reply.usage.cache_write_5m, self.cache_write_5m);
        set(&mut reply.usage.cache_write_1h, self.cache_write_1h);
        set(&mut reply.delta_usage, self.delta_usage);
        if let Some(tool) = &self.tool {
            reply.tool_use = Some(ToolUse { name: tool.name.clone(), input: tool.input.to_string() });
            reply.stop_reason = "tool_use".to_owned();
        }
        set(&mut reply.stop_reason, self.stop_reason.clone());
        set(&mut reply.usage_extra, self.usage_extra.as_ref().map(members));
        set(&mut reply.message_extra, self.message_extra.as_ref().map(members));
        if self.model.is_some() {
            reply.model.clone_from(&self.model);
        }
        reply.headers.extend(self.extra_headers());
        reply
    }

    /// The step of a script: a fault, or else a reply.
    pub(crate) fn step(&self, base: &Reply) -> Result<Step, String> {
        Ok(self.fault()?.unwrap_or_else(|| Step::reply(self.apply(base))))
    }

    /// The fault, if there is one.
    pub(crate) fn fault(&self) -> Result<Option<Step>, String> {
        let after_events = self.after_events;
        let Some(fault) = self.fault.as_deref() else {
            return Ok(None);
        };
        let step = match fault {
            "status" => self.status.map_or_else(
                || Err("x-mock: status is missing".to_owned()),
                |code| Ok(Step::status(code, default_type(code), "Scripted error")),
            )?,
            "quota_unified" => Step::quota_unified(self.window.as_deref().unwrap_or("5h"), self.reset_epoch()),
            "quota_api_key" => Step::quota_api_key(self.reset_text()?),
            "throttle" => Step::throttle(self.retry_after_text().unwrap_or_else(|| "1".to_owned())),
            "bare_429" => Step::bare_429(),
            "unauthorized" => Step::unauthorized(),
            "billing" => Step::billing(),
            "spend_limit" => Step::spend_limit(),
            "on_hold" => Step::on_hold(),
            "bad_request" => Step::bad_request(),
            "not_found" => Step::not_found(),
            "too_large" => Step::too_large(),
            "unprocessable" => Step::unprocessable(),
            "forbidden_model" => Step::forbidden_model(),
            "overloaded" => Step::overloaded(),
            "unavailable" => Step::unavailable(),
            "server_error" => Step::server_error(),
            "reset_before_headers" => Step::ResetBeforeHeaders,
            "close_before_headers" => Step::CloseBeforeHeaders,
            "reset_mid_stream" => Step::ResetMidStream { after_events },
            "close_mid_stream" => Step::CloseMidStream { after_events },
            "clean_eof_mid_stream" => Step::CleanEofMidStream { after_events },
            "stall_mid_stream" => Step::StallMidStream { after_events },
            "error_event" => Step::ErrorEvent {
                after_events,
                error_type: self.error_type.clone().unwrap_or_else(|| "overloaded_error".to_owned()),
            },
            "slow_headers" => Step::SlowHeaders(self.delay()),
            "hang" => Step::Hang,
            unknown => return Err(format!("x-mock: unknown fault {unknown:?}")),
        };
        Ok(Some(match step {
            Step::Status(answer) => self.adorn(*answer).into(),
            step => step,
        }))
    }

    /// The error answer with the members that are given.
    fn adorn(&self, mut answer: ErrorAnswer) -> ErrorAnswer {
        set(&mut answer.code, self.status);
        set(&mut answer.error_type, self.error_type.clone());
        set(&mut answer.message, self.message.clone());
        if self.error_code.is_some() {
            answer.error_code.clone_from(&self.error_code);
        }
        if let Some(raw) = &self.raw_body {
            answer.raw_body = Some(raw.clone().into());
        }
        if let Some(after) = self.retry_after_text() {
            answer.retry_at = None;
            answer.headers.retain(|(name, _)| name != "retry-after");
            answer.headers.push(("retry-after".to_owned(), after));
        }
        answer.headers.extend(self.extra_headers());
        answer
    }

    fn extra_headers(&self) -> impl Iterator<Item = (String, String)> {
        let cookie = self.set_cookie.iter().map(|cookie| ("set-cookie".to_owned(), cookie.clone()));
        self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).chain(cookie)
    }

    fn reset_epoch(&self) -> u64 {
        self.reset.unwrap_or_else(|| crate::limits::now() + self.reset_in.unwrap_or(3_600))
    }

    fn reset_text(&self) -> Result<String, String> {
        if let Some(text) = &self.reset_at {
            return Ok(text.clone());
        }
        let seconds = i64::try_from(self.reset_epoch()).map_err(|_| "x-mock: reset is too late".to_owned())?;
        let at = jiff::Timestamp::from_second(seconds).map_err(|error| format!("x-mock: {error}"))?;
        Ok(at.to_string())
    }

    fn retry_after_text(&self) -> Option<String> {
        self.retry_after.as_ref().map(|after| match after {
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Text(text) => text.clone(),
        })
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// The inside of a JSON object.
fn members(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let json = serde_json::Value::Object(map.clone()).to_string();
    json[1..json.len() - 1].to_owned()
}

fn default_type(code: u16) -> &'static str {
    match code {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
