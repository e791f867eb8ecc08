//! Intents and settled exchanges.

use std::{sync::Arc, time::Duration};

use http::Method;
use serde::{Deserialize, Serialize};

use super::{Code, RecordError, decision::DecisionRow, senseless};
use crate::{
    domain::{
        AccountId, Asker, AttemptRecord, Choice, ClientKeyId, Exchange, ExchangeId, Fingerprint, Intent, ModelUsage,
        NanoUsd, Outcome, Preference, Timestamp, Timing, Tokens, Usage, VerdictKind,
    },
    store::redb::codec::{self, CodecError},
};

const INTENT: u8 = 2;
const EXCHANGE: u8 = 3;

#[derive(Serialize, Deserialize)]
struct IntentRow<'a> {
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
struct AskedRow<'a> {
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
enum MethodRow<'a> {
    Get,
    Post,
    Put,
    Delete,
    Head,
    Options,
    Patch,
    Other(&'a str),
}

#[derive(Serialize, Deserialize)]
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
#[derive(Serialize, Deserialize)]
struct DecidedRow<'a> {
    #[serde(borrow)]
    exchange: ExchangeRow<'a, AskedRow<'a>>,
    decision: Option<DecisionRow<'a>>,
}

/// The model that answered. Nearly always the one asked for, whose name need not be stored twice.
#[derive(Serialize, Deserialize)]
enum AnsweredBy<'a> {
    Unknown,
    AsAsked,
    Named(&'a str),
}

#[derive(Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
struct UsageRow<'a> {
    tokens: TokensRow,
    #[serde(borrow)]
    iterations: Vec<(Option<&'a str>, TokensRow)>,
    fast: bool,
    batch: bool,
    us_only: bool,
    web_searches: u64,
}

#[derive(Serialize, Deserialize)]
struct TokensRow {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
}

/// Appends the row of an intent; its id is the key.
pub(in crate::store::redb) fn encode_intent(intent: &Intent, into: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode(INTENT, &AskedRow::from(intent), into)
}

/// The intent that a row of the intents stands for.
pub(in crate::store::redb) fn decode_intent(id: ExchangeId, bytes: &[u8]) -> Result<Intent, RecordError> {
    match codec::version(bytes)? {
        (1, fields) => codec::decode::<IntentRow<'_>>(fields)?.into_intent(id),
        (INTENT, fields) => codec::decode::<AskedRow<'_>>(fields)?.into_intent(id),
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// Appends the row of an exchange; its id is the key.
pub(in crate::store::redb) fn encode_exchange(exchange: &Exchange, into: &mut Vec<u8>) -> Result<(), CodecError> {
    let decision = exchange.decision.as_deref().map(Into::into);
    codec::encode(EXCHANGE, &DecidedRow { exchange: exchange.into(), decision }, into)
}

/// The exchange that a row of the exchanges stands for.
pub(in crate::store::redb) fn decode_exchange(id: ExchangeId, bytes: &[u8]) -> Result<Exchange, RecordError> {
    match codec::version(bytes)? {
        (1, fields) => codec::decode::<ExchangeRow<'_, IntentRow<'_>>>(fields)?.into_exchange(id),
        (2, fields) => codec::decode::<ExchangeRow<'_, AskedRow<'_>>>(fields)?.into_exchange(id),
        (EXCHANGE, fields) => {
            let DecidedRow { exchange, decision } = codec::decode(fields)?;
            let decision = decision.map(|row| row.try_into().map(Box::new)).transpose()?;
            Ok(Exchange { decision, ..exchange.into_exchange(id)? })
        }
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// A row that an intent comes out of, of whichever version.
trait IntoIntent {
    fn into_intent(self, id: ExchangeId) -> Result<Intent, RecordError>;
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
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

impl<'a> From<&'a Exchange> for ExchangeRow<'a, AskedRow<'a>> {
    fn from(exchange: &'a Exchange) -> Self {
        let model = match exchange.model.as_deref() {
            None => AnsweredBy::Unknown,
            answered if answered == exchange.intent.model.as_deref() => AnsweredBy::AsAsked,
            Some(name) => AnsweredBy::Named(name),
        };
        Self {
            intent: (&exchange.intent).into(),
            outcome: exchange.outcome.code(),
            status: exchange.status,
            error: exchange.error.as_deref(),
            attempts: exchange.attempts.iter().map(Into::into).collect(),
            headers: exchange.timing.headers.map(micros),
            first_token: exchange.timing.first_token.map(micros),
            end: exchange.timing.end.map(micros),
            model,
            usage: (&exchange.usage).into(),
            cost: exchange.cost.map(|cost| cost.0),
            priced: exchange.priced.as_deref(),
            response_bytes: exchange.response_bytes,
        }
    }
}

impl<I: IntoIntent> ExchangeRow<'_, I> {
    fn into_exchange(self, id: ExchangeId) -> Result<Exchange, RecordError> {
        let intent = self.intent.into_intent(id)?;
        let model = match self.model {
            AnsweredBy::Unknown => None,
            AnsweredBy::AsAsked => intent.model.clone(),
            AnsweredBy::Named(name) => Some(name.into()),
        };
        Ok(Exchange {
            intent,
            outcome: Outcome::of_code(self.outcome)?,
            status: self.status,
            error: self.error.map(Into::into),
            attempts: self.attempts.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            timing: Timing {
                headers: self.headers.map(Duration::from_micros),
                first_token: self.first_token.map(Duration::from_micros),
                end: self.end.map(Duration::from_micros),
            },
            model,
            usage: self.usage.into(),
            cost: self.cost.map(NanoUsd),
            priced: self.priced.map(Into::into),
            response_bytes: self.response_bytes,
            decision: None,
        })
    }
}

impl<'a> From<&'a AttemptRecord> for AttemptRow<'a> {
    fn from(attempt: &'a AttemptRecord) -> Self {
        Self {
            account: attempt.account.as_ref().map(|(id, name)| (u128::from_be_bytes(*id.as_bytes()), &**name)),
            choice: attempt.choice.code(),
            started: micros(attempt.started),
            took: micros(attempt.took),
            status: attempt.status,
            verdict: attempt.verdict.code(),
            detail: attempt.detail.as_deref(),
        }
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

impl<'a> From<&'a Usage> for UsageRow<'a> {
    fn from(usage: &'a Usage) -> Self {
        let iteration = |pass: &'a ModelUsage| (pass.model.as_deref(), pass.tokens.into());
        Self {
            tokens: usage.tokens.into(),
            iterations: usage.iterations.iter().map(iteration).collect(),
            fast: usage.fast,
            batch: usage.batch,
            us_only: usage.us_only,
            web_searches: usage.web_searches,
        }
    }
}

impl From<UsageRow<'_>> for Usage {
    fn from(row: UsageRow<'_>) -> Self {
        let iteration = |(model, tokens): (Option<&str>, TokensRow)| ModelUsage {
            model: model.map(str::to_owned),
            tokens: tokens.into(),
        };
        Self {
            tokens: row.tokens.into(),
            iterations: row.iterations.into_iter().map(iteration).collect(),
            fast: row.fast,
            batch: row.batch,
            us_only: row.us_only,
            web_searches: row.web_searches,
        }
    }
}

impl From<Tokens> for TokensRow {
    fn from(tokens: Tokens) -> Self {
        let Tokens { input, output, cache_read, cache_write_5m, cache_write_1h } = tokens;
        Self { input, output, cache_read, cache_write_5m, cache_write_1h }
    }
}

impl From<TokensRow> for Tokens {
    fn from(row: TokensRow) -> Self {
        let TokensRow { input, output, cache_read, cache_write_5m, cache_write_1h } = row;
        Self { input, output, cache_read, cache_write_5m, cache_write_1h }
    }
}
