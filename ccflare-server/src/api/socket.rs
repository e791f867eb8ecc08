//! `/api/ws`: the same events over a WebSocket, by topics that are chosen on the way.
//!
//! A client says `{"subscribe": ["requests", "logs"], "after": ID}` or `{"unsubscribe": ["logs"]}` and is answered with
//! `{"type": "subscribed", "topics": [...]}`; everything else that comes is an event.

use std::sync::Arc;

use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    response::Response,
};
use ccflare_core::{
    control::{
        EventStream,
        views::{EventDetail, EventQuery, EventView},
    },
    record::Topics,
};
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, interval, timeout};

use super::{
    ApiError,
    live::{HEARTBEAT, Live, PATIENCE, PIECE, REST, Wanted, scattered},
    query::Asked,
};
use crate::{
    doors::{bearer, is_same_origin},
    readers::{Place, give_way},
};

/// Nothing that a client says is longer.
const LONGEST: usize = 16 * 1024;

/// Room for what a client says at once. All of it is made zero whenever it is looked whether something was said.
const HEARD: usize = 1024;

/// Browsers let any page open a WebSocket to anywhere and send the cookie along, so a session is good here for pages of
/// this very origin only.
pub(super) async fn open(
    State(live): State<Live>,
    uri: Uri,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    if bearer(&headers).is_none() && !is_same_origin(&uri, &headers) {
        return Err(ApiError::cross_site());
    }
    let place = live.place()?;
    let mut ears = Ears { live, topics: Topics::NONE, events: stream::pending().boxed(), last: None };
    if let Some(topics) = wanted.topics {
        let topics = topics.parse().map_err(|why| ApiError::new(http::StatusCode::BAD_REQUEST, "invalid", why))?;
        ears.listen(topics, wanted.after).await?;
    }
    let upgrade = upgrade.max_message_size(LONGEST).max_frame_size(LONGEST).read_buffer_size(HEARD);
    Ok(upgrade.on_upgrade(|socket| converse(socket, ears, place)))
}

/// What a client listens to.
struct Ears {
    live: Live,
    topics: Topics,
    events: EventStream,
    last: Option<u64>,
}

/// What a client has been told.
enum Told {
    /// All there is.
    All,
    /// As much as is told at once.
    Much,
    /// That it has missed some: it did not keep up.
    TooSlow,
}

/// What a client says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    subscribe: Vec<String>,
    #[serde(default)]
    unsubscribe: Vec<String>,
    after: Option<u64>,
}

impl Ears {
    async fn listen(&mut self, topics: Topics, after: Option<u64>) -> Result<(), ApiError> {
        self.topics = topics;
        self.events = if topics == Topics::NONE {
            stream::pending().boxed()
        } else {
            // Between the old subscription and the new one nothing is lost.
            let query = EventQuery { topics: Some(topics.to_string()), after: after.or(self.last) };
            self.live.control.events(query).await?
        };
        Ok(())
    }

    /// Sends an event, and whatever else has happened already with it: a message by itself is a system call and a packet.
    async fn tell(&mut self, socket: &mut WebSocket, first: Arc<EventView>) -> Result<Told, axum::Error> {
        give_way();
        let (mut event, mut sent) = (first, 0);
        loop {
            self.last = Some(event.id);
            sent += event.json().len();
            socket.feed(Message::Text(event.json().into())).await?;
            let is_behind = matches!(event.detail, EventDetail::Missed { slow: true, .. });
            let next = if is_behind || sent >= PIECE { None } else { self.events.next().now_or_never().flatten() };
            match next {
                Some(next) => event = next,
                None => {
                    socket.flush().await?;
                    return Ok(if is_behind {
                        Told::TooSlow
                    } else if sent >= PIECE {
                        Told::Much
                    } else {
                        Told::All
                    });
                }
            }
        }
    }

    /// What to answer.
    async fn hear(&mut self, text: &str) -> String {
        let understood = serde_json::from_str::<Said>(text).map_err(|error| error.to_string());
        let topics = understood.and_then(|said| {
            let (more, less): (Topics, Topics) =
                (said.subscribe.join(",").parse()?, said.unsubscribe.join(",").parse()?);
            Ok((self.topics.and(more).without(less), said.after))
        });
        let heard = match topics {
            Ok((topics, after)) => self.listen(topics, after).await.map_err(|error| error.message().to_owned()),
            Err(why) => Err(why),
        };
        match heard {
            Ok(()) => json!({ "type": "subscribed", "topics": self.topics.iter().collect::<Vec<_>>() }),
            Err(why) => json!({
                "type": "error", "error": why, "code": "invalid",
                "hint": r#"say {"subscribe": ["requests", "accounts", "moves", "config", "logs"]}"#,
            }),
        }
        .to_string()
    }
}

async fn converse(mut socket: WebSocket, mut ears: Ears, place: Place) {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.reset();
    let mut heard = Instant::now();
    // What happens until then goes together.
    let mut rested = heard;
    let bye = loop {
        let message = tokio::select! {
            () = place.ended() => break Some(closing(close_code::AWAY, "the server stops")),
            said = socket.recv() => match said {
                Some(Ok(said)) => {
                    heard = Instant::now();
                    match said {
                        Message::Text(text) => Message::Text(ears.hear(&text).await.into()),
                        Message::Close(_) => break None,
                        _ => continue,
                    }
                }
                _ => break None,
            },
            event = next(&mut ears.events, rested) => match event {
                Some(event) => match timeout(PATIENCE, ears.tell(&mut socket, event)).await {
                    Ok(Ok(Told::All)) => {
                        rested = Instant::now() + scattered(REST);
                        continue;
                    }
                    Ok(Ok(Told::Much)) => continue,
                    Ok(Ok(Told::TooSlow)) => break Some(closing(close_code::POLICY, "too slow; come back")),
                    Ok(Err(_)) | Err(_) => break None,
                },
                None => break Some(closing(close_code::AWAY, "the server stops")),
            },
            // A client answers pings by itself; one that does not for so long is gone.
            _ = heartbeat.tick() => {
                if heard.elapsed() > HEARTBEAT * 4 {
                    break None;
                }
                Message::Ping(Vec::new().into())
            }
        };
        if !send(&mut socket, message).await {
            break None;
        }
    };
    if let Some(bye) = bye {
        send(&mut socket, bye).await;
    }
    drop(place);
}

async fn next(events: &mut EventStream, rested: Instant) -> Option<Arc<EventView>> {
    tokio::time::sleep_until(rested).await;
    events.next().await
}

/// Whether the client took it in time.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(PATIENCE, socket.send(message)).await, Ok(Ok(())))
}

fn closing(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.into() }))
}
