//! `/api/events`, `/api/requests/stream` and `/api/logs/stream`: what happens, as server-sent events.
//!
//! A listener that falls behind what is kept is told so and sent away; it comes back by itself, with the id of the last
//! event it has. One that takes nothing at all for half a minute is hung up on.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body as RouterBody,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use ccflare_core::control::{
    Control, EventStream,
    views::{EventDetail, EventQuery, EventView},
};
use futures_util::{FutureExt, StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::mpsc, time::interval};

use super::{ApiError, query::Asked};
use crate::readers::{Hangup, Place, Readers, give_way};

/// A listener hears at least this often that somebody is there.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// So long a listener may take nothing.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// About so much is sent in one piece, if so much has happened.
pub(super) const PIECE: usize = 16 * 1024;

/// Behind a piece that was not full a listener is left alone for so long: what happens meanwhile goes in one piece, which
/// costs as much as one event. Far less than anybody notices.
pub(super) const REST: Duration = Duration::from_millis(50);

/// So many pieces may be on their way to one listener.
const PIECES: usize = 4;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What live routes work with.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) control: Arc<dyn Control>,
    pub(super) readers: Readers,
}

impl Live {
    pub(super) fn place(&self) -> Result<Place, ApiError> {
        self.readers.enter().ok_or_else(|| {
            let message = "too many listen already; close some, or try again shortly".to_owned();
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_readers", message).after(5)
        })
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) topics: Option<String>,
    pub(super) after: Option<u64>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Paced {
    topics: Option<String>,
    after: Option<u64>,
    /// At most one event in so many milliseconds, the latest: for those who only want to know that something happened.
    #[schemars(range(min = 1, max = 60_000))]
    every: Option<u64>,
}

impl Paced {
    fn pace(&self) -> Result<Option<Duration>, ApiError> {
        match self.every {
            Some(0 | 60_001..) => {
                let why = "`every` is in milliseconds, from 1 to 60000".to_owned();
                Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid", why))
            }
            every => Ok(every.map(Duration::from_millis)),
        }
    }
}

/// Everything, in our own shapes.
pub(super) async fn events(
    State(live): State<Live>,
    Extension(hangup): Extension<Hangup>,
    headers: HeaderMap,
    Asked(wanted): Asked<Paced>,
) -> Result<Response, ApiError> {
    let pace = wanted.pace()?;
    let query = EventQuery { topics: wanted.topics, after: after(&headers, wanted.after) };
    let events = live.control.events(query).await?;
    Ok(Stream { place: live.place()?, hangup, events, shape: Shape::Own, pace }.begin(""))
}

/// Requests, in the original's shapes.
pub(super) async fn requests(
    State(live): State<Live>,
    Extension(hangup): Extension<Hangup>,
    headers: HeaderMap,
    Asked(wanted): Asked<Resumed>,
) -> Result<Response, ApiError> {
    let query = EventQuery { topics: Some("requests".to_owned()), after: after(&headers, wanted.after) };
    let events = live.control.events(query).await?;
    let stream = Stream { place: live.place()?, hangup, events, shape: Shape::Requests, pace: None };
    Ok(stream.begin("event: connected\ndata: ok\n\n"))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resumed {
    after: Option<u64>,
}

/// Log lines, in the original's shapes.
pub(super) async fn logs(
    State(live): State<Live>,
    Extension(hangup): Extension<Hangup>,
    headers: HeaderMap,
    Asked(wanted): Asked<super::logs::Filter>,
) -> Result<Response, ApiError> {
    let query = EventQuery { topics: Some("logs".to_owned()), after: after(&headers, wanted.after) };
    let sought = wanted.sought().map_err(|why| ApiError::new(StatusCode::BAD_REQUEST, "invalid", why))?;
    let events = live.control.events(query).await?;
    let shape = Shape::Logs(Box::new(sought));
    Ok(Stream { place: live.place()?, hangup, events, shape, pace: None }.begin("data: {\"connected\":true}\n\n"))
}

fn after(headers: &HeaderMap, asked: Option<u64>) -> Option<u64> {
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse().ok());
    last.or(asked)
}

/// How an event is written.
enum Shape {
    Own,
    Requests,
    Logs(Box<ccflare_core::logs::Sought>),
}

impl Shape {
    /// Appends an event, if it is one for this stream.
    fn write(&self, event: &EventView, piece: &mut BytesMut) {
        let data = match (self, &event.detail) {
            (Self::Own, _) | (_, EventDetail::Missed { .. }) => return frame(event.id, event.json(), "", piece),
            (Self::Requests, EventDetail::Headers { .. }) => start(&event.detail),
            // The summary stands last in the event, which is put together once for all who listen.
            (Self::Requests, EventDetail::Finished { .. }) => {
                let Some((_, summary)) = event.json().split_once("\"summary\":") else { return };
                return frame(event.id, r#"{"type":"summary","payload":"#, summary, piece);
            }
            (Self::Logs(sought), EventDetail::Log { line }) if sought.matches(line) => json!(line),
            _ => return,
        };
        frame(event.id, &data.to_string(), "", piece);
    }
}

fn frame(id: u64, data: &str, more: &str, piece: &mut BytesMut) {
    let id = id.to_string();
    for part in ["id: ", &id, "\ndata: ", data, more, "\n\n"] {
        piece.extend_from_slice(part.as_bytes());
    }
}

fn start(detail: &EventDetail) -> serde_json::Value {
    let EventDetail::Headers { request, arrived, method, path, account_id, agent, status_code, .. } = detail else {
        return json!(null);
    };
    json!({
        "type": "start", "id": request, "timestamp": arrived, "method": method, "path": path,
        "accountId": account_id, "agentUsed": agent, "statusCode": status_code,
    })
}

/// Up to half as long again, by chance: an event wakes all listeners at once, and they should not stay in step.
pub(super) fn scattered(rest: Duration) -> Duration {
    rest.mul_f64(1.0 + rand::random::<f64>() / 2.0)
}

/// One listener.
struct Stream {
    place: Place,
    hangup: Hangup,
    events: EventStream,
    shape: Shape,
    /// So long it rests between two events, and then sends the latest.
    pace: Option<Duration>,
}

impl Stream {
    fn begin(self, greeting: &'static str) -> Response {
        let (pieces, sent) = mpsc::channel(PIECES);
        tokio::spawn(self.feed(greeting, pieces));
        let body =
            stream::unfold(sent, |mut sent| async move { Some((Ok::<_, Infallible>(sent.recv().await?), sent)) });
        let mut response = RouterBody::from_stream(body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // Proxies on the way would wait for more.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        response
    }

    async fn feed(mut self, greeting: &'static str, pieces: mpsc::Sender<Bytes>) {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.reset();
        // A client that loses the connection comes back after a second.
        let mut piece = BytesMut::from(format!("retry: 1000\n\n{greeting}").as_bytes());
        let mut falls_behind = false;
        loop {
            give_way();
            let rest = self.pace.or((piece.len() < PIECE).then_some(REST)).map(scattered);
            match tokio::time::timeout(PATIENCE, pieces.send(piece.split().freeze())).await {
                Ok(Ok(())) if !falls_behind => {}
                Ok(_) => return,
                Err(_) => return self.hangup.hang_up(),
            }
            if let Some(rest) = rest {
                tokio::select! {
                    () = self.place.ended() => return,
                    () = pieces.closed() => return,
                    () = tokio::time::sleep(rest) => {}
                }
            }
            while piece.is_empty() {
                tokio::select! {
                    () = self.place.ended() => return,
                    () = pieces.closed() => return,
                    _ = heartbeat.tick() => piece.extend_from_slice(b": \n\n"),
                    event = self.events.next() => {
                        let Some(event) = event else { return };
                        falls_behind |= self.take(&event, &mut piece);
                    }
                }
            }
            // Whatever else has happened already goes along.
            while piece.len() < PIECE && !falls_behind {
                let Some(Some(event)) = self.events.next().now_or_never() else { break };
                falls_behind |= self.take(&event, &mut piece);
            }
        }
    }

    /// Whether the listener has fallen behind. One who wants the latest alone can't.
    fn take(&self, event: &EventView, piece: &mut BytesMut) -> bool {
        if self.pace.is_some() {
            piece.clear();
        }
        self.shape.write(event, piece);
        self.pace.is_none() && matches!(event.detail, EventDetail::Missed { slow: true, .. })
    }
}
