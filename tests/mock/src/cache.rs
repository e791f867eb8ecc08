//! Payloads are built once for each kind of answer and then shared.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::Reply;
use crate::events::{self, Cut, ID_PLACE, Prepared};

/// Steered replies are as many as clients like; beyond this the cache starts afresh.
const MOST: usize = 512;

#[derive(PartialEq, Eq, Hash)]
struct Kind {
    reply: Arc<Reply>,
    model: String,
    stream: bool,
    cut: Option<Cut>,
}

/// Payloads by kind of answer.
#[derive(Default)]
pub(crate) struct ReplyCache {
    kinds: Mutex<HashMap<Kind, Arc<Prepared>>>,
}

impl ReplyCache {
    pub(crate) fn get(&self, reply: &Arc<Reply>, model: &str, stream: bool, cut: Option<Cut>) -> Arc<Prepared> {
        let kind = Kind { reply: Arc::clone(reply), model: model.to_owned(), stream, cut };
        if let Some(known) = self.kinds.lock().get(&kind) {
            return Arc::clone(known);
        }
        let build = if stream { events::stream } else { events::json };
        let prepared = Arc::new(build(reply, model, kind.cut.as_ref()));
        let mut kinds = self.kinds.lock();
        if kinds.len() >= MOST {
            kinds.clear();
        }
        kinds.insert(kind, Arc::clone(&prepared));
        prepared
    }
}

/// The first write with the answer's own id.
pub(crate) fn with_id(prepared: &Prepared, id: &str) -> Option<Bytes> {
    let first = prepared.writes.first()?;
    let at = prepared.id_at?;
    let mut own = BytesMut::from(&first[..]);
    own[at..at + ID_PLACE.len()].copy_from_slice(id.as_bytes());
    Some(own.freeze())
}
