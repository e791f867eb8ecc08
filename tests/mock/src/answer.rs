//! From a request to its answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::body::{Aborted, MockBody};
use crate::conn::Conn;
use crate::head::Head;
use crate::ledger::{End, Ticket};
use crate::message::{self, Message};
use crate::shared::{Decision, Shared};
use crate::things::Thing;
use crate::{ErrorAnswer, Step, control, models};

/// One request on its connection.
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) conn: Arc<Conn>,
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
}

/// Answers one request.
pub(crate) async fn answer(
    shared: Arc<Shared>,
    conn: Arc<Conn>,
    request: Request<Incoming>,
) -> Result<Response<MockBody>, Aborted> {
    let (parts, body) = request.into_parts();
    let upload = Upload { shared: &shared, parts: Some(parts), received: BytesMut::new(), connection: conn.id };
    let (parts, body) = upload.read(body).await?;
    if shared.config.control && parts.uri.path().starts_with("/_mock/") {
        return Ok(control::answer(&Exchange { shared, conn, parts, body }));
    }
    let ticket = shared.ledger.open(&parts, &body, conn.id);
    let decision = shared.decide(ticket.key.as_deref(), &parts.headers);
    let exchange = Exchange { shared, conn, parts, body };
    if !decision.delay.is_zero() {
        tokio::time::sleep(decision.delay).await;
    }
    exchange.follow(decision, ticket).await
}

/// A request being read; broken off, it is noted as far as it came.
struct Upload<'a> {
    shared: &'a Shared,
    parts: Option<Parts>,
    received: BytesMut,
    connection: u64,
}

impl Upload<'_> {
    async fn read(mut self, mut body: Incoming) -> Result<(Parts, Bytes), Aborted> {
        let mut only = None;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Err(Aborted);
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            // Most bodies come in one piece and need no copy.
            match only.take() {
                None if self.received.is_empty() => only = Some(data),
                first => {
                    self.received.extend_from_slice(&first.unwrap_or_default());
                    self.received.extend_from_slice(&data);
                }
            }
        }
        let body = only.unwrap_or_else(|| std::mem::take(&mut self.received).freeze());
        self.parts.take().map(|parts| (parts, body)).ok_or(Aborted)
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            let body = std::mem::take(&mut self.received).freeze();
            drop(self.shared.ledger.open(&parts, &body, self.connection));
        }
    }
}

impl Exchange {
    async fn follow(&self, decision: Decision, mut ticket: Ticket) -> Result<Response<MockBody>, Aborted> {
        match &decision.fault {
            Some(Step::Status(answer)) => return Ok(self.error(answer, &decision, ticket)),
            Some(Step::Hang) => std::future::pending().await,
            Some(Step::SlowHeaders(delay)) if decision.delay.is_zero() => tokio::time::sleep(*delay).await,
            Some(Step::ResetBeforeHeaders) => {
                self.reset();
                ticket.settle(End::ResetBefore);
                return Err(Aborted);
            }
            Some(Step::CloseBeforeHeaders) => {
                ticket.settle(End::ResetBefore);
                return Err(Aborted);
            }
            _ => {}
        }
        Ok(self.route(&decision, ticket))
    }

    fn reset(&self) {
        if self.parts.version < http::Version::HTTP_2 {
            self.conn.reset_at_close();
        }
    }

    fn route(&self, decision: &Decision, ticket: Ticket) -> Response<MockBody> {
        let path = self.parts.uri.path();
        match (&self.parts.method, path) {
            (&Method::POST, "/v1/messages") => match Message::read(&self.parts.headers, &self.body) {
                Ok(asked) => message::answer(self, &asked, decision, ticket),
                Err(error) => self.error(&error, decision, ticket),
            },
            (&Method::POST, "/v1/messages/count_tokens") => {
                let body = format!("{{\"input_tokens\":{}}}", decision.reply.usage.total_input());
                self.json(body.into(), decision, ticket)
            }
            (&Method::GET, "/v1/models") => {
                self.json(models::list(&self.shared.config.models).into(), decision, ticket)
            }
            _ => self.other(path, decision, ticket),
        }
    }

    fn other(&self, path: &str, decision: &Decision, ticket: Ticket) -> Response<MockBody> {
        if let Some(id) = path.strip_prefix("/v1/models/")
            && self.parts.method == Method::GET
        {
            return match models::one(&self.shared.config.models, id) {
                Some(model) => self.json(model.into(), decision, ticket),
                None => self.error(&ErrorAnswer::new(404, "not_found_error", format!("model: {id}")), decision, ticket),
            };
        }
        let (key, query) = (ticket.key.clone().unwrap_or_default(), self.parts.uri.query().unwrap_or_default());
        if let Some(thing) = self.shared.things.answer(&key, &self.parts.method, path, query) {
            return self.thing(thing, decision, ticket);
        }
        if path.starts_with("/v1/") {
            let echo = serde_json::json!({"path": path, "method": self.parts.method.as_str()});
            return self.json(echo.to_string().into(), decision, ticket);
        }
        self.error(&ErrorAnswer::new(404, "not_found_error", "Not found"), decision, ticket)
    }

    fn thing(&self, thing: Thing, decision: &Decision, mut ticket: Ticket) -> Response<MockBody> {
        match thing {
            Thing::Json(body) => self.json(body.into(), decision, ticket),
            Thing::NotFound(id) => {
                self.error(&ErrorAnswer::new(404, "not_found_error", format!("{id} not found")), decision, ticket)
            }
            Thing::Raw(body) => {
                ticket.told.status = Some(200);
                let mut head = self.head(decision, &ticket);
                head.good(decision);
                head.raw();
                self.plain(head, body.into(), ticket)
            }
        }
    }

    /// A JSON answer that is no message.
    fn json(&self, body: Bytes, decision: &Decision, mut ticket: Ticket) -> Response<MockBody> {
        ticket.told.status = Some(200);
        let mut head = self.head(decision, &ticket);
        head.good(decision);
        self.plain(head, body, ticket)
    }

    pub(crate) fn error(&self, answer: &ErrorAnswer, decision: &Decision, mut ticket: Ticket) -> Response<MockBody> {
        ticket.told.status = Some(answer.code);
        let mut head = self.head(decision, &ticket);
        head.error(answer);
        let body = answer.body(&self.shared.request_id(ticket.seq));
        self.plain(head, body, ticket)
    }

    /// The head of any answer: JSON, 200, and who answers.
    pub(crate) fn head(&self, decision: &Decision, ticket: &Ticket) -> Head {
        Head::new(&self.shared.request_id(ticket.seq), &decision.headers.organization)
    }

    fn plain(&self, head: Head, body: Bytes, ticket: Ticket) -> Response<MockBody> {
        let unread = body.is_empty() || self.parts.method == Method::HEAD;
        let body = MockBody::plain(body, Arc::clone(&self.conn), ticket);
        head.into_response(if unread { body.unread() } else { body })
    }
}
