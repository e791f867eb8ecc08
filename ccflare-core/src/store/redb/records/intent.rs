//! Intents: what is known of an exchange while it is open.

use std::sync::Arc;

use http::Method;
use serde::{Deserialize, Serialize};

use super::{RecordError, senseless};
use crate::{
    domain::{Asker, ClientKeyId, ExchangeId, Fingerprint, Intent, Preference, Timestamp},
    store::redb::codec::{self, CodecError},
};

const INTENT: u8 = 2;

/// With who gave the order. Most rows need no room for that, so only those that say it have this version.
const NESTED_INTENT: u8 = 3;

#[derive(Serialize, Deserialize)]
pub(super) struct IntentRow<'a> {
    at: i64,
    #[serde(borrow)]
    method: MethodRow<'a>,
    path: &'a str,
    model: Option<&'a str>,
    request_bytes: u64,
    client_key: Option<(u128, &'a str)>,
}

/// An intent with who asks: since version 2.
#[derive(Serialize, Deserialize)]
pub(super) struct AskedRow<'a> {
    #[serde(borrow)]
    intent: IntentRow<'a>,
    asker: Option<AskerRow<'a>>,
    preference: Option<(&'a str, Option<&'a str>)>,
}

#[derive(Serialize, Deserialize)]
struct AskerRow<'a> {
    session: &'a str,
    conversation: u128,
    subagent: Option<&'a str>,
    is_subagent: bool,
    agent: Option<&'a str>,
    workspace: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum MethodRow<'a> {
    Get,
    Post,
    Put,
    Delete,
    Head,
    Options,
    Patch,
    Other(&'a str),
}

/// A row with the sub-agent behind it that gave the order.
#[derive(Serialize, Deserialize)]
pub(super) struct Nested<'a, R> {
    pub(super) row: R,
    pub(super) parent: &'a str,
}

/// Appends the row of an intent; its id is the key.
pub(in crate::store::redb) fn encode_intent(intent: &Intent, into: &mut Vec<u8>) -> Result<(), CodecError> {
    let row = AskedRow::from(intent);
    match parent(intent) {
        None => codec::encode(INTENT, &row, into),
        Some(parent) => codec::encode(NESTED_INTENT, &Nested { row, parent }, into),
    }
}

/// Who gave the order, if that is a sub-agent itself.
pub(super) fn parent(intent: &Intent) -> Option<&str> {
    intent.asker.as_deref()?.parent.as_deref()
}

/// The same intent of somebody whom this sub-agent gave the order.
pub(super) fn ordered_by(parent: &str, intent: Intent) -> Intent {
    let asker =
        intent.asker.map(|asker| Arc::new(Asker { parent: Some(parent.into()), ..Arc::unwrap_or_clone(asker) }));
    Intent { asker, ..intent }
}

/// The intent that a row of the intents stands for.
pub(in crate::store::redb) fn decode_intent(id: ExchangeId, bytes: &[u8]) -> Result<Intent, RecordError> {
    match codec::version(bytes)? {
        (1, fields) => codec::decode::<IntentRow<'_>>(fields)?.into_intent(id),
        (INTENT, fields) => codec::decode::<AskedRow<'_>>(fields)?.into_intent(id),
        (NESTED_INTENT, fields) => {
            let Nested { row, parent } = codec::decode::<Nested<'_, AskedRow<'_>>>(fields)?;
            Ok(ordered_by(parent, row.into_intent(id)?))
        }
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// A row that an intent comes out of, of whichever version.
pub(super) trait IntoIntent {
    fn into_intent(self, id: ExchangeId) -> Result<Intent, RecordError>;
}

impl<'a> From<&'a Intent> for IntentRow<'a> {
    fn from(intent: &'a Intent) -> Self {
        Self {
            at: intent.at.as_micros(),
            method: (&intent.method).into(),
            path: &intent.path,
            model: intent.model.as_deref(),
            request_bytes: intent.request_bytes,
            client_key: intent.client_key.as_ref().map(|(id, name)| (u128::from_be_bytes(*id.as_bytes()), &**name)),
        }
    }
}

impl IntoIntent for IntentRow<'_> {
    fn into_intent(self, id: ExchangeId) -> Result<Intent, RecordError> {
        Ok(Intent {
            id,
            at: Timestamp::from_micros(self.at),
            method: self.method.try_into()?,
            path: self.path.into(),
            model: self.model.map(Into::into),
            request_bytes: self.request_bytes,
            client_key: self.client_key.map(|(id, name)| (ClientKeyId::from_bytes(id.to_be_bytes()), name.into())),
            asker: None,
            preference: None,
        })
    }
}

impl<'a> From<&'a Intent> for AskedRow<'a> {
    fn from(intent: &'a Intent) -> Self {
        let preference = intent.preference.as_ref();
        Self {
            intent: intent.into(),
            asker: intent.asker.as_deref().map(Into::into),
            preference: preference.map(|preference| (&*preference.model, preference.refused.as_deref())),
        }
    }
}

impl IntoIntent for AskedRow<'_> {
    fn into_intent(self, id: ExchangeId) -> Result<Intent, RecordError> {
        let preference = |(model, refused): (&str, Option<&str>)| Preference {
            model: model.into(),
            refused: refused.map(Into::into),
        };
        Ok(Intent {
            asker: self.asker.map(|asker| Arc::new(asker.into())),
            preference: self.preference.map(preference),
            ..self.intent.into_intent(id)?
        })
    }
}

impl<'a> From<&'a Asker> for AskerRow<'a> {
    fn from(asker: &'a Asker) -> Self {
        Self {
            session: &asker.session,
            conversation: asker.conversation.0,
            subagent: asker.subagent.as_deref(),
            is_subagent: asker.is_subagent,
            agent: asker.agent.as_deref(),
            workspace: asker.workspace.as_deref(),
        }
    }
}

impl From<AskerRow<'_>> for Asker {
    fn from(row: AskerRow<'_>) -> Self {
        Self {
            session: row.session.into(),
            conversation: Fingerprint(row.conversation),
            subagent: row.subagent.map(Into::into),
            is_subagent: row.is_subagent,
            parent: None,
            agent: row.agent.map(Into::into),
            workspace: row.workspace.map(Into::into),
        }
    }
}

impl<'a> From<&'a Method> for MethodRow<'a> {
    fn from(method: &'a Method) -> Self {
        match *method {
            Method::GET => Self::Get,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::DELETE => Self::Delete,
            Method::HEAD => Self::Head,
            Method::OPTIONS => Self::Options,
            Method::PATCH => Self::Patch,
            _ => Self::Other(method.as_str()),
        }
    }
}

impl TryFrom<MethodRow<'_>> for Method {
    type Error = RecordError;

    fn try_from(row: MethodRow<'_>) -> Result<Self, RecordError> {
        Ok(match row {
            MethodRow::Get => Self::GET,
            MethodRow::Post => Self::POST,
            MethodRow::Put => Self::PUT,
            MethodRow::Delete => Self::DELETE,
            MethodRow::Head => Self::HEAD,
            MethodRow::Options => Self::OPTIONS,
            MethodRow::Patch => Self::PATCH,
            MethodRow::Other(name) => Self::from_bytes(name.as_bytes()).map_err(|_| senseless("method", name))?,
        })
    }
}
