//! What exchanges carried.

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::RecordError;
use crate::{
    domain::{ExchangeId, Payload, PayloadSide},
    store::redb::codec::{self, CodecError},
};

const PAYLOAD: u8 = 1;

#[derive(Serialize, Deserialize)]
struct PayloadRow<'a> {
    #[serde(borrow)]
    request: SideRow<'a>,
    #[serde(borrow)]
    answer: SideRow<'a>,
}

#[derive(Serialize, Deserialize)]
struct SideRow<'a> {
    #[serde(borrow)]
    headers: Vec<(&'a str, &'a str)>,
    #[serde(serialize_with = "as_bytes")]
    body: &'a [u8],
    length: u64,
    truncated: bool,
}

fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// The bytes of a payload, to be sealed.
pub(in crate::store::redb) fn encode_payload(payload: &Payload) -> Result<Zeroizing<Vec<u8>>, CodecError> {
    let (request, answer) = (SideRow::from(&payload.request), SideRow::from(&payload.answer));
    let text =
        |side: &SideRow<'_>| side.headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum::<usize>();
    // Room for all of it: a vector that grows leaves copies behind that nobody wipes.
    let room = request.body.len() + answer.body.len() + text(&request) + text(&answer) + 64;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    codec::encode(PAYLOAD, &PayloadRow { request, answer }, &mut bytes)?;
    Ok(bytes)
}

/// The payload that unsealed bytes stand for.
pub(in crate::store::redb) fn decode_payload(id: ExchangeId, bytes: &[u8]) -> Result<Payload, RecordError> {
    match codec::version(bytes)? {
        (PAYLOAD, fields) => {
            let row: PayloadRow<'_> = codec::decode(fields)?;
            Ok(Payload { id, request: row.request.into(), answer: row.answer.into() })
        }
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

impl<'a> From<&'a PayloadSide> for SideRow<'a> {
    fn from(side: &'a PayloadSide) -> Self {
        let headers = side.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        Self { headers, body: &side.body, length: side.length, truncated: side.truncated }
    }
}

impl From<SideRow<'_>> for PayloadSide {
    fn from(row: SideRow<'_>) -> Self {
        let headers = row.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let body = Bytes::copy_from_slice(row.body);
        Self { headers, body, length: row.length, truncated: row.truncated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What databases in the field hold has to open for ever.
    #[test]
    fn a_payload_of_version_1_is_read() {
        let side = |body: &'static str| PayloadSide {
            headers: vec![("accept".into(), "x".into())],
            body: Bytes::from_static(body.as_bytes()),
            length: 300,
            truncated: true,
        };
        let id = ExchangeId::from_bytes([7; 16]);
        let payload = Payload { id, request: side("ab"), answer: PayloadSide::default() };
        let bytes = encode_payload(&payload).expect("a row");
        assert_eq!(bytes.as_slice(), b"\x01\x01\x06accept\x01x\x02ab\xfb\x2c\x01\x01\x00\x00\x00\x00");
        assert_eq!(decode_payload(id, &bytes).expect("a payload"), payload);
    }
}
