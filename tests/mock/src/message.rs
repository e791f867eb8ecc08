//! `POST /v1/messages`.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, Response};
use serde::Deserialize;

use crate::answer::Exchange;
use crate::body::{Ending, Manner, MockBody, Writes};
use crate::error_answer::status_of;
use crate::events::Cut;
use crate::ledger::Ticket;
use crate::shared::{Decision, KeyHeaders};
use crate::{ErrorAnswer, Framing, Reply, Step, cache, gzip};

/// What the answer depends on.
pub(crate) struct Message {
    model: String,
    stream: bool,
    gzip: bool,
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    stream: Option<bool>,
}

impl Message {
    /// Reads as little as possible of the request. A body that is no JSON is refused, as the API does: a proxy
    /// that damages bodies is then found out.
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Box<ErrorAnswer>> {
        let body = decoded(headers, body)?;
        let asked: Asked<'_> = serde_json::from_slice(&body).map_err(|error| {
            let message = format!("The request body is not valid JSON: {error}");
            Box::new(ErrorAnswer::new(400, "invalid_request_error", message))
        })?;
        Ok(Self {
            model: asked.model.map_or_else(|| "claude-sonnet-5-5".to_owned(), Cow::into_owned),
            stream: asked.stream.unwrap_or_default(),
            gzip: accepts_gzip(headers),
        })
    }
}

fn decoded<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<Cow<'a, [u8]>, Box<ErrorAnswer>> {
    let invalid =
        |code: &str| Box::new(ErrorAnswer::new(400, "invalid_request_error", "request body encoding").error_code(code));
    match headers.get(CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => Ok(Cow::Borrowed(body)),
        Some(b"gzip") => {
            let mut plain = Vec::new();
            let read = GzDecoder::new(&body[..]).read_to_end(&mut plain);
            read.map_err(|_| invalid("request_body_encoding_invalid"))?;
            Ok(Cow::Owned(plain))
        }
        Some(_) => Err(invalid("request_body_encoding_unsupported")),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        matches!(coding.trim(), "gzip" | "*") && !matches!(weight.trim(), "q=0" | "q=0.0")
    })
}

/// Where and how a fault ends the answer.
fn ending(fault: Option<&Step>) -> (Option<Cut>, Ending) {
    let cut = |after: usize| Some(Cut { after, error: None });
    match fault {
        Some(Step::ResetMidStream { after_events }) => (cut(*after_events), Ending::Reset),
        Some(Step::CloseMidStream { after_events }) => (cut(*after_events), Ending::Close),
        Some(Step::CleanEofMidStream { after_events }) => (cut(*after_events), Ending::Clean),
        Some(Step::StallMidStream { after_events }) => (cut(*after_events), Ending::Stall),
        Some(Step::ErrorEvent { after_events, error_type }) => {
            (Some(Cut { after: *after_events, error: Some(error_type.clone()) }), Ending::Whole)
        }
        _ => (None, Ending::Whole),
    }
}

/// What the message comes to, where that follows from the message.
fn charge(
    exchange: &Exchange,
    asked: &Message,
    decision: &Decision,
    ticket: &Ticket,
) -> Result<Option<Decision>, Box<ErrorAnswer>> {
    let Some(economy) = &exchange.shared.economy else { return Ok(None) };
    let key = ticket.key.as_deref().unwrap_or_default();
    let body = decoded(&exchange.parts.headers, &exchange.body)?;
    let charged = economy.charge(key, &asked.model, &body, decision.reply.usage.output)?;
    let reply = Reply { usage: charged.usage, ..Reply::clone(&decision.reply) };
    let headers = KeyHeaders { organization: decision.headers.organization.clone(), limits: charged.headers };
    let (headers, reply) = (Arc::new(headers), Arc::new(reply));
    Ok(Some(Decision { headers, reply, fault: decision.fault.clone(), delay: decision.delay }))
}

/// The answer to a message, whole or cut short.
pub(crate) fn answer(
    exchange: &Exchange,
    asked: &Message,
    decision: &Decision,
    mut ticket: Ticket,
) -> Response<MockBody> {
    let charged = match charge(exchange, asked, decision, &ticket) {
        Ok(charged) => charged,
        Err(refusal) => return exchange.error(&refusal, decision, ticket),
    };
    let decision = charged.as_ref().unwrap_or(decision);
    let reply = &decision.reply;
    if let Some(Step::ErrorEvent { error_type, .. }) = &decision.fault
        && !asked.stream
    {
        let error = ErrorAnswer::new(status_of(error_type), error_type, "Scripted error");
        return exchange.error(&error, decision, ticket);
    }
    let model = reply.model.as_deref().unwrap_or(&asked.model);
    let (cut, ending) = ending(decision.fault.as_ref());
    let prepared = exchange.shared.cache.get(reply, model, asked.stream, cut);
    let first = cache::with_id(&prepared, &exchange.shared.message_id());
    let promised = (!asked.stream && matches!(ending, Ending::Reset | Ending::Close | Ending::Stall)).then(|| {
        exchange.shared.cache.get(reply, model, false, None).writes.iter().map(|write| write.len() as u64).sum()
    });
    let packed = (reply.gzip && asked.gzip).then(|| {
        let plain: Vec<_> =
            first.iter().chain(prepared.writes.iter().skip(usize::from(first.is_some()))).cloned().collect();
        gzip::writes(&plain, ending == Ending::Whole).unwrap_or_default()
    });

    ticket.told.status = Some(200);
    ticket.told.model = Some(model.to_owned());
    let mut head = exchange.head(decision, &ticket);
    if asked.stream {
        head.event_stream();
    }
    if packed.is_some() {
        head.gzip();
    }
    head.good(decision);
    let manner = Manner {
        per_byte: reply.framing == Framing::PerByte,
        flush_each: !matches!(reply.framing, Framing::Burst | Framing::OneWrite),
        pace: if matches!(reply.framing, Framing::Burst | Framing::OneWrite) { Default::default() } else { reply.pace },
        http2: exchange.parts.version >= http::Version::HTTP_2,
    };
    let sized = !asked.stream && ending != Ending::Clean;
    let writes = Writes { prepared, first, packed };
    let conn = Arc::clone(&exchange.conn);
    let body = MockBody::new(writes, manner, ending, Some(reply.usage), conn, ticket);
    head.into_response(if sized { body.sized(promised) } else { body })
}
