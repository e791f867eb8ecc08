//! `/api/events` and `/api/logs`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::{Method, Response, header};
use serde_json::json;

use super::{Remote, cursor};
use crate::{
    control::{
        ControlError, EventStream, LiveControl,
        views::{EventQuery, EventView, LogLevelView, LogPage, LogQuery},
    },
    sse::{Scanner, Sink},
};

/// A server says something every 15 seconds, if only that it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// A subscription lasts as long as both sides want it to.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[async_trait]
impl LiveControl for Remote {
    async fn events(&self, query: EventQuery) -> Result<EventStream, ControlError> {
        let request = self.to(Method::GET, &["events"]).query(&query).timeout(FOR_EVER);
        let response = self.send(request).await?;
        let reader = Reader { response, scanner: Scanner::default(), heard: Heard::default() };
        // Fused: one who takes what is there may look behind the end.
        Ok(stream::unfold(reader, |mut reader| async move { Some((reader.next().await?, reader)) }).fuse().boxed())
    }

    async fn logs(&self, query: LogQuery) -> Result<LogPage, ControlError> {
        let response = self.send(self.to(Method::GET, &["logs", "history"]).query(&query)).await?;
        let next = response.headers().get(header::LINK).and_then(|link| cursor(link.to_str().ok()?));
        let lines = response.json().await.map_err(|error| ControlError::Unavailable(error.to_string()))?;
        Ok(LogPage { lines, next })
    }

    async fn log_level(&self) -> Result<LogLevelView, ControlError> {
        self.read(self.to(Method::GET, &["logs", "level"])).await
    }

    async fn set_log_level(&self, filter: &str) -> Result<LogLevelView, ControlError> {
        self.read(self.to(Method::POST, &["logs", "level"]).json(&json!({ "level": filter }))).await
    }
}

/// Reads a stream of server-sent events.
struct Reader {
    response: Response,
    scanner: Scanner,
    heard: Heard,
}

impl Reader {
    async fn next(&mut self) -> Option<Arc<EventView>> {
        loop {
            if let Some(event) = self.heard.0.pop_front() {
                return Some(Arc::new(event));
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await.ok()?.ok()??;
            self.scanner.feed(&chunk, &mut self.heard);
        }
    }
}

#[derive(Default)]
struct Heard(VecDeque<EventView>);

impl Sink for Heard {
    fn wants(&mut self, _: &[u8]) -> bool {
        true
    }

    /// What this version does not know is left out.
    fn event(&mut self, _: &[u8], data: &[u8]) {
        self.0.extend(serde_json::from_slice::<EventView>(data).ok());
    }
}
