//! Settled exchanges as earlier versions wrote them. They are only read.

use std::time::Duration;

use serde::Deserialize;

use super::{AnsweredBy, UsageRow, timing};
use crate::{
    domain::{
        AccountId, AttemptRecord, Choice, ClosureReason, Decision, Exchange, ExchangeId, Excluded, Headroom, Named,
        NanoUsd, Outcome, Ranked, Timestamp, VerdictKind,
    },
    store::redb::{
        codec,
        records::{
            Code, RecordError,
            decision::MoveRow,
            intent::{AskedRow, IntentRow, IntoIntent},
        },
    },
};

/// The exchange that the fields of a row of an earlier version stand for; `None` if there was no such version.
pub(super) fn decode(version: u8, id: ExchangeId, fields: &[u8]) -> Result<Option<Exchange>, RecordError> {
    match version {
        1 => codec::decode::<ExchangeRow<'_, IntentRow<'_>>>(fields)?.into_exchange(id).map(Some),
        2 => codec::decode::<ExchangeRow<'_, AskedRow<'_>>>(fields)?.into_exchange(id).map(Some),
        3 => {
            let DecidedRow { exchange, decision } = codec::decode(fields)?;
            let decision = decision.map(|row| row.try_into().map(Box::new)).transpose()?;
            Ok(Some(Exchange { decision, ..exchange.into_exchange(id)? }))
        }
        _ => Ok(None),
    }
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct ExchangeRow<'a, I> {
    intent: I,
    outcome: u8,
    status: Option<u16>,
    error: Option<&'a str>,
    attempts: Vec<AttemptRow<'a>>,
    headers: Option<u64>,
    first_token: Option<u64>,
    end: Option<u64>,
    #[serde(borrow)]
    model: AnsweredBy<'a>,
    usage: UsageRow<'a>,
    cost: Option<u64>,
    priced: Option<&'a str>,
    response_bytes: u64,
}

/// An exchange with the decision: since version 3.
#[derive(Deserialize)]
struct DecidedRow<'a> {
    #[serde(borrow)]
    exchange: ExchangeRow<'a, AskedRow<'a>>,
    decision: Option<DecisionRow<'a>>,
}

#[derive(Deserialize)]
struct AttemptRow<'a> {
    #[serde(borrow)]
    account: Option<(u128, &'a str)>,
    choice: u8,
    started: u64,
    took: u64,
    status: Option<u16>,
    verdict: u8,
    detail: Option<&'a str>,
}

#[derive(Deserialize)]
struct DecisionRow<'a> {
    strategy: &'a str,
    #[serde(borrow)]
    candidates: Vec<RankedRow<'a>>,
    excluded: Vec<ExcludedRow<'a>>,
    unnamed: u32,
    moved: Option<MoveRow<'a>>,
}

/// Id and name.
type NamedRow<'a> = (u128, &'a str);

#[derive(Deserialize)]
struct RankedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    choice: u8,
    headroom: Option<HeadroomRow<'a>>,
    /// Microseconds.
    wait: u64,
}

/// Fractions need no more digits than `f32` has.
#[derive(Deserialize)]
struct HeadroomRow<'a> {
    left: f32,
    window: Option<&'a str>,
    conversations: u32,
    in_flight: u32,
    score: f32,
    expires: Option<i64>,
}

#[derive(Deserialize)]
struct ExcludedRow<'a> {
    #[serde(borrow)]
    account: NamedRow<'a>,
    reason: u8,
    until: Option<i64>,
    evidence: &'a str,
}

impl<I: IntoIntent> ExchangeRow<'_, I> {
    fn into_exchange(self, id: ExchangeId) -> Result<Exchange, RecordError> {
        let intent = self.intent.into_intent(id)?;
        let model = self.model.read(&intent);
        Ok(Exchange {
            intent: intent.into(),
            outcome: Outcome::of_code(self.outcome)?,
            status: self.status,
            error: self.error.map(Into::into),
            attempts: self.attempts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            timing: timing(self.headers, self.first_token, self.end),
            model,
            usage: self.usage.into(),
            cost: self.cost.map(NanoUsd),
            priced: self.priced.map(Into::into),
            response_bytes: self.response_bytes,
            decision: None,
        })
    }
}

impl TryFrom<AttemptRow<'_>> for AttemptRecord {
    type Error = RecordError;

    fn try_from(row: AttemptRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            account: row.account.map(|(id, name)| (AccountId::from_bytes(id.to_be_bytes()), name.into())),
            choice: Choice::of_code(row.choice)?,
            started: Duration::from_micros(row.started),
            took: Duration::from_micros(row.took),
            status: row.status,
            verdict: VerdictKind::of_code(row.verdict)?,
            detail: row.detail.map(Into::into),
        })
    }
}

fn named((id, name): NamedRow<'_>) -> Named {
    Named { id: AccountId::from_bytes(id.to_be_bytes()), name: name.into() }
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

impl TryFrom<RankedRow<'_>> for Ranked {
    type Error = RecordError;

    fn try_from(row: RankedRow<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            account: named(row.account),
            // Was not written down.
            priority: 0,
            choice: Choice::of_code(row.choice)?,
            headroom: row.headroom.map(Into::into),
            wait: Duration::from_micros(row.wait),
        })
    }
}

impl From<HeadroomRow<'_>> for Headroom {
    fn from(row: HeadroomRow<'_>) -> Self {
        let mut headroom = Self {
            size: 1,
            left: row.left.into(),
            window: row.window.map(|name| name.to_owned().into()),
            conversations: row.conversations,
            in_flight: row.in_flight,
            expires: row.expires.map(Timestamp::from_micros),
        };
        // The score was written down instead of the size.
        let size = f64::from(row.score) / headroom.score();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number; none becomes 0")]
        let size = size.round() as u8;
        headroom.size = size.max(1);
        headroom
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
