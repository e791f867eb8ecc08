use proptest::prelude::*;

use super::*;
use crate::domain::{
    Account, AccountId, Asker, Credential, Fingerprint, Lane, Limits, Mark, RequestFacts, Scope, Secret, Window,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const OPUS: &str = "claude-opus-5-5";

fn account(number: u8) -> Account {
    let mut account = Account::new(&format!("{number}"), "anthropic", Credential::ApiKey(Secret::new("k")), NOW);
    account.id = AccountId::from_bytes([number; 16]);
    account
}

fn used(mut account: Account, used: f64, resets_in: u64) -> Account {
    let window = Window {
        name: "5h".into(),
        status: None,
        utilization: Some(used),
        limit: None,
        remaining: None,
        resets: Some(NOW + Duration::from_secs(resets_in)),
        family: None,
        observed: NOW,
    };
    account.limits = Limits { windows: vec![window], observed: Some(NOW), tier_hint: None }.into();
    account
}

fn closed(mut account: Account, reason: ClosureReason, millis: u64) -> Account {
    let until = Some(NOW + Duration::from_millis(millis));
    account.marks.push(Mark { reason, scope: Scope::Account, since: NOW, until, evidence: "said".into() });
    account
}

fn standings(accounts: Vec<Account>) -> Vec<Standing> {
    accounts.into_iter().map(|account| Standing { account: account.into(), in_flight: 0 }).collect()
}

fn facts() -> RequestFacts {
    RequestFacts { model: Some(OPUS.into()), ..RequestFacts::default() }
}

/// A conversation that was answered a minute ago, with 150,000 tokens in the cache of that account.
fn bound(number: u8) -> Bound {
    let lane = Lane {
        family: ModelFamily::Opus,
        account: AccountId::from_bytes([number; 16]),
        model: Some(OPUS.into()),
        cached: Some(150_000),
        hour: false,
        used: NOW - Duration::from_secs(60),
    };
    Bound { home: lane.account, lane, is_tied: false, is_fork: false }
}

/// The same, five minutes later: nothing is in the cache any more.
fn idle(number: u8) -> Bound {
    let mut bound = bound(number);
    bound.lane.used = NOW - Duration::from_secs(301);
    bound
}

fn plan_with(accounts: Vec<Account>, bound: Option<Bound>, facts: RequestFacts) -> Plan {
    let memory = Memory { bound, conversations: Vec::new() };
    decide(&standings(accounts), &facts.into(), &memory, &ConversationOptions::default(), NOW)
}

fn plan(accounts: Vec<Account>, bound: Option<Bound>) -> Plan {
    plan_with(accounts, bound, facts())
}

fn order(plan: &Plan) -> Vec<&str> {
    plan.candidates.iter().map(|candidate| &*candidate.account.name).collect()
}

fn leaving(plan: &Plan) -> Option<Leaving> {
    plan.stake.as_ref().and_then(|stake| stake.leaving)
}

#[test]
fn a_new_conversation_goes_where_the_most_room_is() {
    let plan = plan(vec![used(account(1), 0.9, 60), used(account(2), 0.1, 60), used(account(3), 0.5, 60)], None);
    assert_eq!(order(&plan), ["2", "3", "1"]);
    assert_eq!((plan.candidates[0].choice, plan.candidates[1].choice), (Choice::Headroom, Choice::FailOver));
    assert_eq!(plan.stake, None);
}

#[test]
fn priority_goes_before_room() {
    let mut first = used(account(1), 0.1, 60);
    first.priority = 1;
    assert_eq!(order(&plan(vec![first, used(account(2), 0.9, 60)], None)), ["2", "1"]);
}

#[test]
fn among_equals_the_quota_that_expires_first_is_used_first() {
    let accounts = vec![used(account(1), 0.50, 9000), used(account(2), 0.52, 60), account(3)];
    assert_eq!(order(&plan(accounts[..2].to_vec(), None)), ["2", "1"]);
    assert_eq!(order(&plan(accounts, None))[0], "3", "clearly more room goes before");
}

#[test]
fn other_conversations_take_their_share_of_the_room() {
    let memory = Memory { bound: None, conversations: vec![3, 0] };
    let standings = standings(vec![used(account(1), 0.2, 60), used(account(2), 0.6, 60)]);
    let plan = decide(&standings, &facts().into(), &memory, &ConversationOptions::default(), NOW);
    assert_eq!(order(&plan), ["2", "1"], "0.4 for one is more than 0.8 for four");
}

#[test]
fn a_conversation_stays_where_its_cache_is_however_much_room_there_is_elsewhere() {
    let plan = plan(vec![account(1), used(account(2), 0.99, 60), account(3)], Some(bound(2)));
    assert_eq!(order(&plan), ["2", "1", "3"]);
    assert_eq!(plan.candidates[0].choice, Choice::Conversation);
    let stake = plan.stake.expect("a stake");
    assert_eq!((stake.leaving, stake.cached_tokens, stake.price), (None, 150_000, Some(NanoUsd(720_000_000))));
}

#[test]
fn a_fork_goes_where_its_parents_cache_is() {
    let plan = plan(vec![account(1), account(2)], Some(Bound { is_fork: true, ..bound(2) }));
    assert_eq!((order(&plan)[0], plan.candidates[0].choice), ("2", Choice::Fork));
}

#[test]
fn it_leaves_an_account_that_cannot_serve_and_the_price_is_known() {
    let closed = closed(account(1), ClosureReason::Quota, 3_600_000);
    let plan = plan(vec![closed, used(account(2), 0.9, 60), used(account(3), 0.1, 60)], Some(bound(1)));
    assert_eq!(order(&plan), ["3", "2"]);
    assert_eq!(plan.candidates[0].choice, Choice::Headroom);
    assert_eq!(leaving(&plan), Some(Leaving::Closed(ClosureReason::Quota)));
    assert_eq!(plan.stake.and_then(|stake| stake.price), Some(NanoUsd(720_000_000)));
}

#[test]
fn it_leaves_an_account_that_is_not_there_or_not_for_whoever_asks() {
    let plan = plan(vec![account(1)], Some(bound(9)));
    assert_eq!((order(&plan), leaving(&plan)), (vec!["1"], Some(Leaving::Gone)));
    assert_eq!(plan.stake.and_then(|stake| stake.name), None);
}

#[test]
fn it_moves_for_free_only_to_clearly_more_room() {
    let compacted = RequestFacts { compacted: true, ..facts() };
    let uncached = || {
        let mut bound = bound(1);
        bound.lane.cached = Some(0);
        bound
    };
    let elsewhere = |room| vec![used(account(1), 0.5, 60), used(account(2), room, 60)];
    for (bound, facts, reason) in [
        (bound(1), compacted, Leaving::Compacted),
        (idle(1), facts(), Leaving::Idle),
        (uncached(), facts(), Leaving::Uncached),
    ] {
        let plan = plan_with(elsewhere(0.1), Some(bound.clone()), facts.clone());
        assert_eq!((order(&plan)[0], leaving(&plan)), ("2", Some(reason)));
        assert_eq!(plan.stake.and_then(|stake| stake.price), Some(NanoUsd(0)), "{reason:?} is free");
        let plan = plan_with(elsewhere(0.48), Some(bound), facts);
        assert_eq!((order(&plan)[0], leaving(&plan)), ("1", None), "{reason:?}: not for so little");
        assert_eq!(plan.candidates[0].choice, Choice::Session, "{reason:?}: nothing of it is in the cache");
    }
}

#[test]
fn a_cache_of_an_hour_lives_an_hour_and_a_turn_that_has_not_ended_may_have_written_one() {
    let mut bound = bound(1);
    bound.lane.used = NOW - Duration::from_secs(3000);
    bound.lane.hour = true;
    let elsewhere = vec![used(account(1), 0.9, 60), account(2)];
    assert_eq!(order(&plan(elsewhere.clone(), Some(bound.clone())))[0], "1");
    bound.lane.cached = None;
    assert_eq!(order(&plan(elsewhere, Some(bound)))[0], "1");
}

#[test]
fn a_sub_agent_stays_although_its_conversation_is_new() {
    let asker = Asker {
        session: "s".into(),
        conversation: Fingerprint(1),
        subagent: Some("agent".into()),
        is_subagent: true,
        parent: None,
        agent: None,
        workspace: None,
    };
    let facts = RequestFacts { compacted: true, asker: Some(asker.into()), ..facts() };
    assert_eq!(order(&plan_with(vec![used(account(1), 0.9, 60), account(2)], Some(bound(1)), facts))[0], "1");
}

#[test]
fn what_is_tied_to_its_session_stays_although_it_has_nothing_to_lose() {
    let tied = Bound { is_tied: true, ..idle(1) };
    let plan = plan(vec![used(account(1), 0.99, 60), account(2)], Some(tied));
    assert_eq!((order(&plan), leaving(&plan)), (vec!["1", "2"], None));
    assert_eq!(plan.candidates[0].choice, Choice::Session);
}

#[test]
fn what_is_tied_to_its_session_and_cannot_stay_goes_where_the_session_is() {
    let closed = closed(account(1), ClosureReason::Quota, 3_600_000);
    let accounts = vec![closed, account(2), used(account(3), 0.9, 60)];
    let tied = Bound { is_tied: true, home: AccountId::from_bytes([3; 16]), ..bound(1) };
    let plan_of = |bound| plan(accounts.clone(), Some(bound));
    let plan = plan_of(tied.clone());
    assert_eq!((order(&plan), plan.candidates[0].choice), (vec!["3", "2"], Choice::Session));
    assert_eq!(leaving(&plan), Some(Leaving::Closed(ClosureReason::Quota)));
    let homeless = Bound { home: AccountId::from_bytes([1; 16]), ..tied };
    assert_eq!(order(&plan_of(homeless)), ["2", "3"], "the session can't stay there either");
}

#[test]
fn a_throttle_is_waited_for_as_long_as_the_cache_is_worth() {
    // $0.72 at $0.10 a second.
    let throttled = |millis| vec![closed(account(1), ClosureReason::Throttled, millis), account(2)];
    let waits = plan(throttled(7_000), Some(bound(1)));
    assert_eq!((order(&waits), waits.candidates[0].wait), (vec!["1", "2"], Duration::from_secs(7)));
    let goes = plan(throttled(7_500), Some(bound(1)));
    assert_eq!((order(&goes), leaving(&goes)), (vec!["2"], Some(Leaving::Closed(ClosureReason::Throttled))));
    assert_eq!(order(&plan(throttled(1), None)), ["2"], "nothing to lose, nothing to wait for");
}

#[test]
fn where_all_are_throttled_the_first_to_open_is_waited_for_if_that_is_soon() {
    let throttled = |number, millis| closed(account(number), ClosureReason::Throttled, millis);
    let plan_of = |accounts| plan(accounts, None);
    let waits = plan_of(vec![throttled(1, 9_000), throttled(2, 4_000)]);
    assert_eq!((order(&waits), waits.candidates[0].wait), (vec!["2"], Duration::from_secs(4)));
    assert!(plan_of(vec![throttled(1, 11_000)]).candidates.is_empty());
    assert!(plan_of(vec![closed(account(1), ClosureReason::Quota, 1_000)]).candidates.is_empty());
}

fn any_account(number: u8) -> impl Strategy<Value = Account> {
    let closure = prop_oneof![
        3 => Just(None),
        1 => (0_u64..20_000).prop_map(|millis| Some((ClosureReason::Throttled, millis))),
        1 => (1_u64..20_000).prop_map(|millis| Some((ClosureReason::Quota, millis))),
    ];
    (0.0..1.1_f64, 1_u64..100_000, 0_u32..3, closure, proptest::option::of(0_u8..2)).prop_map(
        move |(part, resets, priority, closure, organization)| {
            let mut account = used(account(number), part, resets);
            account.priority = priority;
            account.organization = organization.map(|number| format!("o{number}").into());
            match closure {
                Some((reason, millis)) => closed(account, reason, millis),
                None => account,
            }
        },
    )
}

fn any_accounts() -> impl Strategy<Value = Vec<Account>> {
    (any_account(1), any_account(2), any_account(3), any_account(4)).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

proptest! {
    /// Whatever the accounts are like: nobody is lost or named twice, nobody is asked who is closed but for a throttle
    /// that is waited for, and a conversation that has something to lose leaves only who can't serve.
    #[test]
    fn a_plan_is_sound(accounts in any_accounts(), home in proptest::option::of(1_u8..6), idle in any::<bool>()) {
        let bound = home.map(|home| {
            let mut bound = bound(home);
            if idle {
                bound.lane.used = NOW - Duration::from_secs(10_000);
            }
            bound
        });
        let plan = plan(accounts.clone(), bound);
        let mut seen: Vec<_> = plan.candidates.iter().map(|candidate| candidate.account.id).collect();
        seen.extend(plan.closed.iter().map(|(account, _)| account.id));
        seen.sort();
        let all: Vec<_> = accounts.iter().map(|account| account.id).collect();
        prop_assert_eq!(seen, all);
        for candidate in &plan.candidates {
            let closure = candidate.account.closed_for(|| Some(OPUS), NOW);
            let waited = |closure: Closure| closure.until == Some(NOW + candidate.wait);
            prop_assert!(closure.is_none_or(waited));
            prop_assert!(candidate.wait <= ConversationOptions::default().longest_wait);
        }
        let home = home.and_then(|home| accounts.iter().find(|account| account.id == AccountId::from_bytes([home; 16])));
        if let Some(home) = home.filter(|home| !idle && home.closed_for(|| Some(OPUS), NOW).is_none()) {
            prop_assert_eq!(plan.candidates[0].account.id, home.id);
            prop_assert_eq!(leaving(&plan), None);
        }
    }

    /// The same situation gives the same plan.
    #[test]
    fn a_plan_can_be_replayed(accounts in any_accounts(), home in proptest::option::of(1_u8..6)) {
        let once = plan(accounts.clone(), home.map(bound));
        let again = plan(accounts, home.map(bound));
        prop_assert_eq!(format!("{once:?}"), format!("{again:?}"));
    }
}

#[cfg(feature = "redb")]
mod written_down {
    use super::*;
    use crate::{
        balance::{conversation::replay, place::decision},
        domain::{Exchange, ExchangeId, Intent, Outcome},
        store::{LedgerEntry, LedgerStore, RedbStore},
    };

    fn exchange(decision: Decision) -> Exchange {
        let intent = Intent {
            id: ExchangeId::new(NOW),
            at: NOW,
            method: http::Method::POST,
            path: "/v1/messages".into(),
            model: Some(OPUS.into()),
            request_bytes: 0,
            client_key: None,
            asker: None,
            preference: None,
        };
        Exchange { decision: Some(Box::new(decision)), ..Exchange::unfinished(intent, Outcome::Answered) }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        /// Of twelve accounts everything is written down that their order follows from, and it follows again.
        #[test]
        fn a_decision_is_replayed_from_the_ledger(
            accounts in (1_u8..13).map(any_account).collect::<Vec<_>>(),
            homes in proptest::collection::vec((proptest::option::of(1_u8..14), any::<bool>(), any::<bool>()), 3),
        ) {
            let situations = homes.into_iter().map(|(home, is_idle, is_tied)| {
                let bound = home.map(|home| Bound { is_tied, ..if is_idle { idle(home) } else { bound(home) } });
                plan(accounts.clone(), bound)
            });
            let made: Vec<_> = situations.map(|plan| exchange(decision(&plan, &facts().into(), NOW))).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let store = RedbStore::in_memory();
                let entries = made.iter().cloned().map(|exchange| LedgerEntry::Settled(Box::new(exchange)));
                store.append(&entries.collect::<Vec<_>>()).await.expect("written");
                for exchange in &made {
                    let read = store.exchange(exchange.intent.id).await.expect("read").expect("there");
                    let (made, read) = (exchange.decision.as_ref().expect("made"), read.decision.expect("kept"));
                    assert_eq!(&read, made);
                    assert_eq!((read.candidates.len() + read.excluded.len(), read.unnamed), (12, 0));
                    let order: Vec<_> = made.candidates.iter().map(|ranked| ranked.account.id).collect();
                    assert_eq!(replay(&read), order);
                }
            });
        }
    }
}
