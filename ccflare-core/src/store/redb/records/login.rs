//! Logins that wait for their code.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Code, RecordError, senseless};
use crate::{
    domain::{AccountId, LoginId, LoginPurpose, PendingLogin, Secret, Tier, Timestamp},
    store::redb::codec::{self, CodecError},
};

const LOGIN: u8 = 1;

#[derive(Serialize, Deserialize)]
struct LoginRow<'a> {
    server: &'a str,
    redirect_uri: &'a str,
    state: &'a str,
    verifier: &'a str,
    #[serde(borrow)]
    purpose: PurposeRow<'a>,
    created: i64,
}

#[derive(Serialize, Deserialize)]
enum PurposeRow<'a> {
    Add { name: &'a str, provider: &'a str, base_url: Option<&'a str>, priority: u32, tier: Option<u8> },
    Renew([u8; 16]),
}

/// The bytes of a login, to be sealed.
pub(in crate::store::redb) fn encode_login(login: &PendingLogin) -> Result<Zeroizing<Vec<u8>>, CodecError> {
    let row = LoginRow {
        server: &login.server,
        redirect_uri: login.redirect_uri.as_str(),
        state: login.state.expose(),
        verifier: login.verifier.expose(),
        purpose: PurposeRow::from(&login.purpose),
        created: login.created.as_micros(),
    };
    // Room for all of it: a vector that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    codec::encode(LOGIN, &row, &mut bytes)?;
    Ok(bytes)
}

/// The login that unsealed bytes stand for.
pub(in crate::store::redb) fn decode_login(id: LoginId, bytes: &[u8]) -> Result<PendingLogin, RecordError> {
    match codec::version(bytes)? {
        (LOGIN, fields) => codec::decode::<LoginRow<'_>>(fields)?.into_login(id),
        (other, _) => Err(CodecError::Version(other).into()),
    }
}

impl<'a> From<&'a LoginPurpose> for PurposeRow<'a> {
    fn from(purpose: &'a LoginPurpose) -> Self {
        match purpose {
            LoginPurpose::Add { name, provider, base_url, priority, tier } => Self::Add {
                name,
                provider,
                base_url: base_url.as_deref().map(url::Url::as_str),
                priority: *priority,
                tier: tier.map(Code::code),
            },
            LoginPurpose::Renew(account) => Self::Renew(*account.as_bytes()),
        }
    }
}

impl LoginRow<'_> {
    fn into_login(self, id: LoginId) -> Result<PendingLogin, RecordError> {
        let url = |text: &str| text.parse::<url::Url>().map_err(|_| senseless("url", text));
        let purpose = match self.purpose {
            PurposeRow::Add { name, provider, base_url, priority, tier } => LoginPurpose::Add {
                name: name.into(),
                provider: provider.into(),
                base_url: base_url.map(url).transpose()?.map(Into::into),
                priority,
                tier: tier.map(Tier::of_code).transpose()?,
            },
            PurposeRow::Renew(account) => LoginPurpose::Renew(AccountId::from_bytes(account)),
        };
        Ok(PendingLogin {
            id,
            server: self.server.into(),
            redirect_uri: url(self.redirect_uri)?.into(),
            state: Secret::new(self.state),
            verifier: Secret::new(self.verifier),
            purpose,
            created: Timestamp::from_micros(self.created),
        })
    }
}
