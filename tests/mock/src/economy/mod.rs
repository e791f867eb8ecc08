//! What messages use and cost, and what accounts can bear: prompt caches, prices and limits that follow from the
//! requests themselves.
//!
//! With [`MockConfig::economy`](crate::MockConfig::economy) the usage of an answer is no longer what a reply states. The
//! prompt is cut into its blocks, as the API cuts it (tools, system, messages), and looked up in the cache of the
//! request's key and model: what is found is read, what stands up to a `cache_control` is written for five minutes or an
//! hour, the rest is plain input. All of it is priced, and counts against the [`Allowance`] of the key; a key over one of
//! its limits gets the API's own 429, with the headers that go with it.
//!
//! Not modelled: how long an answer takes to be cached (it is there at once), and the server's own tools.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use crate::{ErrorAnswer, Usage, VirtualTime};

mod allowance;
mod caches;
mod price;
mod prompt;

use allowance::Account;
pub use allowance::{Allowance, Budget, Rates};
use caches::Caches;
use prompt::Prompt;

/// How the economy is set up.
#[derive(Clone, Debug)]
pub struct Economy {
    /// The time that caches and limits go by.
    pub time: VirtualTime,
    /// Bytes of a prompt's JSON that make a token. Four are honest; with fewer, short bodies stand for long prompts.
    pub bytes_per_token: f64,
    /// What keys can bear; others bear everything.
    pub allowances: HashMap<String, Allowance>,
}

impl Economy {
    /// Four bytes a token, and no limits.
    pub fn new(time: VirtualTime) -> Self {
        Self { time, bytes_per_token: 4.0, allowances: HashMap::new() }
    }

    /// Limits a key.
    #[must_use]
    pub fn allow(mut self, key: impl Into<String>, allowance: Allowance) -> Self {
        self.allowances.insert(key.into(), allowance);
        self
    }
}

/// What a key has used so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// Messages answered.
    pub messages: u64,
    /// Messages refused for a limit.
    pub refused: u64,
    /// Tokens of all of them.
    pub usage: Usage,
    /// Their price.
    pub nano_usd: u64,
}

/// The running economy.
pub(crate) struct Ledger {
    economy: Economy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    caches: Caches,
    accounts: HashMap<String, Account>,
    spent: BTreeMap<String, Spent>,
}

/// What a message comes to.
pub(crate) struct Charged {
    pub(crate) usage: Usage,
    /// Where the key's limits stand behind it.
    pub(crate) headers: Vec<(String, String)>,
}

impl Ledger {
    pub(crate) fn new(economy: Economy) -> Self {
        Self { economy, state: Mutex::default() }
    }

    pub(crate) fn time(&self) -> &VirtualTime {
        &self.economy.time
    }

    /// Charges a message that will be answered with `output` tokens, unless its key is over a limit.
    pub(crate) fn charge(&self, key: &str, model: &str, body: &[u8], output: u64) -> Result<Charged, Box<ErrorAnswer>> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let prompt = Prompt::of(&body, model, self.economy.bytes_per_token);
        let now = self.economy.time.micros();
        let mut state = self.state.lock();
        let State { caches, accounts, spent } = &mut *state;
        let spent = spent.entry(key.to_owned()).or_default();
        let account = self.economy.allowances.get(key).map(|allowance| {
            accounts.entry(key.to_owned()).or_insert_with(|| Account::new(Arc::new(allowance.clone()), now))
        });
        if let Some(refusal) = account.as_ref().and_then(|account| account.refusal(now)) {
            spent.refused += 1;
            return Err(Box::new(refusal));
        }
        let usage = Usage { output, ..caches.use_prompt(key, model, &prompt, now) };
        let nano_usd = price::of(model, &usage);
        spent.messages += 1;
        spent.usage.add(&usage);
        spent.nano_usd += nano_usd;
        let headers = account.map(|account| {
            account.charge(&usage, nano_usd, now);
            account.headers(now)
        });
        Ok(Charged { usage, headers: headers.unwrap_or_default() })
    }

    /// Whether a message of this key would be answered now.
    pub(crate) fn is_open(&self, key: &str) -> bool {
        let now = self.economy.time.micros();
        self.state.lock().accounts.get(key).is_none_or(|account| account.refusal(now).is_none())
    }

    pub(crate) fn spent(&self) -> BTreeMap<String, Spent> {
        self.state.lock().spent.clone()
    }

    pub(crate) fn reset(&self) {
        *self.state.lock() = State::default();
    }
}
