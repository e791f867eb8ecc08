//! Bindings of conversations.

use serde::{Deserialize, Serialize};

use super::{Code, RecordError};
use crate::{
    domain::{AccountId, Binding, Fingerprint, Lane, ModelFamily, SessionKey, Timestamp},
    store::redb::codec::{self, CodecError},
};

const BINDING: u8 = 2;

#[derive(Serialize, Deserialize)]
struct BindingRow<'a> {
    prefix: Option<u128>,
    #[serde(borrow)]
    lanes: Vec<LaneRow<'a>>,
    main: Option<u8>,
}

/// As it was before the session's own lane was told from those of its sub-agents.
#[derive(Deserialize)]
struct BindingRow1<'a> {
    prefix: Option<u128>,
    #[serde(borrow)]
    lanes: Vec<LaneRow<'a>>,
}

#[derive(Serialize, Deserialize)]
struct LaneRow<'a> {
    family: u8,
    account: u128,
    model: Option<&'a str>,
    cached: Option<u64>,
    hour: bool,
    used: i64,
}

/// Appends the row of a binding; its session is the key.
pub(in crate::store::redb) fn encode_binding(binding: &Binding, into: &mut Vec<u8>) -> Result<(), CodecError> {
    let row = BindingRow {
        prefix: binding.prefix.map(|prefix| prefix.0),
        lanes: binding.lanes.iter().map(Into::into).collect(),
        main: binding.main.map(ModelFamily::code),
    };
    codec::encode(BINDING, &row, into)
}

/// The binding that a row stands for.
pub(in crate::store::redb) fn decode_binding(session: SessionKey, bytes: &[u8]) -> Result<Binding, RecordError> {
    let row: BindingRow<'_> = match codec::version(bytes)? {
        (BINDING, fields) => codec::decode(fields)?,
        (1, fields) => {
            let BindingRow1 { prefix, lanes } = codec::decode(fields)?;
            BindingRow { prefix, lanes, main: None }
        }
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    let lanes = row.lanes.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
    let main = row.main.map(ModelFamily::of_code).transpose()?;
    Ok(Binding { session, prefix: row.prefix.map(Fingerprint), lanes, main })
}

impl<'a> From<&'a Lane> for LaneRow<'a> {
    fn from(lane: &'a Lane) -> Self {
        Self {
            family: lane.family.code(),
            account: u128::from_be_bytes(*lane.account.as_bytes()),
            model: lane.model.as_deref(),
            cached: lane.cached,
            hour: lane.hour,
            used: lane.used.as_micros(),
        }
    }
}

impl TryFrom<LaneRow<'_>> for Lane {
    type Error = RecordError;

    fn try_from(row: LaneRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            family: ModelFamily::of_code(row.family)?,
            account: AccountId::from_bytes(row.account.to_be_bytes()),
            model: row.model.map(Into::into),
            cached: row.cached,
            hour: row.hour,
            used: Timestamp::from_micros(row.used),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_from_before_main_lanes_were_told_apart_is_read() {
        let lane = LaneRow { family: 2, account: 7, model: Some("m"), cached: Some(9), hour: true, used: 11 };
        let mut bytes = Vec::new();
        codec::encode(1, &(Some(5_u128), vec![lane]), &mut bytes).expect("encoded");
        let binding = decode_binding(SessionKey(3), &bytes).expect("read");
        assert_eq!((binding.prefix, binding.main), (Some(Fingerprint(5)), None));
        assert_eq!((binding.lanes[0].family, binding.lanes[0].cached), (ModelFamily::Haiku, Some(9)));
        assert_eq!(binding.home(), binding.lanes.first(), "the lane used last");
    }
}
