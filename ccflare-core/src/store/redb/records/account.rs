//! Accounts and their credentials.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Code, RecordError, senseless};
use crate::{
    domain::{
        Account, AccountId, ClosureReason, Credential, Limits, Mark, ModelFamily, Scope, Secret, Session, Tier,
        Timestamp, TokenSet, Window,
    },
    store::redb::codec::{self, CodecError},
};

const ACCOUNT: u8 = 2;
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

/// An account with what each of its windows is for, in their order, and when it was stated: since version 2.
#[derive(Serialize, Deserialize)]
struct WatchedRow<'a> {
    #[serde(borrow)]
    account: AccountRow<'a>,
    windows: Vec<(Option<u8>, i64)>,
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
    #[serde(borrow)]
    OAuth(TokenRow<'a>),
}

#[derive(Serialize, Deserialize)]
struct TokenRow<'a> {
    server: &'a str,
    access: &'a str,
    refresh: Option<&'a str>,
    expires: Option<i64>,
    generation: u64,
}

/// An account as stored: with its place in the order in which accounts were added.
#[derive(Debug)]
pub(in crate::store::redb) struct PlacedAccount {
    pub(in crate::store::redb) place: u64,
    pub(in crate::store::redb) account: Account,
}

/// The row of an account without its id, which is the key, and without its credential.
pub(in crate::store::redb) fn encode_account(placed: &PlacedAccount) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(512);
    let window = |window: &Window| (window.family.map(Code::code), window.observed.as_micros());
    let windows = placed.account.limits.windows.iter().map(window).collect();
    codec::encode(ACCOUNT, &WatchedRow { account: placed.into(), windows }, &mut bytes)?;
    Ok(bytes)
}

/// The account that a row stands for, given what is stored elsewhere.
pub(in crate::store::redb) fn decode_account(
    id: AccountId,
    credential: Credential,
    bytes: &[u8],
) -> Result<PlacedAccount, RecordError> {
    match codec::version(bytes)? {
        (1, fields) => codec::decode::<AccountRow<'_>>(fields)?.into_account(id, credential, &[]),
        (ACCOUNT, fields) => {
            let WatchedRow { account, windows } = codec::decode(fields)?;
            account.into_account(id, credential, &windows)
        }
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

/// The bytes of a credential, to be sealed.
pub(in crate::store::redb) fn encode_credential(credential: &Credential) -> Result<Zeroizing<Vec<u8>>, CodecError> {
    let row = CredentialRow::from(credential);
    // Room for all of it: a vector that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(row.text() + 64));
    codec::encode(CREDENTIAL, &row, &mut bytes)?;
    Ok(bytes)
}

/// The credential that unsealed bytes stand for.
pub(in crate::store::redb) fn decode_credential(bytes: &[u8]) -> Result<Credential, RecordError> {
    match codec::version(bytes)? {
        (CREDENTIAL, fields) => match codec::decode(fields)? {
            CredentialRow::ApiKey(key) => Ok(Credential::ApiKey(Secret::new(key))),
            CredentialRow::OAuth(tokens) => Ok(Credential::OAuth(TokenSet {
                server: tokens.server.into(),
                access: Secret::new(tokens.access),
                refresh: tokens.refresh.map(Secret::new),
                expires: tokens.expires.map(Timestamp::from_micros),
                generation: tokens.generation,
            })),
        },
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

impl<'a> From<&'a Credential> for CredentialRow<'a> {
    fn from(credential: &'a Credential) -> Self {
        match credential {
            Credential::ApiKey(key) => Self::ApiKey(key.expose()),
            Credential::OAuth(tokens) => Self::OAuth(TokenRow {
                server: &tokens.server,
                access: tokens.access.expose(),
                refresh: tokens.refresh.as_ref().map(Secret::expose),
                expires: tokens.expires.map(Timestamp::as_micros),
                generation: tokens.generation,
            }),
        }
    }
}

impl CredentialRow<'_> {
    /// Bytes of its text.
    fn text(&self) -> usize {
        match self {
            Self::ApiKey(key) => key.len(),
            Self::OAuth(TokenRow { server, access, refresh, .. }) => {
                server.len() + access.len() + refresh.map_or(0, str::len)
            }
        }
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
    fn into_account(
        self,
        id: AccountId,
        credential: Credential,
        watched: &[(Option<u8>, i64)],
    ) -> Result<PlacedAccount, RecordError> {
        let mut windows: Vec<Window> = self.windows.into_iter().map(Into::into).collect();
        for (window, (family, observed)) in windows.iter_mut().zip(watched) {
            window.family = family.map(ModelFamily::of_code).transpose()?;
            window.observed = Timestamp::from_micros(*observed);
        }
        let base_url = self.base_url.map(|text| text.parse().map(Arc::new).map_err(|_| senseless("base_url", text)));
        let limits = Limits {
            windows,
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
            limits: limits.into(),
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
            family: None,
            observed: Timestamp::default(),
        }
    }
}
