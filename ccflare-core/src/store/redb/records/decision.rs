//! Decisions, as exchanges hold them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Code, RecordError};
use crate::domain::{
    AccountId, Choice, ClosureReason, Decision, Excluded, Headroom, Leaving, Move, Named, NanoUsd, Ranked, Timestamp,
    VerdictKind,
};

#[derive(Serialize, Deserialize)]
pub(super) struct DecisionRow<'a> {
    strategy: &'a str,
    #[serde(borrow)]
    candidates: Vec<RankedRow<'a>>,
    excluded: Vec<ExcludedRow<'a>>,
    unnamed: u32,
    moved: Option<MoveRow<'a>>,
}

/// Id and name.
type NamedRow<'a> = (u128, &'a str);

#[derive(Serialize, Deserialize)]
struct RankedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    choice: u8,
    headroom: Option<HeadroomRow<'a>>,
    /// Microseconds.
    wait: u64,
}

/// Fractions need no more digits than `f32` has.
#[derive(Serialize, Deserialize)]
struct HeadroomRow<'a> {
    left: f32,
    window: Option<&'a str>,
    conversations: u32,
    in_flight: u32,
    score: f32,
    expires: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ExcludedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    reason: u8,
    until: Option<i64>,
    evidence: &'a str,
}

#[derive(Serialize, Deserialize)]
struct MoveRow<'a> {
    from: u128,
    from_name: Option<&'a str>,
    reason: LeavingRow,
    cached_tokens: u64,
    price: Option<u64>,
}

/// New reasons are new variants, at the end.
#[derive(Serialize, Deserialize)]
enum LeavingRow {
    Closed(u8),
    Gone,
    Refused(u8),
    Compacted,
    Idle,
    Uncached,
}

fn number(id: AccountId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

fn id(number: u128) -> AccountId {
    AccountId::from_bytes(number.to_be_bytes())
}

fn named((number, name): NamedRow<'_>) -> Named {
    Named { id: id(number), name: name.into() }
}

impl<'a> From<&'a Decision> for DecisionRow<'a> {
    fn from(decision: &'a Decision) -> Self {
        Self {
            strategy: &decision.strategy,
            candidates: decision.candidates.iter().map(Into::into).collect(),
            excluded: decision.excluded.iter().map(Into::into).collect(),
            unnamed: decision.unnamed,
            moved: decision.moved.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<DecisionRow<'_>> for Decision {
    type Error = RecordError;

    fn try_from(row: DecisionRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            strategy: row.strategy.to_owned().into(),
            candidates: row.candidates.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            excluded: row.excluded.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            unnamed: row.unnamed,
            moved: row.moved.map(TryInto::try_into).transpose()?,
        })
    }
}

impl<'a> From<&'a Ranked> for RankedRow<'a> {
    fn from(ranked: &'a Ranked) -> Self {
        Self {
            account: (number(ranked.account.id), &ranked.account.name),
            choice: ranked.choice.code(),
            headroom: ranked.headroom.as_ref().map(Into::into),
            wait: u64::try_from(ranked.wait.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

impl TryFrom<RankedRow<'_>> for Ranked {
    type Error = RecordError;

    fn try_from(row: RankedRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            account: named(row.account),
            choice: Choice::of_code(row.choice)?,
            headroom: row.headroom.map(Into::into),
            wait: Duration::from_micros(row.wait),
        })
    }
}

#[allow(clippy::cast_possible_truncation, reason = "digits that nobody reads")]
impl<'a> From<&'a Headroom> for HeadroomRow<'a> {
    fn from(headroom: &'a Headroom) -> Self {
        Self {
            left: headroom.left as f32,
            window: headroom.window.as_deref(),
            conversations: headroom.conversations,
            in_flight: headroom.in_flight,
            score: headroom.score as f32,
            expires: headroom.expires.map(Timestamp::as_micros),
        }
    }
}

impl From<HeadroomRow<'_>> for Headroom {
    fn from(row: HeadroomRow<'_>) -> Self {
        Self {
            left: row.left.into(),
            window: row.window.map(|name| name.to_owned().into()),
            conversations: row.conversations,
            in_flight: row.in_flight,
            score: row.score.into(),
            expires: row.expires.map(Timestamp::from_micros),
        }
    }
}

impl<'a> From<&'a Excluded> for ExcludedRow<'a> {
    fn from(excluded: &'a Excluded) -> Self {
        Self {
            account: (number(excluded.account.id), &excluded.account.name),
            reason: excluded.reason.code(),
            until: excluded.until.map(Timestamp::as_micros),
            evidence: &excluded.evidence,
        }
    }
}

impl TryFrom<ExcludedRow<'_>> for Excluded {
    type Error = RecordError;

    fn try_from(row: ExcludedRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            account: named(row.account),
            reason: ClosureReason::of_code(row.reason)?,
            until: row.until.map(Timestamp::from_micros),
            evidence: row.evidence.into(),
        })
    }
}

impl<'a> From<&'a Move> for MoveRow<'a> {
    fn from(moved: &'a Move) -> Self {
        let reason = match moved.reason {
            Leaving::Closed(reason) => LeavingRow::Closed(reason.code()),
            Leaving::Gone => LeavingRow::Gone,
            Leaving::Refused(verdict) => LeavingRow::Refused(verdict.code()),
            Leaving::Compacted => LeavingRow::Compacted,
            Leaving::Idle => LeavingRow::Idle,
            Leaving::Uncached => LeavingRow::Uncached,
        };
        Self {
            from: number(moved.from),
            from_name: moved.from_name.as_deref(),
            reason,
            cached_tokens: moved.cached_tokens,
            price: moved.price.map(|price| price.0),
        }
    }
}

impl TryFrom<MoveRow<'_>> for Move {
    type Error = RecordError;

    fn try_from(row: MoveRow<'_>) -> Result<Self, RecordError> {
        let reason = match row.reason {
            LeavingRow::Closed(reason) => Leaving::Closed(ClosureReason::of_code(reason)?),
            LeavingRow::Gone => Leaving::Gone,
            LeavingRow::Refused(verdict) => Leaving::Refused(VerdictKind::of_code(verdict)?),
            LeavingRow::Compacted => Leaving::Compacted,
            LeavingRow::Idle => Leaving::Idle,
            LeavingRow::Uncached => Leaving::Uncached,
        };
        Ok(Self {
            from: id(row.from),
            from_name: row.from_name.map(Into::into),
            reason,
            cached_tokens: row.cached_tokens,
            price: row.price.map(NanoUsd),
        })
    }
}
