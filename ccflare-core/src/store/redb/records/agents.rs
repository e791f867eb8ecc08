//! Preferences for agents, and workspaces. What they go by is their key.

use serde::{Deserialize, Serialize};

use super::RecordError;
use crate::{
    domain::{AgentPreference, Timestamp, Workspace},
    store::redb::codec::{self, CodecError},
};

const PREFERENCE: u8 = 1;
const WORKSPACE: u8 = 1;

#[derive(Serialize, Deserialize)]
struct PreferenceRow<'a> {
    model: &'a str,
    since: i64,
}

#[derive(Serialize, Deserialize)]
struct WorkspaceRow<'a> {
    label: &'a str,
    first_seen: i64,
    last_seen: i64,
    manual: bool,
}

pub(in crate::store::redb) fn encode_preference(preference: &AgentPreference) -> Result<Vec<u8>, CodecError> {
    let row = PreferenceRow { model: &preference.model, since: preference.since.as_micros() };
    let mut bytes = Vec::with_capacity(48);
    codec::encode(PREFERENCE, &row, &mut bytes)?;
    Ok(bytes)
}

pub(in crate::store::redb) fn decode_preference(agent: &str, bytes: &[u8]) -> Result<AgentPreference, RecordError> {
    let row: PreferenceRow<'_> = match codec::version(bytes)? {
        (PREFERENCE, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    Ok(AgentPreference { agent: agent.into(), model: row.model.into(), since: Timestamp::from_micros(row.since) })
}

pub(in crate::store::redb) fn encode_workspace(workspace: &Workspace) -> Result<Vec<u8>, CodecError> {
    let row = WorkspaceRow {
        label: &workspace.label,
        first_seen: workspace.first_seen.as_micros(),
        last_seen: workspace.last_seen.as_micros(),
        manual: workspace.manual,
    };
    let mut bytes = Vec::with_capacity(48);
    codec::encode(WORKSPACE, &row, &mut bytes)?;
    Ok(bytes)
}

pub(in crate::store::redb) fn decode_workspace(path: &str, bytes: &[u8]) -> Result<Workspace, RecordError> {
    let row: WorkspaceRow<'_> = match codec::version(bytes)? {
        (WORKSPACE, fields) => codec::decode(fields)?,
        (other, _) => return Err(CodecError::Version(other).into()),
    };
    Ok(Workspace {
        path: path.into(),
        label: row.label.into(),
        first_seen: Timestamp::from_micros(row.first_seen),
        last_seen: Timestamp::from_micros(row.last_seen),
        manual: row.manual,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_bytes_are_on_disks_already() {
        let preference =
            AgentPreference { agent: "a".into(), model: "opus".into(), since: Timestamp::from_micros(-300) };
        let bytes = b"\x01\x04opus\xfb\x57\x02";
        assert_eq!(encode_preference(&preference).expect("a row"), bytes);
        assert_eq!(decode_preference("a", bytes).expect("a preference"), preference);
        let workspace = Workspace {
            path: "/w".into(),
            label: "w".into(),
            first_seen: Timestamp::from_micros(1),
            last_seen: Timestamp::from_micros(2),
            manual: true,
        };
        let bytes = b"\x01\x01w\x02\x04\x01";
        assert_eq!(encode_workspace(&workspace).expect("a row"), bytes);
        assert_eq!(decode_workspace("/w", bytes).expect("a workspace"), workspace);
    }
}
