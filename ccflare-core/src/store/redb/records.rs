//! The rows as they are stored, and the domain values they stand for. Rows borrow their text both ways.
//!
//! Moments are `i64` and durations `u64` microseconds; what is unknown is `None`. Closed sets of words are stored as
//! numbers of their own, so that reordering a domain enum changes nothing on disk.

use std::{sync::Arc, time::Duration};

use http::Method;
use serde::{Deserialize, Serialize};

use super::codec::{self, CodecError};
use crate::domain::{
    Account, AccountId, AttemptRecord, Choice, ClosureReason, Credential, Exchange, ExchangeId, Intent, Limits, Mark,
    ModelFamily, ModelUsage, NanoUsd, Outcome, Scope, Secret, Session, Tier, Timestamp, Timing, Tokens, Usage,
    VerdictKind, Window,
};

/// Why bytes stand for no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    /// They are no row.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// They are a row, but a field has no meaning.
    #[error("{field} can't be {value:?}")]
    Field { field: &'static str, value: String },
}

fn senseless(field: &'static str, value: impl ToString) -> RecordError {
    RecordError::Field { field, value: value.to_string() }
}

/// A closed set of words and the numbers they are stored as.
trait Code: Copy {
    fn code(self) -> u8;
    fn of_code(code: u8) -> Result<Self, RecordError>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),+ $(,)? })+) => {$(
        impl Code for $name {
            fn code(self) -> u8 {
                match self { $(Self::$variant => $code),+ }
            }

            fn of_code(code: u8) -> Result<Self, RecordError> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    other => Err(senseless(stringify!($name), other)),
                }
            }
        }
    )+};
}

// Numbers are never given a second meaning.
codes! {
    Outcome { Answered = 0, Failed = 1, Cut = 2, Cancelled = 3, Interrupted = 4 }
    Choice { ActiveSession = 0, NewSession = 1, FailOver = 2, Retry = 3, ClientCredentials = 4, Strategy = 5 }
    VerdictKind {
        Success = 0, Request = 1, UnexplainedLimit = 2, Throttle = 3, Quota = 4, Credential = 5, Billing = 6, Hold = 7,
        Entitlement = 8, Overload = 9, Network = 10, Abandoned = 11,
    }
    ClosureReason { Paused = 0, NeedsLogin = 1, Billing = 2, OnHold = 3, Quota = 4, Throttled = 5, NotEntitled = 6 }
    ModelFamily { Opus = 0, Sonnet = 1, Haiku = 2, Fable = 3, Other = 4 }
    Tier { One = 1, Five = 5, Twenty = 20 }
}

// --- exchanges

const INTENT: u8 = 1;
const EXCHANGE: u8 = 1;

#[derive(Serialize, Deserialize)]
struct IntentRow<'a> {
    at: i64,
    #[serde(borrow)]
    method: MethodRow<'a>,
    path: &'a str,
    model: Option<&'a str>,
    request_bytes: u64,
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
struct ExchangeRow<'a> {
    #[serde(borrow)]
    intent: IntentRow<'a>,
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
    priced: Option<&'a str>,
    response_bytes: u64,
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
    account: Option<([u8; 16], &'a str)>,
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
pub(super) fn encode_intent(intent: &Intent, into: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode(INTENT, &IntentRow::from(intent), into)
}

/// The intent that a row of the intents stands for.
pub(super) fn decode_intent(id: ExchangeId, bytes: &[u8]) -> Result<Intent, RecordError> {
    match codec::version(bytes)? {
        (INTENT, fields) => codec::decode::<IntentRow<'_>>(fields)?.into_intent(id),
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// Appends the row of an exchange; its id is the key.
pub(super) fn encode_exchange(exchange: &Exchange, into: &mut Vec<u8>) -> Result<(), CodecError> {
    codec::encode(EXCHANGE, &ExchangeRow::from(exchange), into)
}

/// The exchange that a row of the exchanges stands for.
pub(super) fn decode_exchange(id: ExchangeId, bytes: &[u8]) -> Result<Exchange, RecordError> {
    match codec::version(bytes)? {
        (EXCHANGE, fields) => codec::decode::<ExchangeRow<'_>>(fields)?.into_exchange(id),
        (other, _) => Err(CodecError::Version(other).into()),
    }
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
        }
    }
}

impl IntentRow<'_> {
    fn into_intent(self, id: ExchangeId) -> Result<Intent, RecordError> {
        Ok(Intent {
            id,
            at: Timestamp::from_micros(self.at),
            method: self.method.try_into()?,
            path: self.path.into(),
            model: self.model.map(Into::into),
            request_bytes: self.request_bytes,
        })
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

impl<'a> From<&'a Exchange> for ExchangeRow<'a> {
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

impl ExchangeRow<'_> {
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
        })
    }
}

impl<'a> From<&'a AttemptRecord> for AttemptRow<'a> {
    fn from(attempt: &'a AttemptRecord) -> Self {
        Self {
            account: attempt.account.as_ref().map(|(id, name)| (*id.as_bytes(), &**name)),
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
            account: row.account.map(|(id, name)| (AccountId::from_bytes(id), name.into())),
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

// --- accounts

const ACCOUNT: u8 = 1;
const CREDENTIAL: u8 = 1;

#[derive(Serialize, Deserialize)]
struct AccountRow<'a> {
    place: u64,
    name: &'a str,
    provider: &'a str,
    base_url: Option<&'a str>,
    priority: u32,
    tier: Option<u8>,
    created: i64,
    paused: bool,
    #[serde(borrow)]
    marks: Vec<MarkRow<'a>>,
    windows: Vec<WindowRow<'a>>,
    observed: Option<i64>,
    tier_hint: Option<u8>,
    organization: Option<&'a str>,
    session: Option<(i64, u64)>,
    requests: u64,
    last_used: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct MarkRow<'a> {
    reason: u8,
    #[serde(borrow)]
    scope: ScopeRow<'a>,
    since: i64,
    until: Option<i64>,
    evidence: &'a str,
}

#[derive(Serialize, Deserialize)]
enum ScopeRow<'a> {
    Account,
    Family(u8),
    Model(&'a str),
}

#[derive(Serialize, Deserialize)]
struct WindowRow<'a> {
    name: &'a str,
    status: Option<&'a str>,
    utilization: Option<f64>,
    limit: Option<u64>,
    remaining: Option<u64>,
    resets: Option<i64>,
}

/// What is sealed. New kinds of credentials are new variants, at the end.
#[derive(Serialize, Deserialize)]
enum CredentialRow<'a> {
    ApiKey(&'a str),
}

/// An account as stored: with its place in the order in which accounts were added.
#[derive(Debug)]
pub(super) struct PlacedAccount {
    pub(super) place: u64,
    pub(super) account: Account,
}

/// The row of an account without its id, which is the key, and without its credential.
pub(super) fn encode_account(placed: &PlacedAccount) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(512);
    codec::encode(ACCOUNT, &AccountRow::from(placed), &mut bytes)?;
    Ok(bytes)
}

/// The account that a row stands for, given what is stored elsewhere.
pub(super) fn decode_account(
    id: AccountId,
    credential: Credential,
    bytes: &[u8],
) -> Result<PlacedAccount, RecordError> {
    match codec::version(bytes)? {
        (ACCOUNT, fields) => codec::decode::<AccountRow<'_>>(fields)?.into_account(id, credential),
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// The bytes of a credential, to be sealed.
pub(super) fn encode_credential(credential: &Credential) -> Result<zeroize::Zeroizing<Vec<u8>>, CodecError> {
    let Credential::ApiKey(key) = credential;
    // Room for all of it: a vector that grows leaves copies behind that nobody wipes.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(key.expose().len() + 16));
    codec::encode(CREDENTIAL, &CredentialRow::ApiKey(key.expose()), &mut bytes)?;
    Ok(bytes)
}

/// The credential that unsealed bytes stand for.
pub(super) fn decode_credential(bytes: &[u8]) -> Result<Credential, RecordError> {
    match codec::version(bytes)? {
        (CREDENTIAL, fields) => match codec::decode(fields)? {
            CredentialRow::ApiKey(key) => Ok(Credential::ApiKey(Secret::new(key))),
        },
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

impl<'a> From<&'a PlacedAccount> for AccountRow<'a> {
    fn from(PlacedAccount { place, account }: &'a PlacedAccount) -> Self {
        Self {
            place: *place,
            name: &account.name,
            provider: &account.provider,
            base_url: account.base_url.as_deref().map(url::Url::as_str),
            priority: account.priority,
            tier: account.tier.map(Code::code),
            created: account.created.as_micros(),
            paused: account.paused,
            marks: account.marks.iter().map(Into::into).collect(),
            windows: account.limits.windows.iter().map(Into::into).collect(),
            observed: account.limits.observed.map(Timestamp::as_micros),
            tier_hint: account.limits.tier_hint.map(Code::code),
            organization: account.organization.as_deref(),
            session: account.session.map(|session| (session.started.as_micros(), session.requests)),
            requests: account.requests,
            last_used: account.last_used.map(Timestamp::as_micros),
        }
    }
}

impl AccountRow<'_> {
    fn into_account(self, id: AccountId, credential: Credential) -> Result<PlacedAccount, RecordError> {
        let base_url = self.base_url.map(|text| text.parse().map(Arc::new).map_err(|_| senseless("base_url", text)));
        let limits = Limits {
            windows: self.windows.into_iter().map(Into::into).collect(),
            observed: self.observed.map(Timestamp::from_micros),
            tier_hint: self.tier_hint.map(Tier::of_code).transpose()?,
        };
        let session = |(started, requests)| Session { started: Timestamp::from_micros(started), requests };
        let account = Account {
            id,
            name: self.name.into(),
            provider: self.provider.into(),
            base_url: base_url.transpose()?,
            credential: Arc::new(credential),
            priority: self.priority,
            tier: self.tier.map(Tier::of_code).transpose()?,
            created: Timestamp::from_micros(self.created),
            paused: self.paused,
            marks: self.marks.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            limits,
            organization: self.organization.map(Into::into),
            session: self.session.map(session),
            requests: self.requests,
            last_used: self.last_used.map(Timestamp::from_micros),
        };
        Ok(PlacedAccount { place: self.place, account })
    }
}

impl<'a> From<&'a Mark> for MarkRow<'a> {
    fn from(mark: &'a Mark) -> Self {
        let scope = match &mark.scope {
            Scope::Account => ScopeRow::Account,
            Scope::Family(family) => ScopeRow::Family(family.code()),
            Scope::Model(model) => ScopeRow::Model(model),
        };
        Self {
            reason: mark.reason.code(),
            scope,
            since: mark.since.as_micros(),
            until: mark.until.map(Timestamp::as_micros),
            evidence: &mark.evidence,
        }
    }
}

impl TryFrom<MarkRow<'_>> for Mark {
    type Error = RecordError;

    fn try_from(row: MarkRow<'_>) -> Result<Self, RecordError> {
        let scope = match row.scope {
            ScopeRow::Account => Scope::Account,
            ScopeRow::Family(family) => Scope::Family(ModelFamily::of_code(family)?),
            ScopeRow::Model(model) => Scope::Model(model.into()),
        };
        Ok(Self {
            reason: ClosureReason::of_code(row.reason)?,
            scope,
            since: Timestamp::from_micros(row.since),
            until: row.until.map(Timestamp::from_micros),
            evidence: row.evidence.into(),
        })
    }
}

impl<'a> From<&'a Window> for WindowRow<'a> {
    fn from(window: &'a Window) -> Self {
        Self {
            name: &window.name,
            status: window.status.as_deref(),
            utilization: window.utilization,
            limit: window.limit,
            remaining: window.remaining,
            resets: window.resets.map(Timestamp::as_micros),
        }
    }
}

impl From<WindowRow<'_>> for Window {
    fn from(row: WindowRow<'_>) -> Self {
        Self {
            name: row.name.to_owned().into(),
            status: row.status.map(|status| status.to_owned().into()),
            utilization: row.utilization,
            limit: row.limit,
            remaining: row.remaining,
            resets: row.resets.map(Timestamp::from_micros),
        }
    }
}
