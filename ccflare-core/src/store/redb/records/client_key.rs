//! Client keys, without the keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::RecordError;
use crate::{
    domain::{AccountId, ClientKey, ClientKeyId, KeyDigest, Timestamp},
    store::redb::codec::{self, CodecError},
};

const CLIENT_KEY: u8 = 1;

#[derive(Serialize, Deserialize)]
struct ClientKeyRow<'a> {
    name: &'a str,
    digest: [u8; 32],
    created: i64,
    expires: Option<i64>,
    revoked: Option<i64>,
    #[serde(borrow)]
    models: Vec<&'a str>,
    accounts: Vec<u128>,
}

/// The row of a client key; its id is the key, and its last use stands elsewhere.
pub(in crate::store::redb) fn encode_client_key(key: &ClientKey) -> Result<Vec<u8>, CodecError> {
    let row = ClientKeyRow {
        name: &key.name,
        digest: *key.digest.as_bytes(),
        created: key.created.as_micros(),
        expires: key.expires.map(Timestamp::as_micros),
        revoked: key.revoked.map(Timestamp::as_micros),
        models: key.models.iter().map(|model| &**model).collect(),
        accounts: key.accounts.iter().map(|id| u128::from_be_bytes(*id.as_bytes())).collect(),
    };
    let mut bytes = Vec::with_capacity(128);
    codec::encode(CLIENT_KEY, &row, &mut bytes)?;
    Ok(bytes)
}

/// The client key that a row stands for, given its last use.
pub(in crate::store::redb) fn decode_client_key(
    id: ClientKeyId,
    last_used: Option<i64>,
    bytes: &[u8],
) -> Result<ClientKey, RecordError> {
    let row: ClientKeyRow<'_> = match codec::version(bytes)? {
        (CLIENT_KEY, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    Ok(ClientKey {
        id,
        name: row.name.into(),
        digest: KeyDigest::from_bytes(row.digest),
        created: Timestamp::from_micros(row.created),
        expires: row.expires.map(Timestamp::from_micros),
        revoked: row.revoked.map(Timestamp::from_micros),
        models: row.models.into_iter().map(Arc::from).collect(),
        accounts: row.accounts.into_iter().map(|id| AccountId::from_bytes(id.to_be_bytes())).collect(),
        last_used: last_used.map(Timestamp::from_micros),
    })
}
