//! Entries of the audit log.

use serde::{Deserialize, Serialize};

use super::RecordError;
use crate::{
    domain::{Actor, AuditEntry, AuditId, Timestamp},
    store::redb::codec::{self, CodecError},
};

const AUDIT: u8 = 1;

#[derive(Serialize, Deserialize)]
struct AuditRow<'a> {
    at: i64,
    #[serde(borrow)]
    actor: ActorRow<'a>,
    action: &'a str,
    subject: &'a str,
    refused: Option<&'a str>,
}

/// New kinds of actors are new variants, at the end.
#[derive(Serialize, Deserialize)]
enum ActorRow<'a> {
    Local,
    Token(&'a str),
    Browser(&'a str),
}

/// The row of an entry; its id is the key.
pub(in crate::store::redb) fn encode_audit(entry: &AuditEntry) -> Result<Vec<u8>, CodecError> {
    let row = AuditRow {
        at: entry.at.as_micros(),
        actor: match &entry.actor {
            Actor::Local => ActorRow::Local,
            Actor::Token(source) => ActorRow::Token(source),
            Actor::Browser(source) => ActorRow::Browser(source),
        },
        action: &entry.action,
        subject: &entry.subject,
        refused: entry.refused.as_deref(),
    };
    let mut bytes = Vec::with_capacity(96);
    codec::encode(AUDIT, &row, &mut bytes)?;
    Ok(bytes)
}

/// The entry that a row stands for.
pub(in crate::store::redb) fn decode_audit(id: AuditId, bytes: &[u8]) -> Result<AuditEntry, RecordError> {
    let row: AuditRow<'_> = match codec::version(bytes)? {
        (AUDIT, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    Ok(AuditEntry {
        id,
        at: Timestamp::from_micros(row.at),
        actor: match row.actor {
            ActorRow::Local => Actor::Local,
            ActorRow::Token(source) => Actor::Token(source.to_owned()),
            ActorRow::Browser(source) => Actor::Browser(source.to_owned()),
        },
        action: row.action.to_owned(),
        subject: row.subject.to_owned(),
        refused: row.refused.map(str::to_owned),
    })
}
