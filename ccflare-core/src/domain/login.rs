//! A login that was begun and waits for its code.

use std::{sync::Arc, time::Duration};

use url::Url;

use super::{AccountId, LoginId, Secret, Tier, Timestamp};

/// What has to be remembered between the beginning of a login and its code. Kept sealed.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    /// Its identity.
    pub id: LoginId,
    /// The configured authorization server.
    pub server: Arc<str>,
    /// Where the server was told to send the code; it has to be told again.
    pub redirect_uri: Arc<Url>,
    /// Comes back with the code, or the code is somebody else's.
    pub state: Secret,
    /// Proves to the server that who has the code is who asked for it (RFC 7636).
    pub verifier: Secret,
    /// What the tokens are for.
    pub purpose: LoginPurpose,
    /// When it began.
    pub created: Timestamp,
}

impl PendingLogin {
    /// How long a code is waited for.
    pub const LIFE: Duration = Duration::from_secs(10 * 60);

    /// Whether it has waited too long.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.created) >= Self::LIFE
    }
}

/// What a login is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginPurpose {
    /// A new account.
    Add {
        /// What it is to be called.
        name: Arc<str>,
        /// The API it belongs to.
        provider: Arc<str>,
        /// Where its API lives, if not at the provider's own address.
        base_url: Option<Arc<Url>>,
        /// Its place in the order.
        priority: u32,
        /// Its stated size.
        tier: Option<Tier>,
    },
    /// New tokens for an account that is there; everything else about it stays.
    Renew(AccountId),
}
