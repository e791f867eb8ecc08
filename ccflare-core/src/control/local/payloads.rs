//! What an exchange carried, as people see it.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::control::{
    ControlError,
    views::{PayloadSideView, PayloadView},
};
use crate::{
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
