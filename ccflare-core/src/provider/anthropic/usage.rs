//! Where answers say what they used (anthropic-wire §3 and §4).

use std::borrow::Cow;

use http::StatusCode;

use super::error_body::one_line;
use crate::{
    domain::{ModelUsage, Tokens, Usage, is_model_name},
    json::{self, Reader, Stop},
    provider::{Interest, Reading},
};

/// What to do with an event of a stream, by its name. Events without a name are read: their data has a `type`.
pub(super) fn interest(event: &[u8]) -> Interest {
    match event {
        b"message_start" | b"message_delta" | b"message_stop" | b"error" | b"" => Interest::Read,
        b"content_block_start" | b"content_block_delta" => Interest::Content,
        _ => Interest::None,
    }
}

/// Reads an event; the data's own `type` says which it is.
pub(super) fn read_event(_name: &[u8], data: &[u8], reading: &mut Reading) {
    let Ok(event) = Event::read(data) else { return };
    match event.kind {
        Some(b"message_start") => {
            reading.begun = true;
            event.message.tell(reading);
        }
        Some(b"message_delta") => read_usage(event.usage, &mut reading.usage),
        Some(b"message_stop") => reading.complete = true,
        Some(b"error") => reading.error = event.error.map(|error| error.line()),
        _ => {}
    }
}

/// Reads a whole body: a message, or an error. Other answers (models, counted tokens) use nothing that is billed; that of a
/// session tells what all of its messages have used, each time somebody asks.
pub(super) fn read_body(body: &[u8], reading: &mut Reading) {
    let mut message = Message::default();
    if json::object(body, |key, value| message.field(key, value)).is_err() {
        return;
    }
    reading.complete = true;
    if let Some(error) = &message.error {
        reading.error = Some(error.line());
    }
    if message.kind.is_none_or(|kind| kind == b"message") {
        message.tell(reading);
    }
}

/// The status that a stream's first event stands for, if that event is an error, and its data.
pub(super) fn failed_start(first: &[u8]) -> Option<(StatusCode, &[u8])> {
    let data = first_event_data(first, b"error")?;
    let kind = Event::read(data).ok()?.error?.kind?;
    Some((status_of(kind), data))
}

/// The data of the first event, if it is whole and has this name. The API writes one line of each.
fn first_event_data<'a>(stream: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = stream.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let value = |line: &'a [u8], field: &[u8]| line.strip_prefix(field).map(<[u8]>::trim_ascii_start);
    let is_name = value(lines.next()?, b"event:")? == name;
    let data = value(lines.next()?, b"data:")?;
    (is_name && lines.next()?.is_empty()).then_some(data)
}

/// The status that the API answers an error of this type with (anthropic-wire §5).
fn status_of(kind: &[u8]) -> StatusCode {
    let code = match kind {
        b"invalid_request_error" => 400,
        b"authentication_error" => 401,
        b"billing_error" => 402,
        b"permission_error" => 403,
        b"not_found_error" => 404,
        b"request_too_large" => 413,
        b"rate_limit_error" => 429,
        b"timeout_error" => 504,
        b"overloaded_error" => 529,
        _ => 500,
    };
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Default)]
struct Event<'a> {
    kind: Option<&'a [u8]>,
    message: Message<'a>,
    usage: Option<Counts<'a>>,
    error: Option<ErrorObject<'a>>,
}

impl<'a> Event<'a> {
    fn read(data: &'a [u8]) -> Result<Self, Stop> {
        let mut event = Self::default();
        json::object(data, |key, value| {
            match key {
                b"type" => event.kind = value.text()?,
                b"message" => drop(value.object(|key, value| event.message.field(key, value))?),
                b"usage" => event.usage = Counts::read(value)?,
                b"error" => event.error = ErrorObject::read(value)?,
                _ => return value.skip(),
            }
            Ok(())
        })?;
        Ok(event)
    }
}

#[derive(Default)]
struct Message<'a> {
    kind: Option<&'a [u8]>,
    model: Option<&'a [u8]>,
    usage: Option<Counts<'a>>,
    error: Option<ErrorObject<'a>>,
}

impl<'a> Message<'a> {
    fn field(&mut self, key: &[u8], value: &mut Reader<'a>) -> Result<(), Stop> {
        match key {
            b"type" => self.kind = value.text()?,
            b"model" => self.model = value.text()?,
            b"usage" => self.usage = Counts::read(value)?,
            b"error" => self.error = ErrorObject::read(value)?,
            _ => return value.skip(),
        }
        Ok(())
    }

    fn tell(self, reading: &mut Reading) {
        reading.model = self.model.and_then(name).map(Into::into).or(reading.model.take());
        read_usage(self.usage, &mut reading.usage);
    }
}

#[derive(Default)]
struct ErrorObject<'a> {
    kind: Option<&'a [u8]>,
    message: Option<&'a [u8]>,
}

impl<'a> ErrorObject<'a> {
    fn read(value: &mut Reader<'a>) -> Result<Option<Self>, Stop> {
        let mut error = Self::default();
        let is_object = value.object(|key, value| {
            match key {
                b"type" => error.kind = value.text()?,
                b"message" => error.message = value.text()?,
                _ => return value.skip(),
            }
            Ok(())
        })?;
        Ok(is_object.then_some(error))
    }

    fn line(&self) -> Box<str> {
        let kind = self.kind.and_then(json::unescaped).unwrap_or("error".into());
        let message = self.message.and_then(json::unescaped).unwrap_or_default();
        one_line(&format!("{kind}: {message}")).into()
    }
}

/// A `usage` object, or one of its iterations; only those name their model.
#[derive(Default)]
struct Counts<'a> {
    model: Option<&'a [u8]>,
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_creation: Option<CacheCreation>,
    iterations: Option<Vec<Counts<'a>>>,
    speed: Option<&'a [u8]>,
    service_tier: Option<&'a [u8]>,
    inference_geo: Option<&'a [u8]>,
    web_searches: Option<u64>,
}

impl<'a> Counts<'a> {
    fn read(value: &mut Reader<'a>) -> Result<Option<Self>, Stop> {
        let mut counts = Self::default();
        let is_object = value.object(|key, value| {
            if key == b"iterations" {
                counts.iterations = Self::read_list(value)?;
                return Ok(());
            }
            counts.field(key, value)
        })?;
        Ok(is_object.then_some(counts))
    }

    /// Iterations have none of their own: however deep a body nests, reading it does not.
    fn read_list(value: &mut Reader<'a>) -> Result<Option<Vec<Self>>, Stop> {
        let (mut list, mut is_odd) = (Vec::new(), false);
        let is_list = value.list(|element| {
            let mut counts = Self::default();
            is_odd |= !element.object(|key, value| counts.field(key, value))?;
            list.push(counts);
            Ok(())
        })?;
        Ok((is_list && !is_odd).then_some(list))
    }

    fn field(&mut self, key: &[u8], value: &mut Reader<'a>) -> Result<(), Stop> {
        match key {
            b"model" => self.model = value.text()?,
            b"input_tokens" => self.input = value.number()?,
            b"output_tokens" => self.output = value.number()?,
            b"cache_read_input_tokens" => self.cache_read = value.number()?,
            b"cache_creation_input_tokens" => self.cache_write = value.number()?,
            b"cache_creation" => self.cache_creation = CacheCreation::read(value)?,
            b"speed" => self.speed = value.text()?,
            b"service_tier" => self.service_tier = value.text()?,
            b"inference_geo" => self.inference_geo = value.text()?,
            b"server_tool_use" => {
                value.object(|key, value| {
                    match key {
                        b"web_search_requests" => self.web_searches = value.number()?,
                        _ => return value.skip(),
                    }
                    Ok(())
                })?;
            }
            _ => return value.skip(),
        }
        Ok(())
    }
}

/// How cache writes split into those for five minutes and those for an hour.
#[derive(Default)]
struct CacheCreation {
    short: Option<u64>,
    long: Option<u64>,
}

impl CacheCreation {
    fn read(value: &mut Reader<'_>) -> Result<Option<Self>, Stop> {
        let mut split = Self::default();
        let is_object = value.object(|key, value| {
            match key {
                b"ephemeral_5m_input_tokens" => split.short = value.number()?,
                b"ephemeral_1h_input_tokens" => split.long = value.number()?,
                _ => return value.skip(),
            }
            Ok(())
        })?;
        Ok(is_object.then_some(split))
    }
}

/// More than any answer takes. A record has room for all of them, and no answer may make one that has not.
const ITERATIONS: usize = 256;

fn name(text: &[u8]) -> Option<Cow<'_, str>> {
    json::unescaped(text).filter(|name| is_model_name(name))
}

/// What is stated replaces what was known: the counts of a stream are cumulative. What is not stated, or null, stays.
fn read_usage(counts: Option<Counts<'_>>, usage: &mut Usage) {
    let Some(counts) = counts else { return };
    let tokens = &mut usage.tokens;
    tokens.input = counts.input.or(tokens.input);
    tokens.output = counts.output.or(tokens.output);
    tokens.cache_read = counts.cache_read.or(tokens.cache_read);
    let (short, long) = match (counts.cache_write, &counts.cache_creation) {
        // A stream says the sum again at its end, without the split that it began with. What has come since is as it was, if all of
        // that was for an hour.
        (Some(sum), None) => match (tokens.cache_write_5m, tokens.cache_write_1h) {
            (short, Some(long @ 1..)) if short.unwrap_or(0) == 0 || sum < long => (short.map(|_| 0), Some(sum)),
            (_, long) => (Some(sum - long.unwrap_or(0)), long),
        },
        (sum, split) => cache_writes(sum, split.as_ref()),
    };
    tokens.cache_write_5m = short.or(tokens.cache_write_5m);
    tokens.cache_write_1h = long.or(tokens.cache_write_1h);
    if let Some(iterations) = counts.iterations {
        usage.iterations = iterations.into_iter().take(ITERATIONS).map(Into::into).collect();
    }
    usage.fast = counts.speed.map_or(usage.fast, |speed| speed == b"fast");
    usage.batch = counts.service_tier.map_or(usage.batch, |tier| tier == b"batch");
    usage.us_only = counts.inference_geo.map_or(usage.us_only, |geo| geo == b"us");
    usage.web_searches = counts.web_searches.unwrap_or(usage.web_searches);
}

/// Five minutes and an hour. What the split leaves of the sum, or the sum without a split, is for five minutes.
fn cache_writes(sum: Option<u64>, split: Option<&CacheCreation>) -> (Option<u64>, Option<u64>) {
    let Some(split) = split else { return (sum, None) };
    let (short, long) = (split.short, split.long);
    let rest = sum.unwrap_or(0).saturating_sub(short.unwrap_or(0) + long.unwrap_or(0));
    let short = if rest > 0 { Some(short.unwrap_or(0) + rest) } else { short };
    (short, long)
}

impl From<Counts<'_>> for ModelUsage {
    fn from(counts: Counts<'_>) -> Self {
        let (cache_write_5m, cache_write_1h) = cache_writes(counts.cache_write, counts.cache_creation.as_ref());
        let Counts { input, output, cache_read, .. } = counts;
        let tokens = Tokens { input, output, cache_read, cache_write_5m, cache_write_1h };
        Self { model: counts.model.and_then(name).map(Into::into), tokens }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Reading {
        let mut reading = Reading::default();
        read_body(text.as_bytes(), &mut reading);
        reading
    }

    fn stream(events: &[&str]) -> Reading {
        let mut reading = Reading::default();
        for event in events {
            read_event(b"", event.as_bytes(), &mut reading);
        }
        reading
    }

    fn tokens(input: u64, output: u64, read: u64, write_5m: u64, write_1h: u64) -> Tokens {
        Tokens {
            input: Some(input),
            output: Some(output),
            cache_read: Some(read),
            cache_write_5m: Some(write_5m),
            cache_write_1h: Some(write_1h),
        }
    }

    const START: &str = r#"{"type":"message_start","message":{"model":"claude-opus-5-5","usage":{"input_tokens":10,
        "cache_read_input_tokens":20,"cache_creation_input_tokens":12,"output_tokens":1,
        "cache_creation":{"ephemeral_5m_input_tokens":5,"ephemeral_1h_input_tokens":7}}}}"#;

    #[test]
    fn what_an_answer_says_without_bounds_goes_into_no_record() {
        let long = "m".repeat(1_000_000);
        let iteration = format!(r#"{{"type":"message","model":"{long}","input_tokens":1}}"#);
        let iterations = vec![iteration; 2 * ITERATIONS.min(3)].join(",");
        let read = body(&format!(r#"{{"model":"{long}","usage":{{"input_tokens":1,"iterations":[{iterations}]}}}}"#));
        assert_eq!(read.model, None);
        assert!(read.usage.iterations.iter().all(|iteration| iteration.model.is_none()));
        let many = vec![r#"{"type":"message","input_tokens":1}"#; 2 * ITERATIONS].join(",");
        let read = body(&format!(r#"{{"model":"m","usage":{{"iterations":[{many}]}}}}"#));
        assert_eq!((read.model.as_deref(), read.usage.iterations.len()), (Some("m"), ITERATIONS));
    }

    #[test]
    fn a_streams_end_overwrites_what_it_states_and_leaves_the_rest() {
        for end in [
            r#"{"type":"message_delta","usage":{"output_tokens":30}}"#,
            r#"{"type":"message_delta","usage":{"input_tokens":null,"cache_read_input_tokens":null,"output_tokens":30}}"#,
            r#"{"type":"message_delta","usage":{"input_tokens":10,"cache_read_input_tokens":20,
                "cache_creation_input_tokens":12,"output_tokens":30}}"#,
        ] {
            let reading = stream(&[START, end, r#"{"type":"message_stop"}"#]);
            assert_eq!(reading.usage.tokens, tokens(10, 30, 20, 5, 7), "{end}");
            assert_eq!((reading.model.as_deref(), reading.complete), (Some("claude-opus-5-5"), true));
        }
        let cut = stream(&[START]);
        assert_eq!((cut.usage.tokens.output, cut.complete), (Some(1), false));
    }

    #[test]
    fn a_sum_that_has_grown_by_the_streams_end_is_split_as_it_began() {
        for (began, sum, split) in
            [((5, 7), 12, (5, 7)), ((5, 7), 20, (13, 7)), ((0, 7), 20, (0, 20)), ((5, 7), 3, (0, 3))]
        {
            let ((short, long), (short_then, long_then)) = (began, split);
            let start = format!(
                r#"{{"type":"message_start","message":{{"usage":{{"cache_creation_input_tokens":{},
                    "cache_creation":{{"ephemeral_5m_input_tokens":{short},"ephemeral_1h_input_tokens":{long}}}}}}}}}"#,
                short + long
            );
            let end = format!(r#"{{"type":"message_delta","usage":{{"cache_creation_input_tokens":{sum}}}}}"#);
            let tokens = stream(&[&start, &end]).usage.tokens;
            assert_eq!(
                (tokens.cache_write_5m, tokens.cache_write_1h),
                (Some(short_then), Some(long_then)),
                "{began:?} {sum}"
            );
        }
    }

    #[test]
    fn what_a_session_has_used_is_not_used_by_asking_for_it() {
        let session = r#"{"type":"session","id":"sesn_1","usage":{"input_tokens":1000000,"output_tokens":50}}"#;
        assert_eq!(body(session).usage, Usage::default());
        assert_eq!(body(&session.replace("session", "message")).usage.tokens.output, Some(50));
    }

    #[test]
    fn cache_writes_without_a_split_are_for_five_minutes_and_so_is_what_a_split_leaves() {
        for (usage, short, long) in [
            (r#"{"cache_creation_input_tokens":12}"#, Some(12), None),
            (
                r#"{"cache_creation_input_tokens":12,"cache_creation":{"ephemeral_1h_input_tokens":7}}"#,
                Some(5),
                Some(7),
            ),
            (r#"{"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":7}}"#, Some(0), Some(7)),
            ("{}", None, None),
        ] {
            let tokens = body(&format!(r#"{{"usage":{usage}}}"#)).usage.tokens;
            assert_eq!((tokens.cache_write_5m, tokens.cache_write_1h), (short, long), "{usage}");
        }
    }

    #[test]
    fn iterations_keep_the_model_that_ran_each() {
        let usage = body(
            r#"{"model":"claude-fable-5-2","usage":{"input_tokens":1,"output_tokens":2,"speed":"fast",
                "inference_geo":"us","service_tier":"batch","server_tool_use":{"web_search_requests":3},"iterations":[
                {"type":"compaction","input_tokens":100,"output_tokens":10},
                {"type":"fallback_message","model":"claude-opus-5-5","input_tokens":1,"output_tokens":2,
                 "cache_creation":{"ephemeral_1h_input_tokens":4}}]}}"#,
        )
        .usage;
        let models: Vec<_> = usage.iterations.iter().map(|iteration| iteration.model.as_deref()).collect();
        assert_eq!(models, [None, Some("claude-opus-5-5")]);
        assert_eq!(usage.iterations[1].tokens.cache_write_1h, Some(4));
        assert_eq!((usage.fast, usage.us_only, usage.batch, usage.web_searches), (true, true, true, 3));
    }

    #[test]
    fn one_odd_field_costs_nothing_but_itself() {
        let reading =
            body(r#"{"model":7,"usage":{"input_tokens":"many","output_tokens":5,"iterations":"none"},"error":7}"#);
        assert_eq!((reading.usage.tokens.input, reading.usage.tokens.output), (None, Some(5)));
        assert_eq!((reading.model, reading.error, reading.complete), (None, None, true));
        assert_eq!(body("<html>"), Reading::default());
    }

    #[test]
    fn counted_tokens_are_not_billed_ones() {
        assert_eq!(body(r#"{"input_tokens":2095}"#).usage, Usage::default());
    }

    #[test]
    fn errors_are_told_in_a_line() {
        let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Over\nloaded"}}"#;
        let line = Some("overloaded_error: Over loaded");
        assert_eq!(body(error).error.as_deref(), line);
        let reading = stream(&[START, error]);
        assert_eq!((reading.error.as_deref(), reading.complete), (line, false));
    }

    #[test]
    fn a_stream_that_begins_with_an_error_stands_for_that_errors_status() {
        let event =
            |kind: &str| format!("event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\"}}}}\n\n");
        for (kind, status) in [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("new", 500)] {
            let first = event(kind);
            let (found, data) = failed_start(first.as_bytes()).expect("an error");
            assert_eq!(found.as_u16(), status);
            assert!(data.starts_with(b"{") && data.ends_with(b"}"));
        }
        for other in ["event: message_start\ndata: {}\n\n", "event: error\ndata: {\"unfinis", "", ": ping\n\n"] {
            assert_eq!(failed_start(other.as_bytes()), None, "{other:?}");
        }
    }
}
