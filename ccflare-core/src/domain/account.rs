//! An account, what is known of its limits, and the one function that changes it.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{AccountId, Credential, ModelFamily, Timestamp};

/// One way into an API: a credential and everything known about it.
///
/// Cheap to clone (the text is shared) and deliberately not `Serialize`: its credential leaves only sealed, or as a
/// header on the wire.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// What people call it; unique among the accounts.
    pub name: Arc<str>,
    /// The name of the [`Provider`](crate::provider::Provider) that speaks for it.
    pub provider: Arc<str>,
    /// Where its API lives, if not at the provider's own address.
    pub base_url: Option<Arc<Url>>,
    /// What it proves itself with.
    pub credential: Arc<Credential>,
    /// Who goes first: lower numbers do; equal ones in the order they were added.
    pub priority: u32,
    /// Its size as the operator stated it; otherwise [`Limits::tier_hint`] guesses.
    pub tier: Option<Tier>,
    /// When it was added.
    pub created: Timestamp,
    /// Taken out by the operator.
    pub paused: bool,
    /// Why it can't serve (some of) the requests now. Bounded: one mark for each reason and scope.
    pub marks: Vec<Mark>,
    /// The limits its last answer stated.
    pub limits: Arc<Limits>,
    /// The organisation its answers name. Limits belong to organisations, so accounts of one share them.
    pub organization: Option<Arc<str>>,
    /// The sticky window, if it has been the active account.
    pub session: Option<Session>,
    /// Requests it served.
    pub requests: u64,
    /// When it last did.
    pub last_used: Option<Timestamp>,
}

/// The size of a plan, as the original counts it: 1, 5 or 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Tier {
    /// The base plan.
    One,
    /// Five times the base.
    Five,
    /// Twenty times the base.
    Twenty,
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Tier {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Tier".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "An account's size.", "enum": [1, 5, 20] })
    }
}

impl TryFrom<u8> for Tier {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::One),
            5 => Ok(Self::Five),
            20 => Ok(Self::Twenty),
            _ => Err("a tier is 1, 5 or 20"),
        }
    }
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::One => 1,
            Tier::Five => 5,
            Tier::Twenty => 20,
        }
    }
}

/// A sticky window: the time in which one account serves everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// When the account became the active one.
    pub started: Timestamp,
    /// Requests served since.
    pub requests: u64,
}

/// What an account's answers said about its limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Each limit window the last answer named.
    pub windows: Vec<Window>,
    /// When that was.
    pub observed: Option<Timestamp>,
    /// The size of the plan that limits as high as these belong to.
    pub tier_hint: Option<Tier>,
}

/// One limit window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// As the headers name it: `5h`, `7d`, `7d_oi`, `requests`, `input-tokens`, …
    pub name: Cow<'static, str>,
    /// `allowed`, `allowed_warning`, `rejected`; only subscriptions state one.
    pub status: Option<Cow<'static, str>>,
    /// The part used: 0.0 is none, 1.0 all; more than 1 has been seen.
    pub utilization: Option<f64>,
    /// How many it has in all.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When it is full again.
    pub resets: Option<Timestamp>,
    /// The family of models that it limits; `None` if it limits all. Buckets of an API key have the same names for every
    /// family, so this tells them apart.
    pub family: Option<ModelFamily>,
    /// When it was stated.
    pub observed: Timestamp,
}

impl Limits {
    /// So many windows are kept: more families and windows than any API has.
    const MOST: usize = 32;

    /// What is known once `newer` was stated: it says nothing of the windows of other families, so those stay until
    /// they are full again.
    #[must_use]
    pub fn followed_by(&self, newer: &Self) -> Self {
        // Answers are noted by several threads, each when it finds time.
        if newer.observed < self.observed {
            return self.clone();
        }
        let now = newer.observed.unwrap_or_default();
        let same = |a: &Window, b: &Window| a.name == b.name && a.family == b.family;
        let stays = |old: &&Window| {
            old.family.is_some()
                && old.resets.is_some_and(|reset| reset > now)
                && !newer.windows.iter().any(|new| same(new, old))
        };
        let kept = self.windows.iter().filter(stays).cloned();
        let windows = newer.windows.iter().cloned().chain(kept).take(Self::MOST).collect();
        Self { windows, observed: newer.observed, tier_hint: newer.tier_hint.or(self.tier_hint) }
    }
}

/// A reason not to use an account, for what, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Why.
    pub reason: ClosureReason,
    /// Which requests it concerns.
    pub scope: Scope,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends by itself; `None` waits for the operator.
    pub until: Option<Timestamp>,
    /// What the upstream said, for people. Never a secret, at most a line.
    pub evidence: Arc<str>,
}

/// Which requests a [`Mark`] keeps away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// All of them.
    Account,
    /// Those for one family of models.
    Family(ModelFamily),
    /// Those for one model.
    Model(Arc<str>),
}

impl Scope {
    fn covers<'a>(&self, model: impl FnOnce() -> Option<&'a str>) -> bool {
        match self {
            Self::Account => true,
            Self::Family(family) => model().is_some_and(|model| ModelFamily::of(model) == *family),
            Self::Model(name) => model() == Some(&**name),
        }
    }
}

/// Why an account is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosureReason {
    /// The operator paused it.
    Paused,
    /// Its credential was refused.
    NeedsLogin,
    /// Its tokens have ended, and the authorization server gives no new ones now.
    NoTokens,
    /// Its owner has to pay, or a spend limit is reached.
    Billing,
    /// Its organisation is on hold.
    OnHold,
    /// A limit window is used up.
    Quota,
    /// It was asked to slow down.
    Throttled,
    /// It may not use the model.
    NotEntitled,
}

impl ClosureReason {
    /// Whether another credential opens the account again.
    const fn is_of_credential(self) -> bool {
        matches!(self, Self::NeedsLogin | Self::NoTokens)
    }

    /// The reason as the JSON API and messages state it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::NeedsLogin => "needs_login",
            Self::NoTokens => "no_tokens",
            Self::Billing => "billing",
            Self::OnHold => "on_hold",
            Self::Quota => "rate_limited",
            Self::Throttled => "throttled",
            Self::NotEntitled => "not_entitled",
        }
    }
}

/// Why an account can't serve one request now, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The gravest reason.
    pub reason: ClosureReason,
    /// When it may open again by itself; `None` waits for the operator.
    pub until: Option<Timestamp>,
}

/// Where an account stands in its life, seen alike in every view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Serves.
    Active,
    /// Closed for all or some models until a moment.
    RateLimited {
        /// The first moment at which it may serve everything again.
        until: Timestamp,
    },
    /// Taken out by the operator.
    Paused,
    /// Its credential was refused; the operator has to replace it.
    NeedsLogin,
    /// Billing, spend limit or hold at the provider.
    OnHold,
}

impl AccountState {
    /// The state as the JSON API names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::RateLimited { .. } => "rate_limited",
            Self::Paused => "paused",
            Self::NeedsLogin => "needs_login",
            Self::OnHold => "on_hold",
        }
    }
}

impl fmt::Display for AccountState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything that can happen to an account after it was added. The pool and the store both run [`Account::apply`].
#[derive(Clone, Debug, PartialEq)]
pub enum AccountChange {
    /// A new name.
    Renamed(Arc<str>),
    /// A new place in the order.
    Prioritized(u32),
    /// A stated size.
    Tiered(Tier),
    /// Taken out.
    Paused,
    /// Put back: also forgets every mark, since the operator knows better than an old answer.
    Resumed,
    /// Closed for some requests.
    Closed(Mark),
    /// Became the active account: its sticky window starts at this moment.
    SessionStarted(Timestamp),
    /// Answered a request.
    Served,
    /// Its answer stated limits; these are all that are known now ([`Limits::followed_by`]).
    Observed(Arc<Limits>),
    /// Its answer named its organisation.
    OrganizationSeen(Arc<str>),
    /// It has got another credential.
    Renewed,
}

/// So many models an account may be closed to one by one.
const MOST_MODELS: usize = 64;

impl Account {
    /// A new account with nothing known about it yet.
    #[must_use]
    pub fn new(name: &str, provider: &str, credential: Credential, now: Timestamp) -> Self {
        Self {
            id: AccountId::new(now),
            name: name.into(),
            provider: provider.into(),
            base_url: None,
            credential: Arc::new(credential),
            priority: 0,
            tier: None,
            created: now,
            paused: false,
            marks: Vec::new(),
            limits: Arc::default(),
            organization: None,
            session: None,
            requests: 0,
            last_used: None,
        }
    }

    /// Lets `change` happen at `now`. Pure but for `self`, so a store can replay what the pool did.
    pub fn apply(&mut self, change: AccountChange, now: Timestamp) {
        match change {
            AccountChange::Renamed(name) => self.name = name,
            AccountChange::Prioritized(priority) => self.priority = priority,
            AccountChange::Tiered(tier) => self.tier = Some(tier),
            AccountChange::Paused => self.paused = true,
            AccountChange::Resumed => {
                self.paused = false;
                self.marks.clear();
            }
            AccountChange::Closed(mark) => self.close(mark, now),
            AccountChange::SessionStarted(started) => self.session = Some(Session { started, requests: 0 }),
            AccountChange::Served => {
                self.requests += 1;
                self.last_used = self.last_used.max(Some(now));
                if let Some(session) = &mut self.session {
                    session.requests += 1;
                }
            }
            AccountChange::Observed(limits) => self.limits = limits,
            AccountChange::OrganizationSeen(organization) => self.join(organization),
            AccountChange::Renewed => self.marks.retain(|mark| !mark.reason.is_of_credential()),
        }
    }

    /// Takes a new credential; that the old one was refused says nothing about it.
    pub fn renew(&mut self, credential: Arc<Credential>) {
        self.credential = credential;
        self.marks.retain(|mark| !mark.reason.is_of_credential());
    }

    /// What is known of another organisation's limits says nothing about this one's.
    fn join(&mut self, organization: Arc<str>) {
        let known = self.organization.replace(Arc::clone(&organization));
        if known.is_some_and(|known| known != organization) {
            self.marks.retain(|mark| mark.reason.is_of_credential());
            self.limits = Arc::default();
        }
    }

    /// The newest evidence wins: it replaces an older mark of its kind, and marks that have run out go. So do the oldest, if there
    /// are too many: models are what clients call them.
    fn close(&mut self, mark: Mark, now: Timestamp) {
        self.marks.retain(|old| {
            let same_kind = old.reason == mark.reason && old.scope == mark.scope;
            !same_kind && old.until.is_none_or(|until| until > now)
        });
        let is_of_model = |mark: &Mark| matches!(mark.scope, Scope::Model(_));
        if self.marks.iter().filter(|mark| is_of_model(mark)).count() >= MOST_MODELS {
            let oldest = self.marks.iter().position(is_of_model);
            oldest.map(|at| self.marks.remove(at));
        }
        self.marks.push(mark);
    }

    /// Why it can't serve a request for `model` at `now`; `None` if it can. The model is asked for only if it matters.
    #[must_use]
    pub fn closed_for<'a>(&self, model: impl Fn() -> Option<&'a str>, now: Timestamp) -> Option<Closure> {
        if self.paused {
            return Some(Closure { reason: ClosureReason::Paused, until: None });
        }
        self.closing_mark(model, now).map(|mark| Closure { reason: mark.reason, until: mark.until })
    }

    /// The mark that [`closed_for`](Self::closed_for) goes by, if it is a mark.
    #[must_use]
    pub fn closing_mark<'a>(&self, model: impl Fn() -> Option<&'a str>, now: Timestamp) -> Option<&Mark> {
        self.standing(now)
            .filter(|mark| mark.scope.covers(&model))
            .max_by_key(|mark| mark.until.map_or(i64::MAX, Timestamp::as_micros))
    }

    /// Its state as a whole, whatever the model.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> AccountState {
        if self.paused {
            return AccountState::Paused;
        }
        let has = |reason| self.standing(now).any(|mark| mark.reason == reason);
        if has(ClosureReason::NeedsLogin) {
            return AccountState::NeedsLogin;
        }
        if has(ClosureReason::Billing) || has(ClosureReason::OnHold) {
            return AccountState::OnHold;
        }
        let limited = |mark: &&Mark| {
            matches!(mark.reason, ClosureReason::Quota | ClosureReason::Throttled | ClosureReason::NoTokens)
        };
        match self.standing(now).filter(limited).filter_map(|mark| mark.until).max() {
            Some(until) => AccountState::RateLimited { until },
            None => AccountState::Active,
        }
    }

    /// The marks that still hold.
    pub fn standing(&self, now: Timestamp) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(move |mark| mark.until.is_none_or(|until| until > now))
    }

    /// The size to show: what the operator said, else what the limits hint at, else the base.
    #[must_use]
    pub fn effective_tier(&self) -> Tier {
        self.tier.or(self.limits.tier_hint).unwrap_or(Tier::One)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::Secret;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn account() -> Account {
        Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), NOW)
    }

    fn mark(reason: ClosureReason, scope: Scope, seconds: Option<u64>) -> Mark {
        let until = seconds.map(|seconds| NOW + Duration::from_secs(seconds));
        Mark { reason, scope, since: NOW, until, evidence: "".into() }
    }

    #[test]
    fn what_was_stated_earlier_does_not_replace_what_is_known() {
        let at = |seconds| Limits { observed: Some(Timestamp::from_seconds(seconds)), ..Limits::default() };
        assert_eq!(at(2).followed_by(&at(1)), at(2));
        assert_eq!(at(1).followed_by(&at(2)), at(2));
        assert_eq!(Limits::default().followed_by(&at(1)), at(1));
    }

    #[test]
    fn a_family_mark_closes_only_that_family_and_only_until_its_reset() {
        let mut account = account();
        account
            .apply(AccountChange::Closed(mark(ClosureReason::Quota, Scope::Family(ModelFamily::Opus), Some(60))), NOW);
        assert!(account.closed_for(|| Some("claude-opus-5-5"), NOW).is_some());
        assert!(account.closed_for(|| Some("claude-haiku-5-5"), NOW).is_none());
        assert!(account.closed_for(|| Some("claude-opus-5-5"), NOW + Duration::from_secs(60)).is_none());
    }

    #[test]
    fn newer_evidence_replaces_older_even_when_it_is_shorter() {
        let mut account = account();
        for seconds in [3600, 60] {
            account.apply(AccountChange::Closed(mark(ClosureReason::Quota, Scope::Account, Some(seconds))), NOW);
        }
        assert_eq!(account.marks.len(), 1);
        assert_eq!(account.closed_for(|| None, NOW).and_then(|c| c.until), Some(NOW + Duration::from_secs(60)));
    }

    #[test]
    fn another_organisation_has_limits_of_its_own() {
        let reasons = |account: &Account| account.marks.iter().map(|mark| mark.reason).collect::<Vec<_>>();
        let seen = |name: &str| AccountChange::OrganizationSeen(name.into());
        let mut account = account();
        for reason in [ClosureReason::NeedsLogin, ClosureReason::Quota] {
            account.apply(AccountChange::Closed(mark(reason, Scope::Account, None)), NOW);
        }
        account.apply(AccountChange::Observed(Arc::new(Limits { observed: Some(NOW), ..Limits::default() })), NOW);
        for organization in ["one", "one"] {
            account.apply(seen(organization), NOW);
            assert_eq!(reasons(&account), [ClosureReason::NeedsLogin, ClosureReason::Quota]);
            assert_eq!(account.limits.observed, Some(NOW));
        }
        account.apply(seen("two"), NOW);
        assert_eq!(reasons(&account), [ClosureReason::NeedsLogin]);
        assert_eq!(account.limits.observed, None);
    }

    #[test]
    fn a_refused_key_stays_closed_until_the_operator_resumes() {
        let mut account = account();
        account.apply(AccountChange::Closed(mark(ClosureReason::NeedsLogin, Scope::Account, None)), NOW);
        let later = NOW + Duration::from_secs(1_000_000);
        assert_eq!(account.state(later), AccountState::NeedsLogin);
        account.apply(AccountChange::Resumed, later);
        assert_eq!(account.state(later), AccountState::Active);
    }

    /// Each step of a life, and where the account stands after it; moments are seconds since its beginning.
    #[test]
    fn a_life_from_its_beginning_to_its_last_refusal() {
        let until = |seconds| AccountState::RateLimited { until: NOW + Duration::from_secs(seconds) };
        let closed = |reason, seconds| AccountChange::Closed(mark(reason, Scope::Account, seconds));
        let mut account = account();
        for (second, change, state) in [
            (0, AccountChange::Served, AccountState::Active),
            (1, closed(ClosureReason::Throttled, Some(10)), until(10)),
            (2, closed(ClosureReason::Quota, Some(60)), until(60)),
            (30, AccountChange::Served, until(60)),
            (60, AccountChange::Served, AccountState::Active),
            (61, closed(ClosureReason::Billing, Some(600)), AccountState::OnHold),
            (62, AccountChange::Paused, AccountState::Paused),
            (700, AccountChange::Served, AccountState::Paused),
            (701, AccountChange::Resumed, AccountState::Active),
            (702, closed(ClosureReason::NeedsLogin, None), AccountState::NeedsLogin),
            (703, closed(ClosureReason::Quota, Some(900)), AccountState::NeedsLogin),
            (99_999, AccountChange::Served, AccountState::NeedsLogin),
        ] {
            let now = NOW + Duration::from_secs(second);
            let shown = format!("{change:?}");
            account.apply(change, now);
            assert_eq!(account.state(now), state, "after {shown} at {second}");
        }
        account.renew(Arc::new(Credential::ApiKey(Secret::new("another"))));
        assert_eq!(account.state(NOW + Duration::from_secs(99_999)), AccountState::Active, "logged in again");
    }

    #[test]
    fn marks_stay_bounded() {
        let mut account = account();
        for second in 0..1000 {
            let now = NOW + Duration::from_secs(second);
            let model = Scope::Model(format!("model-{second}").into());
            let until = Some(now + Duration::from_secs(5));
            account.apply(AccountChange::Closed(Mark { until, ..mark(ClosureReason::NotEntitled, model, None) }), now);
        }
        assert!(account.marks.len() <= 6, "{} marks", account.marks.len());
        account.apply(AccountChange::Closed(mark(ClosureReason::Quota, Scope::Account, Some(1_000_000))), NOW);
        for number in 0..1000 {
            let model = Scope::Model(format!("other-{number}").into());
            account.apply(AccountChange::Closed(mark(ClosureReason::NotEntitled, model, Some(1_000_000))), NOW);
        }
        assert!(account.marks.len() <= MOST_MODELS + 6, "{} marks", account.marks.len());
        assert!(account.closed_for(|| Some("other-999"), NOW).is_some());
        assert!(account.closed_for(|| None, NOW + Duration::from_secs(1)).is_some(), "what closes all of it stays");
    }
}
