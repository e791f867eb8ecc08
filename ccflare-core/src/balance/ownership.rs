//! Where a request has to go because of what it names, whatever the strategy says.

use std::{sync::Arc, time::Duration};

use http::HeaderName;

use super::{Candidate, Plan};
use crate::{
    domain::{Account, AccountId, Choice, ClosureReason, Timestamp},
    error::Refusal,
    ownership::Ownership,
    provider::Named,
};

/// In the answer that lists things of one account: the name of that account. Another one has another list.
pub const ACCOUNT: HeaderName = HeaderName::from_static("x-ccflare-account");

/// The accounts that a request is free to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// It names nothing that lives anywhere.
    Anywhere,
    /// It names something of this account's.
    At {
        account: AccountId,
        id: Box<str>,
        /// It is about that thing and asks nothing of a model, so that limits on models do not concern it.
        in_path: bool,
    },
    /// It names something that nobody here is known to have made. One account is asked, and its word stands: another
    /// one would know no better, or know something else by that name.
    Unknown { id: Box<str> },
}

impl Home {
    /// The home of a request that names this much. Of several ids the first one that is known says where.
    pub(super) fn of(named: &Named, ownership: &Ownership, now: impl Fn() -> Timestamp) -> Self {
        let mut known = named.ids.iter().filter_map(|id| Some((ownership.owner(id, now())?, id)));
        match (known.next(), named.ids.first()) {
            (Some((account, id)), _) => Self::At { account, id: id.clone(), in_path: named.in_path },
            (None, Some(id)) => Self::Unknown { id: id.clone() },
            (None, None) => Self::Anywhere,
        }
    }

    /// Whether the request may go to this account.
    pub(super) fn permits(&self, id: AccountId) -> bool {
        match self {
            Self::At { account, .. } => *account == id,
            Self::Anywhere | Self::Unknown { .. } => true,
        }
    }

    /// Sees to it that somebody is left to ask: `permitted` are the accounts that whoever asks may use and that are at
    /// home here, `exists` says whether the owner is there at all.
    ///
    /// # Errors
    /// If the owner is gone, or is not for this client.
    pub(super) fn check(&self, permitted: bool, exists: impl FnOnce(AccountId) -> bool) -> Result<(), Refusal> {
        let Self::At { account, id, .. } = self else { return Ok(()) };
        match (permitted, exists(*account)) {
            (true, _) => Ok(()),
            (false, true) => Err(Refusal::NotAllowed {
                message: format!("{id:?} lives on an account that this ccflare key may not use"),
            }),
            (false, false) => Err(Refusal::Gone {
                message: format!(
                    "{id:?} lives on an account that is not there any more; if the account was added again, list its \
                     things once, and they are known as its own"
                ),
            }),
        }
    }

    /// Takes from a plan what would lead elsewhere, and says why the rest stands there.
    pub(super) fn bind(&self, plan: &mut Plan) {
        match self {
            Self::Anywhere => {}
            Self::Unknown { .. } => plan.candidates.truncate(1),
            Self::At { in_path, .. } => {
                if *in_path {
                    ask_all_the_same(plan);
                }
                plan.candidates.iter_mut().for_each(|candidate| candidate.choice = Choice::Owner);
                // There is no choice to be weighed.
                plan.stake = None;
            }
        }
    }

    /// How to say that nobody can serve, where few could have.
    pub(super) fn because(&self) -> Option<String> {
        match self {
            Self::Anywhere => None,
            Self::At { id, .. } => Some(format!("{id:?} lives on one account, which can't serve now")),
            Self::Unknown { id } => {
                Some(format!("{id:?} is not known here, so one account was asked, which can't serve now"))
            }
        }
    }
}

/// A limit closes an account to models; what is about its things is answered all the same.
fn ask_all_the_same(plan: &mut Plan) {
    let limit = |reason| matches!(reason, ClosureReason::Quota | ClosureReason::Throttled | ClosureReason::NotEntitled);
    let (limited, closed): (Vec<_>, Vec<_>) =
        std::mem::take(&mut plan.closed).into_iter().partition(|(_, closure)| limit(closure.reason));
    plan.closed = closed;
    plan.candidates.iter_mut().for_each(|candidate| candidate.wait = Duration::ZERO);
    let candidate = |(account, _): (Arc<Account>, _)| Candidate::new(account, Choice::Owner);
    plan.candidates.extend(limited.into_iter().map(candidate));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountChange, Credential, Facts, Mark, OwnedId, Scope, Secret};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn account() -> Account {
        Account::new("a", "anthropic", Credential::ApiKey(Secret::new("k")), NOW)
    }

    fn named(ids: &[&str], in_path: bool) -> Named {
        Named { ids: ids.iter().map(|id| Box::from(*id)).collect(), in_path, ..Named::default() }
    }

    fn closed(reason: ClosureReason) -> Arc<Account> {
        let mut account = account();
        let until = Some(NOW + Duration::from_secs(60));
        let mark = Mark { reason, scope: Scope::Account, since: NOW, until, evidence: "".into() };
        account.apply(AccountChange::Closed(mark), NOW);
        Arc::new(account)
    }

    #[test]
    fn the_first_id_that_is_known_says_where() {
        let (ownership, account) = (Ownership::default(), AccountId::new(NOW));
        ownership.learn(OwnedId { id: "file_2".into(), account, seen: NOW, until: None });
        let home = |ids: &[&str]| Home::of(&named(ids, false), &ownership, || NOW);
        assert_eq!(home(&[]), Home::Anywhere);
        assert_eq!(home(&["file_1"]), Home::Unknown { id: "file_1".into() });
        assert_eq!(home(&["file_1", "file_2"]), Home::At { account, id: "file_2".into(), in_path: false });
    }

    #[test]
    fn a_limit_on_models_does_not_keep_from_a_things_own_path() {
        let facts = Facts::default();
        for (reason, in_path, asked) in [
            (ClosureReason::Quota, true, true),
            (ClosureReason::Throttled, true, true),
            (ClosureReason::Quota, false, false),
            (ClosureReason::NeedsLogin, true, false),
            (ClosureReason::Billing, true, false),
        ] {
            let account = closed(reason);
            let home = Home::At { account: account.id, id: "file_1".into(), in_path };
            let mut plan = Plan::of([account], &facts, NOW);
            home.bind(&mut plan);
            assert_eq!(plan.candidates.len(), usize::from(asked), "{reason:?} {in_path}");
            assert_eq!(plan.closed.len(), usize::from(!asked), "{reason:?} {in_path}");
        }
    }

    #[test]
    fn what_is_unknown_is_asked_of_one_account_alone() {
        let mut plan = Plan::of([account(), account()].map(Arc::new), &Facts::default(), NOW);
        Home::Unknown { id: "file_1".into() }.bind(&mut plan);
        assert_eq!(plan.candidates.len(), 1);
    }

    #[test]
    fn an_owner_that_is_gone_or_not_for_the_client_is_said_to_be() {
        let home = Home::At { account: AccountId::new(NOW), id: "file_1".into(), in_path: true };
        assert_eq!(home.check(true, |_| true), Ok(()));
        assert_eq!(home.check(false, |_| true).expect_err("not allowed").status(), 403);
        assert_eq!(home.check(false, |_| false).expect_err("gone").status(), 404);
        assert_eq!(Home::Anywhere.check(false, |_| false), Ok(()));
    }
}
