//! What an exchange carried, as people see it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::{
    control::{
        ControlError,
        views::{DetailMeta, DetailSide, PayloadSideView, PayloadView, RequestDetail, RequestView},
    },
    domain::{Payload, PayloadSide},
    store::Store,
};

pub(super) async fn find(store: &dyn Store, id: &str, captures: bool) -> Result<PayloadView, ControlError> {
    let missing = || {
        let why = if captures { "it was not kept, or is too old" } else { "set capture_payloads = true to keep them" };
        ControlError::NotFound(format!("there is no payload of request {id:?}: {why}"))
    };
    let payload = store.payload(id.parse().map_err(|_| missing())?).await?;
    payload.map(view).ok_or_else(missing)
}

fn view(Payload { id, request, answer }: Payload) -> PayloadView {
    PayloadView { id: id.to_string(), request: side(request), response: side(answer) }
}

/// A request and what it carried, as the original shows them.
pub(super) fn detail(request: RequestView, payload: Option<Payload>) -> RequestDetail {
    let status = request.status_code;
    let meta = DetailMeta {
        account_name: request.account_used,
        timestamp: request.timestamp,
        success: request.success,
        accounts_attempted: request.attempts.len(),
        path: request.path,
        method: request.method,
        agent_used: request.agent_used,
    };
    let (asked, answered) = payload.map(|Payload { request, answer, .. }| (request, answer)).unzip();
    RequestDetail {
        id: request.id,
        request: asked.map(|side| detail_side(side, None)),
        response: answered.map(|side| detail_side(side, status)),
        error: request.error_message,
        meta,
    }
}

fn detail_side(side: PayloadSide, status: Option<u16>) -> DetailSide {
    DetailSide {
        status,
        headers: side.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        body: Some(BASE64_STANDARD.encode(&side.body)),
        truncated: side.truncated,
    }
}

/// Text as text; what is none, as base64.
fn side(side: PayloadSide) -> PayloadSideView {
    let cut = |error: &std::str::Utf8Error| side.truncated && error.error_len().is_none();
    let (body, encoding) = match std::str::from_utf8(&side.body) {
        Ok(text) => (text.to_owned(), "text"),
        // A character that the cap has cut in two.
        Err(error) if cut(&error) => (String::from_utf8_lossy(&side.body[..error.valid_up_to()]).into_owned(), "text"),
        Err(_) => (BASE64_STANDARD.encode(&side.body), "base64"),
    };
    PayloadSideView {
        headers: side.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        body,
        encoding: encoding.to_owned(),
        bytes: side.length,
        truncated: side.truncated,
    }
}
