//! `Idempotency-Key`: a change that is sent twice because its answer was lost is made once.
//!
//! The first answer is kept in memory for a while and given again; a key that comes back with another request is
//! refused, and so is one whose first request is still under way. What is kept is bounded, and gone after a restart.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use sha2::{Digest, Sha256};

use crate::api::ApiError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// So many answers are remembered; the oldest give way.
const ANSWERS: usize = 256;

/// Neither requests nor answers are longer.
const LONGEST: usize = 64 * 1024;

/// For so long they are remembered.
const MEMORY: Duration = Duration::from_secs(10 * 60);

type Fingerprint = [u8; 32];

/// The answers of late. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Fingerprint, Remembered>,
    /// Oldest first.
    order: VecDeque<Fingerprint>,
}

#[derive(Debug)]
struct Remembered {
    request: Fingerprint,
    since: Instant,
    /// Nothing yet, while the request is under way.
    answer: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer may have a key in it that is shown once.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What is known of a key.
enum Known {
    Nothing,
    Same(Answer),
    UnderWay,
    Another,
}

impl Answers {
    fn begin(&self, key: Fingerprint, request: Fingerprint) -> Known {
        let mut kept = self.kept();
        kept.forget_old();
        match kept.answers.get(&key) {
            Some(known) if known.request != request => Known::Another,
            Some(Remembered { answer: Some(answer), .. }) => Known::Same(answer.clone()),
            Some(_) => Known::UnderWay,
            None => {
                kept.answers.insert(key, Remembered { request, since: Instant::now(), answer: None });
                kept.order.push_back(key);
                Known::Nothing
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_old(&mut self) {
        while let Some(oldest) = self.order.front() {
            let is_old = self.answers.get(oldest).is_none_or(|it| it.since.elapsed() >= MEMORY);
            if !is_old && self.order.len() < ANSWERS {
                return;
            }
            self.answers.remove(oldest);
            self.order.pop_front();
        }
    }
}

/// Forgets a request that ends without an answer worth keeping: it may be tried again.
struct Attempt {
    answers: Answers,
    key: Fingerprint,
    answer: Option<Answer>,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut kept = self.answers.kept();
        match self.answer.take() {
            Some(answer) => {
                if let Some(remembered) = kept.answers.get_mut(&self.key) {
                    remembered.answer = Some(answer);
                }
            }
            None => drop(kept.answers.remove(&self.key)),
        }
    }
}

/// Gives an earlier answer again, or lets the request through and remembers what comes of it.
pub(crate) async fn once(State(answers): State<Answers>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY).filter(|_| request.method() == Method::POST) else {
        return next.run(request).await;
    };
    let is_key = (1..=255).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    if !is_key {
        let message = "an Idempotency-Key has 1 to 255 visible ASCII characters, such as a UUID".to_owned();
        return ApiError::new(StatusCode::BAD_REQUEST, "invalid", message).into_response();
    }
    let path = request.uri().path().as_bytes();
    let key = Sha256::new().chain_update(path).chain_update([0]).chain_update(key.as_bytes()).finalize().into();
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LONGEST).await else {
        let message = format!("a body with an Idempotency-Key has {LONGEST} bytes at most");
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body", message).into_response();
    };
    match answers.begin(key, Sha256::digest(&body).into()) {
        Known::Same(answer) => again(answer),
        Known::UnderWay => {
            let message = "the request with this Idempotency-Key is still under way".to_owned();
            ApiError::new(StatusCode::CONFLICT, "under_way", message).after(1).into_response()
        }
        Known::Another => {
            let message = "this Idempotency-Key came with another request before; take a new one".to_owned();
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", message).into_response()
        }
        Known::Nothing => {
            let attempt = Attempt { answers, key, answer: None };
            keep(attempt, next.run(Request::from_parts(head, Body::from(body))).await).await
        }
    }
}

async fn keep(mut attempt: Attempt, response: Response) -> Response {
    let (head, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // What failed on this side may go well the next time.
    if !head.status.is_server_error() && body.len() <= LONGEST {
        attempt.answer = Some(Answer { status: head.status, headers: head.headers.clone(), body: body.clone() });
    }
    Response::from_parts(head, Body::from(body))
}

fn again(answer: Answer) -> Response {
    let mut response = (answer.status, answer.body).into_response();
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Fingerprint {
        Sha256::digest(number.to_le_bytes()).into()
    }

    fn answer() -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() }
    }

    #[test]
    fn a_request_that_was_dropped_may_be_tried_again() {
        let answers = Answers::default();
        assert!(matches!(answers.begin(key(0), key(1)), Known::Nothing));
        assert!(matches!(answers.begin(key(0), key(1)), Known::UnderWay));
        assert!(matches!(answers.begin(key(0), key(2)), Known::Another));
        drop(Attempt { answers: answers.clone(), key: key(0), answer: None });
        assert!(matches!(answers.begin(key(0), key(1)), Known::Nothing));
        drop(Attempt { answers: answers.clone(), key: key(0), answer: Some(answer()) });
        assert!(matches!(answers.begin(key(0), key(1)), Known::Same(_)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let answers = Answers::default();
        for number in 0..10 * ANSWERS {
            answers.begin(key(number), key(0));
            drop(Attempt { answers: answers.clone(), key: key(number), answer: Some(answer()) });
        }
        let kept = answers.kept();
        assert!(kept.answers.len() <= ANSWERS && kept.order.len() <= ANSWERS);
        assert!(kept.answers.contains_key(&key(10 * ANSWERS - 1)), "the youngest stay");
    }
}
