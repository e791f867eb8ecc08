//! Decisions, as exchanges hold them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Code, RecordError,
    said::{NamedRow, TextRow, known},
};
use crate::{
    domain::{
        AccountId, Choice, ClosureReason, Decision, Excluded, Headroom, Leaving, Move, Named, NanoUsd, Ranked,
        Timestamp, VerdictKind,
    },
    store::redb::{
        codec::{self, CodecError},
        words::Words,
    },
};

const ORDER: u8 = 1;

/// How the accounts stood. Where nothing was measured they stand alike for many requests, so that this is a word.
#[derive(Serialize, Deserialize)]
pub(super) enum DecisionRow<'a> {
    Known(u32),
    #[serde(borrow)]
    Spelt(OrderRow<'a>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderRow<'a> {
    #[serde(borrow)]
    strategy: TextRow<'a>,
    candidates: Vec<RankedRow<'a>>,
    excluded: Vec<ExcludedRow<'a>>,
    unnamed: u32,
}

#[derive(Serialize, Deserialize)]
struct RankedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    priority: u32,
    choice: u8,
    headroom: Option<HeadroomRow<'a>>,
    /// Microseconds.
    wait: u64,
}

#[derive(Serialize, Deserialize)]
struct HeadroomRow<'a> {
    size: u8,
    /// Hundredths of a percent.
    left: u16,
    #[serde(borrow)]
    window: Option<TextRow<'a>>,
    conversations: u32,
    in_flight: u32,
    expires: MomentRow,
}

/// Limits are reset at whole seconds, mostly.
#[derive(Serialize, Deserialize)]
enum MomentRow {
    Unknown,
    Seconds(i64),
    Micros(i64),
}

#[derive(Serialize, Deserialize)]
struct ExcludedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    reason: u8,
    until: Option<i64>,
    evidence: TextRow<'a>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct MoveRow<'a> {
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

/// All of a window, in hundredths of a percent.
const WHOLE: f64 = 10_000.0;

/// In microseconds.
const SECOND: i64 = 1_000_000;

impl<'a> DecisionRow<'a> {
    pub(super) fn of(decision: &'a Decision, words: &Words) -> Result<Self, CodecError> {
        let order = OrderRow::of(decision, words);
        if order.candidates.iter().any(|candidate| candidate.headroom.is_some()) {
            return Ok(Self::Spelt(order));
        }
        let mut word = Vec::with_capacity(128);
        codec::encode(ORDER, &order, &mut word)?;
        Ok(words.number(&word).map_or(Self::Spelt(order), Self::Known))
    }

    pub(super) fn read(self, moved: Option<Move>, words: &Words) -> Result<Decision, RecordError> {
        match self {
            Self::Spelt(order) => order.read(moved, words),
            Self::Known(number) => {
                let word = known(number, words)?;
                match codec::version(&word)? {
                    (ORDER, fields) => codec::decode::<OrderRow<'_>>(fields)?.read(moved, words),
                    (other, _) => Err(CodecError::Version(other).into()),
                }
            }
        }
    }
}

impl<'a> OrderRow<'a> {
    fn of(decision: &'a Decision, words: &Words) -> Self {
        Self {
            strategy: TextRow::of(&decision.strategy, words),
            candidates: decision.candidates.iter().map(|ranked| RankedRow::of(ranked, words)).collect(),
            excluded: decision.excluded.iter().map(|excluded| ExcludedRow::of(excluded, words)).collect(),
            unnamed: decision.unnamed,
        }
    }

    fn read(self, moved: Option<Move>, words: &Words) -> Result<Decision, RecordError> {
        Ok(Decision {
            strategy: self.strategy.read(words)?.to_string().into(),
            candidates: self.candidates.into_iter().map(|row| row.read(words)).collect::<Result<_, _>>()?,
            excluded: self.excluded.into_iter().map(|row| row.read(words)).collect::<Result<_, _>>()?,
            unnamed: self.unnamed,
            moved,
        })
    }
}

fn named(account: NamedRow<'_>, words: &Words) -> Result<Named, RecordError> {
    account.read(words).map(|(id, name)| Named { id: AccountId::from_bytes(id), name })
}

impl<'a> RankedRow<'a> {
    fn of(ranked: &'a Ranked, words: &Words) -> Self {
        Self {
            account: NamedRow::of(ranked.account.id.as_bytes(), &ranked.account.name, words),
            priority: ranked.priority,
            choice: ranked.choice.code(),
            headroom: ranked.headroom.as_ref().map(|headroom| HeadroomRow::of(headroom, words)),
            wait: u64::try_from(ranked.wait.as_micros()).unwrap_or(u64::MAX),
        }
    }

    fn read(self, words: &Words) -> Result<Ranked, RecordError> {
        Ok(Ranked {
            account: named(self.account, words)?,
            priority: self.priority,
            choice: Choice::of_code(self.choice)?,
            headroom: self.headroom.map(|row| row.read(words)).transpose()?,
            wait: Duration::from_micros(self.wait),
        })
    }
}

impl<'a> HeadroomRow<'a> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000")]
    fn of(headroom: &'a Headroom, words: &Words) -> Self {
        Self {
            size: headroom.size,
            left: (headroom.left.clamp(0.0, 1.0) * WHOLE).round() as u16,
            window: headroom.window.as_deref().map(|name| TextRow::of(name, words)),
            conversations: headroom.conversations,
            in_flight: headroom.in_flight,
            expires: headroom.expires.into(),
        }
    }

    fn read(self, words: &Words) -> Result<Headroom, RecordError> {
        let window = self.window.map(|name| name.read(words)).transpose()?;
        Ok(Headroom {
            size: self.size,
            left: f64::from(self.left) / WHOLE,
            window: window.map(|name| name.to_string().into()),
            conversations: self.conversations,
            in_flight: self.in_flight,
            expires: self.expires.into(),
        })
    }
}

impl From<Option<Timestamp>> for MomentRow {
    fn from(moment: Option<Timestamp>) -> Self {
        match moment.map(Timestamp::as_micros) {
            None => Self::Unknown,
            Some(micros) if micros % SECOND == 0 => Self::Seconds(micros / SECOND),
            Some(micros) => Self::Micros(micros),
        }
    }
}

impl From<MomentRow> for Option<Timestamp> {
    fn from(row: MomentRow) -> Self {
        match row {
            MomentRow::Unknown => None,
            MomentRow::Seconds(seconds) => Some(Timestamp::from_micros(seconds.saturating_mul(SECOND))),
            MomentRow::Micros(micros) => Some(Timestamp::from_micros(micros)),
        }
    }
}

impl<'a> ExcludedRow<'a> {
    fn of(excluded: &'a Excluded, words: &Words) -> Self {
        Self {
            account: NamedRow::of(excluded.account.id.as_bytes(), &excluded.account.name, words),
            reason: excluded.reason.code(),
            until: excluded.until.map(Timestamp::as_micros),
            evidence: TextRow::of(&excluded.evidence, words),
        }
    }

    fn read(self, words: &Words) -> Result<Excluded, RecordError> {
        Ok(Excluded {
            account: named(self.account, words)?,
            reason: ClosureReason::of_code(self.reason)?,
            until: self.until.map(Timestamp::from_micros),
            evidence: self.evidence.read(words)?,
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
            from: u128::from_be_bytes(*moved.from.as_bytes()),
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
            from: AccountId::from_bytes(row.from.to_be_bytes()),
            from_name: row.from_name.map(Into::into),
            reason,
            cached_tokens: row.cached_tokens,
            price: row.price.map(NanoUsd),
        })
    }
}
