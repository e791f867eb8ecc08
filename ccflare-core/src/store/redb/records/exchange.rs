//! Settled exchanges. What records say again and again is named by its number ([`Words`]).

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Code, RecordError,
    decision::{DecisionRow, MoveRow},
    intent::{MethodRow, Nested, ordered_by, parent},
    said::{NamedRow, TextRow},
};
use crate::{
    domain::{
        AccountId, Asker, AttemptRecord, Choice, ClientKeyId, Exchange, ExchangeId, Fingerprint, Intent, ModelUsage,
        NanoUsd, Outcome, Preference, Timestamp, Timing, Tokens, Usage, VerdictKind,
    },
    store::redb::{
        codec::{self, CodecError},
        words::Words,
    },
};

mod earlier;

const EXCHANGE: u8 = 4;

/// With who gave the order. Most rows need no room for that, so only those that say it have this version.
const NESTED_EXCHANGE: u8 = 5;

#[derive(Serialize, Deserialize)]
struct ExchangeRow<'a> {
    #[serde(borrow)]
    asked: AskedRow<'a>,
    outcome: u8,
    status: Option<u16>,
    error: Option<&'a str>,
    attempts: Vec<AttemptRow<'a>>,
    headers: Option<u64>,
    first_token: Option<u64>,
    end: Option<u64>,
    model: AnsweredBy<'a>,
    usage: UsageRow<'a>,
    cost: Option<u64>,
    priced: Option<TextRow<'a>>,
    response_bytes: u64,
    decision: Option<DecisionRow<'a>>,
    moved: Option<MoveRow<'a>>,
}

#[derive(Serialize, Deserialize)]
struct AskedRow<'a> {
    /// Microseconds since the millisecond that the id tells.
    after: i64,
    #[serde(borrow)]
    method: MethodRow<'a>,
    path: TextRow<'a>,
    model: Option<TextRow<'a>>,
    request_bytes: u64,
    client_key: Option<NamedRow<'a>>,
    asker: Option<AskerRow<'a>>,
    preference: Option<(TextRow<'a>, Option<&'a str>)>,
}

#[derive(Serialize, Deserialize)]
struct AskerRow<'a> {
    #[serde(borrow)]
    session: SessionRow<'a>,
    conversation: u128,
    subagent: Option<&'a str>,
    is_subagent: bool,
    agent: Option<TextRow<'a>>,
    workspace: Option<TextRow<'a>>,
}

/// Nearly every client names its sessions so.
#[derive(Serialize, Deserialize)]
enum SessionRow<'a> {
    Uuid(u128),
    Text(&'a str),
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
    account: Option<NamedRow<'a>>,
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

/// Appends the row of an exchange; its id is the key.
pub(in crate::store::redb) fn encode_exchange(
    exchange: &Exchange,
    words: &Words,
    into: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let row = ExchangeRow::of(exchange, words)?;
    match parent(&exchange.intent) {
        None => codec::encode(EXCHANGE, &row, into),
        Some(parent) => codec::encode(NESTED_EXCHANGE, &Nested { row, parent }, into),
    }
}

/// The exchange that a row of the exchanges stands for.
pub(in crate::store::redb) fn decode_exchange(
    id: ExchangeId,
    bytes: &[u8],
    words: &Words,
) -> Result<Exchange, RecordError> {
    match codec::version(bytes)? {
        (EXCHANGE, fields) => codec::decode::<ExchangeRow<'_>>(fields)?.read(id, words),
        (NESTED_EXCHANGE, fields) => {
            let Nested { row, parent } = codec::decode::<Nested<'_, ExchangeRow<'_>>>(fields)?;
            let exchange = row.read(id, words)?;
            let intent = ordered_by(parent, Arc::unwrap_or_clone(exchange.intent));
            Ok(Exchange { intent: intent.into(), ..exchange })
        }
        (other, fields) => earlier::decode(other, id, fields)?.ok_or_else(|| CodecError::Version(other).into()),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The millisecond that an id was made for.
fn made(id: ExchangeId) -> i64 {
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&id.as_bytes()[..6]);
    i64::from_be_bytes(millis).saturating_mul(1000)
}

fn timing(headers: Option<u64>, first_token: Option<u64>, end: Option<u64>) -> Timing {
    let [headers, first_token, end] = [headers, first_token, end].map(|micros| micros.map(Duration::from_micros));
    Timing { headers, first_token, end }
}

impl<'a> AnsweredBy<'a> {
    fn of(exchange: &'a Exchange) -> Self {
        match exchange.model.as_deref() {
            None => Self::Unknown,
            answered if answered == exchange.intent.model.as_deref() => Self::AsAsked,
            Some(name) => Self::Named(name),
        }
    }

    fn read(self, intent: &Intent) -> Option<Arc<str>> {
        match self {
            Self::Unknown => None,
            Self::AsAsked => intent.model.clone(),
            Self::Named(name) => Some(name.into()),
        }
    }
}

impl<'a> ExchangeRow<'a> {
    fn of(exchange: &'a Exchange, words: &Words) -> Result<Self, CodecError> {
        let decision = exchange.decision.as_deref();
        Ok(Self {
            asked: AskedRow::of(&exchange.intent, words),
            outcome: exchange.outcome.code(),
            status: exchange.status,
            error: exchange.error.as_deref(),
            attempts: exchange.attempts.iter().map(|attempt| AttemptRow::of(attempt, words)).collect(),
            headers: exchange.timing.headers.map(micros),
            first_token: exchange.timing.first_token.map(micros),
            end: exchange.timing.end.map(micros),
            model: AnsweredBy::of(exchange),
            usage: (&exchange.usage).into(),
            cost: exchange.cost.map(|cost| cost.0),
            priced: exchange.priced.as_deref().map(|date| TextRow::of(date, words)),
            response_bytes: exchange.response_bytes,
            decision: decision.map(|decision| DecisionRow::of(decision, words)).transpose()?,
            moved: decision.and_then(|decision| decision.moved.as_ref()).map(Into::into),
        })
    }

    fn read(self, id: ExchangeId, words: &Words) -> Result<Exchange, RecordError> {
        let intent = self.asked.read(id, words)?;
        let model = self.model.read(&intent);
        let moved = self.moved.map(TryInto::try_into).transpose()?;
        let decision = self.decision.map(|decision| decision.read(moved, words).map(Box::new)).transpose()?;
        Ok(Exchange {
            intent: intent.into(),
            outcome: Outcome::of_code(self.outcome)?,
            status: self.status,
            error: self.error.map(Into::into),
            attempts: self.attempts.into_iter().map(|attempt| attempt.read(words)).collect::<Result<_, _>>()?,
            timing: timing(self.headers, self.first_token, self.end),
            model,
            usage: self.usage.into(),
            cost: self.cost.map(NanoUsd),
            priced: read(self.priced, words)?,
            response_bytes: self.response_bytes,
            decision,
        })
    }
}

fn read(text: Option<TextRow<'_>>, words: &Words) -> Result<Option<Arc<str>>, RecordError> {
    text.map(|text| text.read(words)).transpose()
}

impl<'a> AskedRow<'a> {
    fn of(intent: &'a Intent, words: &Words) -> Self {
        let text = |text: &'a str| TextRow::of(text, words);
        Self {
            after: intent.at.as_micros().wrapping_sub(made(intent.id)),
            method: (&intent.method).into(),
            path: text(&intent.path),
            model: intent.model.as_deref().map(text),
            request_bytes: intent.request_bytes,
            client_key: intent.client_key.as_ref().map(|(id, name)| NamedRow::of(id.as_bytes(), name, words)),
            asker: intent.asker.as_deref().map(|asker| AskerRow::of(asker, words)),
            preference: intent.preference.as_ref().map(|one| (text(&one.model), one.refused.as_deref())),
        }
    }

    fn read(self, id: ExchangeId, words: &Words) -> Result<Intent, RecordError> {
        let key = |key: NamedRow<'_>| key.read(words).map(|(id, name)| (ClientKeyId::from_bytes(id), name));
        let preference = |(model, refused): (TextRow<'_>, Option<&str>)| {
            Ok::<_, RecordError>(Preference { model: model.read(words)?, refused: refused.map(Into::into) })
        };
        Ok(Intent {
            id,
            at: Timestamp::from_micros(made(id).wrapping_add(self.after)),
            method: self.method.try_into()?,
            path: self.path.read(words)?,
            model: read(self.model, words)?,
            request_bytes: self.request_bytes,
            client_key: self.client_key.map(key).transpose()?,
            asker: self.asker.map(|asker| asker.read(words).map(Arc::new)).transpose()?,
            preference: self.preference.map(preference).transpose()?,
        })
    }
}

impl<'a> AskerRow<'a> {
    fn of(asker: &'a Asker, words: &Words) -> Self {
        let text = |text: &'a Arc<str>| TextRow::of(text, words);
        Self {
            session: SessionRow::of(&asker.session),
            conversation: asker.conversation.0,
            subagent: asker.subagent.as_deref(),
            is_subagent: asker.is_subagent,
            agent: asker.agent.as_ref().map(text),
            workspace: asker.workspace.as_ref().map(text),
        }
    }

    fn read(self, words: &Words) -> Result<Asker, RecordError> {
        Ok(Asker {
            session: self.session.into(),
            conversation: Fingerprint(self.conversation),
            subagent: self.subagent.map(Into::into),
            is_subagent: self.is_subagent,
            parent: None,
            agent: read(self.agent, words)?,
            workspace: read(self.workspace, words)?,
        })
    }
}

impl<'a> SessionRow<'a> {
    /// Only what comes back letter by letter.
    fn of(session: &'a str) -> Self {
        let mut letters = [0; uuid::fmt::Hyphenated::LENGTH];
        match uuid::Uuid::try_parse(session) {
            Ok(id) if id.hyphenated().encode_lower(&mut letters) == session => Self::Uuid(id.as_u128()),
            _ => Self::Text(session),
        }
    }
}

impl From<SessionRow<'_>> for Arc<str> {
    fn from(row: SessionRow<'_>) -> Self {
        match row {
            SessionRow::Uuid(id) => uuid::Uuid::from_u128(id).hyphenated().to_string().into(),
            SessionRow::Text(text) => text.into(),
        }
    }
}

impl<'a> AttemptRow<'a> {
    fn of(attempt: &'a AttemptRecord, words: &Words) -> Self {
        Self {
            account: attempt.account.as_ref().map(|(id, name)| NamedRow::of(id.as_bytes(), name, words)),
            choice: attempt.choice.code(),
            started: micros(attempt.started),
            took: micros(attempt.took),
            status: attempt.status,
            verdict: attempt.verdict.code(),
            detail: attempt.detail.as_deref(),
        }
    }

    fn read(self, words: &Words) -> Result<AttemptRecord, RecordError> {
        let account = |account: NamedRow<'_>| account.read(words).map(|(id, name)| (AccountId::from_bytes(id), name));
        Ok(AttemptRecord {
            account: self.account.map(account).transpose()?,
            choice: Choice::of_code(self.choice)?,
            started: Duration::from_micros(self.started),
            took: Duration::from_micros(self.took),
            status: self.status,
            verdict: VerdictKind::of_code(self.verdict)?,
            detail: self.detail.map(Into::into),
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
